"""Wheel speeds, as a node has them that times the teeth of four rings.

          edge      edge      edge
    _______|^^^^|____|^^^^|____|^^^^|___    teeth pass at f = teeth * wheel speed / (2 pi)
           |<-- n teeth, T s ->|            v = n * pitch / T, T in whole ticks of a timer

It times as many whole teeth as pass within its gate, one at least; so what it tells is the
mean over T, half of T old. Where no tooth passes for a period of ``least_hz`` it tells zero.
"""

from __future__ import annotations

import math
from typing import Final

from tianyuan.control.kernels import kernel
from tianyuan.hil.noise import pair, uniform
from tianyuan.hil.sensors import channels
from tianyuan.hil.sensors.history import recall, taken_ns

_FRONT: Final = channels.noise("wheels_front")
_REAR: Final = channels.noise("wheels_rear")
_AGE: Final = channels.noise("wheels_age")
_TIMER: Final = channels.noise("timer")
_TURN: Final = 2.0 * math.pi


@kernel
def timed(k, wheel_radps, pitch_m, edge_error, phase):
    """Speed in m/s that the node makes of a wheel's; never negative, for it sees no direction.

    ``edge_error`` is the sum of both edges' errors in teeth, ``phase`` the timer's in [0, 1).
    """
    teeth_hz = k.wheels_teeth * abs(wheel_radps) / _TURN
    if not teeth_hz >= k.wheels_least_hz:
        return 0.0
    teeth = max(1.0, math.floor(teeth_hz * k.wheels_gate_s))
    passed = max(0.1, teeth + edge_error)
    ticks = max(1.0, math.floor(passed / (teeth_hz * k.wheels_timer_s) + phase))
    return teeth * pitch_m / (ticks * k.wheels_timer_s)


@kernel
def wheels(k, p, history, seed, out, t_ns):
    """The speeds of four treads by the nominal radius, which a fast tyre outgrows."""
    late_s = k.wheels_latency_s + 0.5 * k.wheels_gate_s
    i = recall(history, taken_ns(seed, _AGE, late_s, k.wheels_jitter_s, t_ns))
    h = history[0]
    grown = 1.0 + k.wheels_radius_growth_s2pm2 * h.vx_mps[i] * h.vx_mps[i]
    pitch_m = p.tyre_radius_m * _TURN / k.wheels_teeth
    error, turn, phase = k.wheels_pitch_share, h.wheel_radps, uniform(seed, _TIMER, t_ns)
    left, right = pair(seed, _FRONT, t_ns)
    out.wheel_fl_mps = timed(k, turn[i, 0] / grown, pitch_m, error * left, phase)
    out.wheel_fr_mps = timed(k, turn[i, 1] / grown, pitch_m, error * right, 1.0 - phase)
    left, right = pair(seed, _REAR, t_ns)
    phase = abs(phase - 0.5)
    out.wheel_rl_mps = timed(k, turn[i, 2] / grown, pitch_m, error * left, 2.0 * phase)
    out.wheel_rr_mps = timed(k, turn[i, 3] / grown, pitch_m, error * right, 1.0 - 2.0 * phase)
