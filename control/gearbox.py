"""Which gear: up and down by engine speed, one at a time, never hunting."""

from __future__ import annotations

from tianyuan.control import engine
from tianyuan.control.kernels import kernel

HOLD_NS = 400_000_000  # a shift is let finish before the next is thought of


@kernel
def _top_gear(params):
    ratios = params[0].gear_ratio
    top = 0
    for i in range(ratios.size):
        if ratios[i] > 0.0:
            top = i + 1
    return top


@kernel
def update(params, state, t_ns):
    """Chosen gear, remembered in STATE; computed from the car's speed, not from spinning wheels."""
    p, s = params[0], state[0]
    s.gear = max(s.gear, 1)
    if 0 <= t_ns - s.shifted_ns < HOLD_NS:
        return s.gear
    now = engine.speed_radps(params, s.gear, s.speed_mps)
    if now > p.limits_upshift_radps and s.gear < _top_gear(params):
        s.gear += 1
        s.shifted_ns = t_ns
    elif s.gear > 1 and now < p.limits_downshift_radps:
        below = engine.speed_radps(params, s.gear - 1, s.speed_mps)
        if below < 0.97 * p.limits_upshift_radps:
            s.gear -= 1
            s.shifted_ns = t_ns
    return s.gear
