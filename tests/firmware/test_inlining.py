"""What takes the large named tuples is compiled into its caller."""

from __future__ import annotations

import inspect

import pytest
from numba.core.registry import CPUDispatcher

from tianyuan.firmware import tick as host_tick
from tianyuan.firmware.guard import listen
from tianyuan.firmware.guard import tick as guard_tick
from tianyuan.hil import lockstep, rig
from tianyuan.hil.bus import carry, injection, port

LARGE = {"world", "life", "tables", "params", "net"}


@pytest.mark.compiled
@pytest.mark.parametrize(
    "module",
    [host_tick, guard_tick, listen, rig, lockstep, carry, injection, port],
    ids=lambda module: module.__name__,
)
def test_a_kernel_with_a_large_tuple_is_inlined_or_a_thread_s_own(module):
    """One that is not lays hundreds of words on the stack at each call."""
    kernels = [
        made
        for _, made in inspect.getmembers(module)
        if isinstance(made, CPUDispatcher) and made.py_func.__module__ == module.__name__
    ]
    large = [made for made in kernels if LARGE & set(inspect.signature(made.py_func).parameters)]
    called = [
        made.py_func.__name__
        for made in large
        if not (made.targetoptions.get("forceinline") or made.targetoptions.get("nogil"))
    ]
    assert large
    assert called == []
