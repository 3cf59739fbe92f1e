"""How every kernel of the loop is compiled.

Without numba's runtime (``_nrt=False``) a kernel cannot allocate: the compiler refuses one
that would. Nor does it count references to its arrays, which it only borrows; the atomic
instructions for that took most of a tick's time with them. Division follows IEEE 754
instead of raising, so nothing in a kernel can end the loop.

Each option is spelled out, since numba lets a kernel inherit what it does not say itself
from the kernel that calls it.
"""

from __future__ import annotations

from typing import Final

from numba import njit

from tianyuan.cache import lock_entries

lock_entries()

kernel: Final = njit(cache=True, error_model="numpy", _nrt=False, forceinline=False)
# For what every frame passes through, and for whatever takes one of the large named tuples
# (World, Life, Tables, Memory): a call would lay each of their arrays on the stack, seven words
# an array, some hundred arrays. Compiled into its caller.
inlined: Final = njit(cache=True, error_model="numpy", _nrt=False, forceinline=True)
# For the outermost function of a thread of its own.
unlocked: Final = njit(cache=True, error_model="numpy", _nrt=False, nogil=True)
