"""How the codec's kernels are compiled.

Without numba's runtime (``_nrt=False``) a kernel cannot allocate: the compiler refuses
one that would. Nor does it count references to its arrays, which it only borrows; the
atomic instructions for that took 250 of the 300 ns that a frame took with them. Division
follows IEEE 754 instead of raising.

What every frame passes through is compiled into its caller, so that the tables' addresses
stay in registers; what few frames need is kept out of the way. Both are spelled out since
numba lets a kernel inherit what it does not say itself from the kernel that calls it.
"""

from __future__ import annotations

from typing import Final

from numba import njit

inlined: Final = njit(cache=True, error_model="numpy", _nrt=False, forceinline=True)
outlined: Final = njit(cache=True, error_model="numpy", _nrt=False, forceinline=False)
