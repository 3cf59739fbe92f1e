"""The truth of the last moments: what a message may still carry when it leaves late."""

from __future__ import annotations

from typing import Final

import numpy as np

from tianyuan.control.kernels import kernel
from tianyuan.hil.noise import uniform

PAST: Final = 256  # steps of truth kept, a power of two
_PAST_MASK: Final = PAST - 1
WHEELS: Final = 4  # FL FR RL RR

TRUTHS: Final = (
    "x_m", "y_m", "heading_rad", "vx_mps", "vy_mps", "yaw_rate_radps", "yaw_accel_radps2",
    "ax_mps2", "ay_mps2", "roll_rad", "quality", "slow_m",
    "steer_rad", "steer_rate_radps", "steer_nm", "steer_fault",
    "brake_travel", "brake_front_bar", "brake_rear_bar", "brake_fault",
    "throttle", "gear", "engine_radps", "powertrain_fault",
)  # fmt: skip
HISTORY: Final = np.dtype(
    [("head", "i8"), ("count", "i8"), ("t_ns", "i8", (PAST,))]
    + [(name, "f8", (PAST,)) for name in TRUTHS]
    + [("wheel_radps", "f8", (PAST, WHEELS))]
)


def history() -> np.recarray:
    """An empty HISTORY, one element."""
    return np.zeros(1, HISTORY).view(np.recarray)


@kernel
def remember(history, state, actuators, sensing, t_ns):
    """Keep the truth at ``t_ns``, which rises from call to call.

    The yaw acceleration is the change since the truth before.
    """
    h, s, a, now = history[0], state[0], actuators[0], sensing[0]
    last = h.head
    head = (last + 1) & _PAST_MASK
    gone_s = (t_ns - h.t_ns[last]) * 1e-9
    turned = s.yaw_rate_radps - h.yaw_rate_radps[last]
    h.yaw_accel_radps2[head] = turned / gone_s if h.count > 0 and gone_s > 0.0 else 0.0
    h.head, h.count = head, min(h.count + 1, PAST)
    h.t_ns[head] = t_ns
    h.x_m[head], h.y_m[head], h.heading_rad[head] = s.x_m, s.y_m, s.heading_rad
    h.vx_mps[head], h.vy_mps[head] = s.vx_mps, s.vy_mps
    h.yaw_rate_radps[head] = s.yaw_rate_radps
    h.ax_mps2[head], h.ay_mps2[head], h.roll_rad[head] = s.ax_mps2, s.ay_mps2, s.roll_rad
    h.quality[head], h.slow_m[head] = now.quality, now.slow_m
    h.gear[head], h.engine_radps[head], h.throttle[head] = s.gear, s.engine_radps, a.throttle
    h.powertrain_fault[head] = a.powertrain_fault
    h.steer_rad[head], h.steer_rate_radps[head] = a.motor_rad, a.motor_radps
    h.steer_nm[head], h.steer_fault[head] = a.steer_nm, a.steer_fault
    h.brake_travel[head], h.brake_fault[head] = a.brake_travel, a.brake_fault
    h.brake_front_bar[head], h.brake_rear_bar[head] = a.brake_front_bar, a.brake_rear_bar
    for i in range(WHEELS):
        h.wheel_radps[head, i] = s.wheel_radps[i]


@kernel
def recall(history, t_ns):
    """Place in the ring of the newest truth not after ``t_ns``, else of the oldest."""
    h = history[0]
    place = h.head
    for _ in range(h.count - 1):
        if h.t_ns[place] <= t_ns:
            break
        place = (place - 1) & _PAST_MASK
    return place


@kernel
def taken_ns(seed, noise, latency_s, jitter_s, t_ns):
    """The instant whose truth leaves at ``t_ns``; the jitter is even between none and whole."""
    late_s = latency_s
    if jitter_s > 0.0:
        late_s += jitter_s * uniform(seed, noise, t_ns)
    return t_ns - int(late_s * 1e9 + 0.5)
