"""How a motor follows: a range, a delay, a lag and a top rate."""

from __future__ import annotations

from tianyuan.control.kernels import kernel
from tianyuan.hil.actuators.state import RING_MASK


@kernel
def clamp(value, low, high, otherwise):
    """``value`` within its range, ``otherwise`` when it is not a number."""
    if value < low:
        return low
    if value > high:
        return high
    return value if value == value else otherwise  # noqa: PLR0124 - only NaN differs from itself


@kernel
def delayed(ring, head, delay_s, rate_hz):
    """What was written ``delay_s`` ago, whole steps, at most what the ring holds."""
    steps = min(int(delay_s * rate_hz + 0.5), RING_MASK)
    return ring[(head - steps) & RING_MASK]


@kernel
def follow(value, target, lag_s, rate, dt_s):
    """First order towards ``target``, never faster than ``rate`` per second."""
    step = (target - value) / (lag_s + dt_s)
    return value + dt_s * min(rate, max(-rate, step))


@kernel
def shrunk(value, by):
    """``value`` that much nearer to zero, and zero where it is nearer already: dry friction."""
    if value > by:
        return value - by
    if value < -by:
        return value + by
    return 0.0
