"""The satellite receiver: position and speed of the antenna, heading of the baseline."""

from __future__ import annotations

import math
from typing import Final

from tianyuan.control.kernels import kernel
from tianyuan.hil.noise import gauss, pair
from tianyuan.hil.sensors import channels
from tianyuan.hil.sensors.history import recall, taken_ns
from tianyuan.hil.sensors.receiver import FIXED, FLOAT, NMEA

_POSITION: Final = channels.noise("position")
_SPEED: Final = channels.noise("speed")
_HEADING: Final = channels.noise("heading")
_POSITION_AGE: Final = channels.noise("position_age")
_VELOCITY_AGE: Final = channels.noise("velocity_age")
_FIXED_QUALITY: Final = NMEA[FIXED]
_FLOAT_QUALITY: Final = NMEA[FLOAT]


@kernel
def _antenna(k, h, i, t_ns):
    """The antenna at ``t_ns``: x, y, heading, speed; carried on from truth ``i``."""
    ahead_s = max(0.0, (t_ns - h.t_ns[i]) * 1e-9)
    yaw = h.yaw_rate_radps[i]
    heading = h.heading_rad[i] + ahead_s * yaw
    cos_heading, sin_heading = math.cos(heading), math.sin(heading)
    vx, vy = h.vx_mps[i], h.vy_mps[i]
    along = k.gnss_antenna_x_m + ahead_s * vx
    across = k.gnss_antenna_y_m + ahead_s * vy
    x = h.x_m[i] + along * cos_heading - across * sin_heading
    y = h.y_m[i] + along * sin_heading + across * cos_heading
    vx -= yaw * k.gnss_antenna_y_m
    vy += yaw * k.gnss_antenna_x_m
    return x, y, heading, math.sqrt(vx * vx + vy * vy)


@kernel
def wrap_heading(heading_rad):
    """The heading in [0, 2 pi)."""
    turn = 2.0 * math.pi
    wrapped = heading_rad - turn * math.floor(heading_rad / turn)
    return wrapped if 0.0 <= wrapped < turn else 0.0


@kernel
def position(k, history, sensing, seed, out, t_ns):
    """Position and its quality; without a solution the last one is repeated."""
    then_ns = taken_ns(seed, _POSITION_AGE, k.gnss_latency_s, k.gnss_jitter_s, t_ns)
    i, h, slow = recall(history, then_ns), history[0], sensing[0]
    out.gnss_quality = h.quality[i]
    if h.quality[i] == 0.0:
        return
    x, y, _, _ = _antenna(k, h, i, then_ns)
    white_x, white_y = pair(seed, _POSITION, t_ns)
    out.gnss_x_m = x + h.slow_m[i] * slow.position_x + k.gnss_noise_m * white_x
    out.gnss_y_m = y + h.slow_m[i] * slow.position_y + k.gnss_noise_m * white_y


@kernel
def velocity(k, history, sensing, seed, out, t_ns):
    """Speed by Doppler, and heading, which two antennas have only by their carriers.

    What the receiver cannot tell is repeated.
    """
    then_ns = taken_ns(seed, _VELOCITY_AGE, k.gnss_latency_s, k.gnss_jitter_s, t_ns)
    i, h = recall(history, then_ns), history[0]
    quality = h.quality[i]
    by_carriers = quality in (_FIXED_QUALITY, _FLOAT_QUALITY)
    out.gnss_heading_quality = quality if by_carriers else 0.0
    if quality == 0.0:
        return
    _, _, heading, speed = _antenna(k, h, i, then_ns)
    out.gnss_speed_mps = max(0.0, speed + k.gnss_speed_mps * gauss(seed, _SPEED, t_ns))
    if by_carriers:
        fixed = quality == _FIXED_QUALITY
        across_m = k.gnss_baseline_noise_m if fixed else k.gnss_baseline_float_m
        error = sensing[0].mounting_rad
        error += math.atan2(across_m * gauss(seed, _HEADING, t_ns), k.gnss_baseline_m)
        out.gnss_heading_rad = wrap_heading(heading + error)
