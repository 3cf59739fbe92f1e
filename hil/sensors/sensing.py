"""SENSING: all of the sensors that changes, and the errors that outlast a message.

The slow errors are Gauss-Markov processes (Maybeck, Stochastic Models, 4.11), of standard
deviation 1, stepped on a grid of time that does not depend on who is asked when: they remain
functions of seed and time. Their first value, like the constant errors, is drawn by the seed.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from tianyuan.control.kernels import kernel
from tianyuan.control.records import record
from tianyuan.hil.noise import pair
from tianyuan.hil.sensors import channels
from tianyuan.hil.sensors.tables import KNOT_S

KNOT_NS: Final = round(KNOT_S * 1e9)
_POSITION: Final = channels.noise("position_slow")
_ACCEL: Final = channels.noise("imu_accel_slow")
_YAW_RATE: Final = channels.noise("imu_yaw_rate_slow")
_MOUNTING: Final = channels.noise("heading_mounting")
_ACCEL_BIAS: Final = channels.noise("imu_accel_bias")
_YAW_RATE_BIAS: Final = channels.noise("imu_yaw_rate_bias")
_STEERING_OFFSET: Final = channels.noise("steering_offset")
_BRAKE_OFFSET: Final = channels.noise("brake_offset")

SENSING: Final = np.dtype(
    [
        # slow errors, in standard deviations
        ("knot", "i8"),  # of the grid of time, 0 before the first
        ("position_x", "f8"),
        ("position_y", "f8"),
        ("accel_x", "f8"),
        ("accel_y", "f8"),
        ("yaw_rate", "f8"),
        # errors that stay, in units
        ("mounting_rad", "f8"),
        ("accel_x_bias_mps2", "f8"),
        ("accel_y_bias_mps2", "f8"),
        ("yaw_rate_bias_radps", "f8"),
        ("steering_offset_rad", "f8"),
        ("front_offset_bar", "f8"),
        ("rear_offset_bar", "f8"),
        # the receiver's solution, see receiver.py
        ("rank", "i8"),
        ("since_ns", "i8"),  # when the wait for the next better rank began
        ("seen_ns", "i8"),  # the last look, 0 before the first
        ("quality", "f8"),  # of the position, as NMEA counts it
        ("slow_m", "f8"),  # standard deviation of the position's slow error
    ]
)


def sensing() -> np.recarray:
    """Sensors that were just switched on; one SENSING."""
    return record(SENSING)


@kernel
def _begin(k, m, seed, knot):
    """Draw what stays, and the first of what is slow."""
    m.knot = knot
    m.position_x, m.position_y = pair(seed, _POSITION, knot)
    m.accel_x, m.accel_y = pair(seed, _ACCEL, knot)
    m.yaw_rate, _ = pair(seed, _YAW_RATE, knot)
    first, second = pair(seed, _ACCEL_BIAS, 0)
    m.accel_x_bias_mps2 = k.imu_accel_bias_mps2 * first
    m.accel_y_bias_mps2 = k.imu_accel_bias_mps2 * second
    first, _ = pair(seed, _YAW_RATE_BIAS, 0)
    m.yaw_rate_bias_radps = k.imu_yaw_rate_bias_radps * first
    first, _ = pair(seed, _MOUNTING, 0)
    m.mounting_rad = k.gnss_mounting_rad * first
    first, _ = pair(seed, _STEERING_OFFSET, 0)
    m.steering_offset_rad = k.steering_offset_rad * first
    first, second = pair(seed, _BRAKE_OFFSET, 0)
    m.front_offset_bar, m.rear_offset_bar = k.brake_offset_bar * first, k.brake_offset_bar * second


@kernel
def _step(k, m, seed, knot):
    """Step every slow error once: ``error = decay * error + sqrt(1 - decay^2) * noise``."""
    m.knot = knot
    kept = k.gnss_decay
    fresh = math.sqrt(1.0 - kept * kept)
    first, second = pair(seed, _POSITION, knot)
    m.position_x = kept * m.position_x + fresh * first
    m.position_y = kept * m.position_y + fresh * second
    kept = k.imu_decay
    fresh = math.sqrt(1.0 - kept * kept)
    first, second = pair(seed, _ACCEL, knot)
    m.accel_x = kept * m.accel_x + fresh * first
    m.accel_y = kept * m.accel_y + fresh * second
    first, _ = pair(seed, _YAW_RATE, knot)
    m.yaw_rate = kept * m.yaw_rate + fresh * first


@kernel
def wander(sensor_params, sensing, seed, t_ns):
    """Bring the slow errors up to ``t_ns``, which never falls and is above zero.

    Called before any group is measured; the grid's first knot is where the run began.
    """
    k, m = sensor_params[0], sensing[0]
    knot = t_ns // KNOT_NS
    if m.knot == 0:
        _begin(k, m, seed, knot)
    while m.knot < knot:
        _step(k, m, seed, m.knot + 1)
