"""What is read off a trace: the figures of ISO 4138, 7401, 7975, 9816 and 19365, and plain ones.

Each takes a Trace and gives one number. A figure that the trace does not hold is NaN, never an
error: a model that spins has no rise time.
"""

from __future__ import annotations

import math

import numpy as np

from tianyuan.hil.validation.trace import Trace

GRAVITY_MPS2 = 9.81


def last_mean(values: np.ndarray, samples: int = 40) -> float:
    """The mean of the last ``samples``: a steady state."""
    return float(np.mean(values[-samples:]))


def crossing(t_s: np.ndarray, values: np.ndarray, level: float) -> float:
    """When ``values`` first rises through ``level``, between samples; NaN when it never does."""
    above = values >= level
    if not above.any() or above[0]:
        return math.nan
    k = int(np.argmax(above))
    part = (level - values[k - 1]) / (values[k] - values[k - 1])
    return float(t_s[k - 1] + part * (t_s[k] - t_s[k - 1]))


def rise_time_s(trace: Trace, begin_s: float) -> float:
    """ISO 7401: from half of the steering to 90 % of the steady yaw rate."""
    steered_s = crossing(trace.t_s, np.abs(trace.steer_rad), 0.5 * abs(trace.steer_rad[-1]))
    tail = trace.from_time(begin_s)
    yaw = np.abs(tail.yaw_rate_radps)
    return crossing(tail.t_s, yaw, 0.9 * last_mean(yaw)) - steered_s


def overshoot(trace: Trace) -> float:
    """ISO 7401: the peak yaw rate over the steady one, less one."""
    yaw = np.abs(trace.yaw_rate_radps)
    return float(yaw.max() / last_mean(yaw) - 1.0)


def yaw_gain_1ps(trace: Trace) -> float:
    """Steady yaw rate over steering angle."""
    return last_mean(trace.yaw_rate_radps) / float(trace.steer_rad[-1])


def peak(values: np.ndarray) -> float:
    """The largest value, whatever its sign."""
    return float(np.abs(values).max())


def understeer_gradient(trace: Trace, wheelbase_m: float, low: float, high: float) -> float:
    """ISO 4138 at constant speed: slope of steering less L / R over lateral acceleration.

    In rad/(m/s^2), between ``low`` and ``high`` m/s^2 of lateral acceleration on its rise.
    """
    rise = trace.from_time(0.0, float(trace.t_s[np.argmax(trace.ay_mps2)]))
    kept = (rise.ay_mps2 > low) & (rise.ay_mps2 < high)
    if np.count_nonzero(kept) < 5:
        return math.nan
    path_rad = np.arctan(wheelbase_m * rise.yaw_rate_radps / rise.vx_mps)
    return float(np.polyfit(rise.ay_mps2[kept], (rise.steer_rad - path_rad)[kept], 1)[0])


def time_between_s(trace: Trace, first_mps: float, second_mps: float) -> float:
    """How long from one speed to another, by either pedal."""
    sign = 1.0 if second_mps > first_mps else -1.0
    speed = sign * trace.vx_mps
    begin_s = crossing(trace.t_s, speed, sign * first_mps)
    return crossing(trace.t_s, speed, sign * second_mps) - begin_s


def distance_between_m(trace: Trace, first_mps: float, second_mps: float) -> float:
    """How far from one speed to another, along x."""
    sign = 1.0 if second_mps > first_mps else -1.0
    at_s = [crossing(trace.t_s, sign * trace.vx_mps, sign * v) for v in (first_mps, second_mps)]
    begin_m, end_m = np.interp(at_s, trace.t_s, trace.x_m)
    return float(end_m - begin_m)


def axle_transfer_n(trace: Trace) -> float:
    """Load of the rear axle at the end less what it is at rest, 0.2 s after the start."""
    rear_n = trace.wheel_load_n[:, 2:].sum(axis=1)
    return last_mean(rear_n) - at(trace, rear_n, 0.2)


def side_transfer_n(trace: Trace, axle: int) -> float:
    """How much load an axle's right wheel has over its left one at the end; axle 0 is front."""
    left, right = trace.wheel_load_n[:, 2 * axle], trace.wheel_load_n[:, 2 * axle + 1]
    return last_mean(right - left)


def at(trace: Trace, values: np.ndarray, t_s: float) -> float:
    """A column's value at a time."""
    return float(np.interp(t_s, trace.t_s, values))
