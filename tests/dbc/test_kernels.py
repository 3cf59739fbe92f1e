"""The kernels as the compiler leaves them."""

from __future__ import annotations

import numba
import numpy as np
import pytest

from tianyuan.control.kernels import kernel
from tianyuan.dbc import codec as dbc
from tianyuan.dbc.codec import Protection


@pytest.fixture
def everything(wire, signal, message):
    """A message that reaches every kernel: protected, multiplexed, floats, both orders."""
    signals = [
        signal("Crc", 0, 8),
        signal("Counter", 8, 4),
        signal("Mux", 12, 4, is_multiplexer=True),
        signal("F", 16, 32, is_float=True, multiplexer_signal="Mux", multiplexer_ids=[1]),
        signal("U", 60, 64, multiplexer_signal="Mux", multiplexer_ids=[2]),
        signal("H", 135, 16, is_float=True, byte_order="big_endian"),
        signal("I", 151, 13, is_signed=True, byte_order="big_endian", scale=0.1),
    ]
    protections = {"M": Protection("P1", 1, "Crc", "Counter")}
    return wire([message(signals, length=64)], None, protections)


@numba.njit(error_model="numpy", _nrt=False)
def loop(codec, frames, received, sent, values, raws, present, rounds):
    """What the host does: encode and decode, from a loop that is compiled itself."""
    total = 0
    for _ in range(rounds):
        for i in range(frames.size):
            total += dbc.encode(codec, 0, sent, values, frames, i)
            total += dbc.decode(codec, frames, i, received, values)
            total += dbc.decode_raw(codec, frames, i, raws, present)
    return total


needs_compiler = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")


@needs_compiler
def test_decode_and_encode_allocate_nothing_and_count_no_references(everything):
    tried = everything
    raws, present = np.zeros(tried.size, np.int64), np.zeros(tried.size, np.uint8)
    arguments = (tried.frame, tried.received, tried.sent, np.ones(tried.size), raws, present)

    assert loop(tried.codec, *arguments, 1000) == 0

    assert tried.received[0].count == 1000
    (code,) = loop.inspect_llvm().values()
    kernels = [part for part in code.split("\ndefine ")[1:] if not is_wrapper(part)]
    assert any("bswap" in part for part in kernels)  # the codec's are among them
    for part in kernels:
        for name in ("NRT_", "PyErr", "numba_do_raise"):
            assert name not in part, part


def is_wrapper(part):
    """Whether a function is for callers from Python or C, not from a kernel."""
    name = part.partition("{")[0]
    return "cpython" in name or "cfunc." in name or "@NRT_" in name


@needs_compiler
def test_a_kernel_that_would_allocate_does_not_compile():
    @kernel
    def allocates(n):
        return np.zeros(n).sum()

    with pytest.raises(numba.core.errors.NumbaError):
        allocates(3)
