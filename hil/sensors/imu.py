"""The inertial unit, where it is mounted."""

from __future__ import annotations

import math
from typing import Final

from tianyuan.control.kernels import kernel
from tianyuan.hil.noise import gauss, pair
from tianyuan.hil.plant.load import GRAVITY_MPS2
from tianyuan.hil.sensors import channels
from tianyuan.hil.sensors.history import recall, taken_ns

_ACCEL: Final = channels.noise("imu_accel")
_YAW_RATE: Final = channels.noise("imu_yaw_rate")
_AGE: Final = channels.noise("imu_age")


@kernel
def _within(value, range_):
    """The value, no further than the sensor reaches."""
    return min(range_, max(-range_, value))


@kernel
def at_mounting(k, h, i):
    """Specific force (ax, ay) where the unit is, truth ``i``.

    That of the centre of gravity, which has what gravity does on a slope, and what the turning
    adds: ``alpha x r + omega x (omega x r)``. The unit rolls with the body, so a part of gravity
    comes into its y axis.

          y ^   r = (x, y)        alpha x r             = alpha * (-y, x)
            |                     omega x (omega x r)   = -omega^2 * (x, y)
            o-----> x
    """
    x, y = k.imu_x_m, k.imu_y_m
    yaw, alpha = h.yaw_rate_radps[i], h.yaw_accel_radps2[i]
    ax = h.ax_mps2[i] - alpha * y - yaw * yaw * x
    ay = h.ay_mps2[i] + alpha * x - yaw * yaw * y
    roll = h.roll_rad[i]
    return ax, ay * math.cos(roll) + GRAVITY_MPS2 * math.sin(roll)


@kernel
def imu(k, history, sensing, seed, out, t_ns):
    """White noise on a constant bias and a wandering one, within the range."""
    then_ns = taken_ns(seed, _AGE, k.imu_latency_s, k.imu_jitter_s, t_ns)
    i, h, m = recall(history, then_ns), history[0], sensing[0]
    ax, ay = at_mounting(k, h, i)
    white_x, white_y = pair(seed, _ACCEL, t_ns)
    ax += m.accel_x_bias_mps2 + k.imu_accel_wander_mps2 * m.accel_x + k.imu_accel_mps2 * white_x
    ay += m.accel_y_bias_mps2 + k.imu_accel_wander_mps2 * m.accel_y + k.imu_accel_mps2 * white_y
    yaw = h.yaw_rate_radps[i] + m.yaw_rate_bias_radps + k.imu_yaw_rate_wander_radps * m.yaw_rate
    yaw += k.imu_yaw_rate_radps * gauss(seed, _YAW_RATE, t_ns)
    out.imu_ax_mps2 = _within(ax, k.imu_accel_range_mps2)
    out.imu_ay_mps2 = _within(ay, k.imu_accel_range_mps2)
    out.imu_yaw_rate_radps = _within(yaw, k.imu_yaw_rate_range_radps)
