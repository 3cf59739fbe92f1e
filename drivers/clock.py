"""The monotonic clock, read and waited for from inside compiled code."""

from __future__ import annotations

import errno
import time
from typing import Final

import numpy as np

from tianyuan.control.kernels import kernel
from tianyuan.drivers import libc

SECOND_NS: Final = 1_000_000_000
_MONOTONIC: Final = time.CLOCK_MONOTONIC
_ABSOLUTE: Final = 1  # TIMER_ABSTIME
_EINTR: Final = errno.EINTR


def scratch() -> np.ndarray:
    """Room for one ``struct timespec``; a thread that uses the clock needs one of its own."""
    return np.zeros(2, np.int64)


@kernel
def monotonic_ns(scratch: np.ndarray) -> int:
    """Nanoseconds on CLOCK_MONOTONIC, the same clock as ``time.monotonic_ns``.

    ``scratch`` is an int64 array of two, overwritten.
    """
    libc.clock_gettime(_MONOTONIC, scratch.ctypes.data)
    return scratch[0] * SECOND_NS + scratch[1]


@kernel
def sleep_until(scratch: np.ndarray, t_ns: int) -> None:
    """Sleep until CLOCK_MONOTONIC reaches ``t_ns``; an instant already past returns at once.

    The deadline is absolute, so a wake-up that comes late does not delay the ones after it,
    and a signal only makes the thread go back to sleep. ``scratch`` as in ``monotonic_ns``.
    """
    scratch[0] = t_ns // SECOND_NS
    scratch[1] = t_ns % SECOND_NS
    address = scratch.ctypes.data
    while libc.clock_nanosleep(_MONOTONIC, _ABSOLUTE, address, 0) == _EINTR:
        pass


@kernel
def wait_until(scratch: np.ndarray, t_ns: int, early_ns: int) -> int:
    """Sleep until ``early_ns`` before ``t_ns``, then watch the clock; returns what it says.

    A timer wakes a thread some ten microseconds late and not always equally so. Whoever is
    awake already is on time, for the price of ``early_ns`` of the CPU. ``scratch`` as in
    ``monotonic_ns``.
    """
    sleep_until(scratch, t_ns - early_ns)
    now_ns = monotonic_ns(scratch)
    while now_ns < t_ns:
        now_ns = monotonic_ns(scratch)
    return now_ns
