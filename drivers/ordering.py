"""Stores that another process sees in the order in which they were made.

Compiler and processor may swap plain stores. x86-64 keeps their order, so there the fences
only hold the compiler; on other processors they cost an instruction.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba.core import cgutils, types
from numba.extending import intrinsic

if numba.config.DISABLE_JIT:

    def store_ordered(array: np.ndarray, value: int) -> None:
        """Write ``array[0]``, an int64, after all stores before and ahead of all after."""
        array[0] = value

else:

    @intrinsic
    def store_ordered(typing: Any, array: Any, value: Any) -> Any:
        """Write ``array[0]``, an int64, after all stores before and ahead of all after."""

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            kind = signature.args[0]
            made = context.make_array(kind)(context, builder, arguments[0])
            first = [context.get_constant(types.intp, 0)]
            place = cgutils.get_item_pointer(context, builder, kind, made, first)
            builder.fence("release")
            builder.store_atomic(arguments[1], place, "monotonic", align=8)
            builder.fence("release")
            return context.get_dummy_value()

        return types.void(array, types.int64), generate
