"""A car that is carried along its line: what its sensors say, without a plant.

It stands where the line begins until a host is heard, is given the word to go, and then
follows the speed profile. Nothing that the host commands has an effect, so nothing can
stop the traffic.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np

from tianyuan.control import slip
from tianyuan.control.kernels import kernel
from tianyuan.control.records import SENSORS, Flag, record
from tianyuan.hil.sensors.gnss import wrap_heading

SECOND_NS: Final = 1_000_000_000
GO_NS: Final = SECOND_NS  # after the host was first heard: time to become ready
START_NS: Final = GO_NS + 200_000_000
START_MPS2: Final = 4.0
GREEN: Final = int(Flag.GREEN)
SLOW_MPS: Final = 1.0  # below this the slip tables say nothing
GRID_POINT: Final = 2
BEAT_NS: Final = 10_000_000
BEATS: Final = 256
# What a healthy car reports and this one never changes; channels that it does not have are
# passed over.
HEALTHY: Final = {"gnss_quality": 4.0, "gnss_heading_quality": 4.0, "gear": 1.0, "permit": 1.0}

MOVING: Final = np.dtype(
    [
        ("heard_ns", "i8"),  # the first frame of a host, 0 before
        ("drives", "i8"),  # 1: along the line; 0: stands, and its wheel is turned
        ("station_m", "f8"),
        ("speed_mps", "f8"),
        ("accel_mps2", "f8"),
        ("turned", "i8"),  # the wheel, in grains of its signal
        ("rising", "i8"),
    ]
)


class Ramp(NamedTuple):
    """How the wheel is turned: whole grains of the signal, up to ``most`` to each side."""

    grain_rad: float
    most: int


def at_start(drives: bool, spacing_m: float) -> np.recarray:
    """A car that stands on its line and has heard nobody."""
    moving = record(MOVING)
    moving.drives[0] = int(drives)
    moving.station_m[0] = GRID_POINT * spacing_m
    moving.rising[0] = 1
    return moving


def healthy_sensors() -> np.recarray:
    """SENSORS of a car without a fault."""
    sensors = record(SENSORS)
    for name, value in HEALTHY.items():
        if name in (SENSORS.names or ()):
            sensors[name][0] = value
    return sensors


@kernel
def turn_wheel(moving, ramp, sensors):
    """Turn the wheel on by one step.

    Even grains on the way up, odd ones on the way down: no angle comes twice before the
    wheel has been to both ends.
    """
    w = moving[0]
    if w.rising != 0:
        w.turned += 2
        if w.turned >= ramp.most:
            w.rising = 0
            w.turned -= 1
    else:
        w.turned -= 2
        if w.turned <= -ramp.most:
            w.rising = 1
            w.turned += 1
    sensors[0].steer_rad = w.turned * ramp.grain_rad


@kernel
def _point(path, spacing_m, station_m):
    """Index of the line's point at or before a station, and the distance past it."""
    place = math.floor(station_m / spacing_m)
    return int(place) % path.size, station_m - place * spacing_m


@kernel
def _advance(params, path, moving, dt_s):
    w = moving[0]
    spacing_m = params[0].path_spacing_m
    i, past_m = _point(path, spacing_m, w.station_m)
    share, after = past_m / spacing_m, path[(i + 1) % path.size].speed_mps
    profile_mps = path[i].speed_mps + share * (after - path[i].speed_mps)
    rising_mps = w.speed_mps + START_MPS2 * dt_s
    w.accel_mps2 = START_MPS2 if rising_mps < profile_mps else path[i].accel_mps2
    w.speed_mps = min(rising_mps, profile_mps)
    w.station_m += w.speed_mps * dt_s


@kernel
def _satellites(params, path, moving, yaw_rate_radps, sideways_mps, out):
    """Position and heading as they were when they were valid, a receiver's delay ago."""
    p, w = params[0], moving[0]
    then_m = w.station_m - w.speed_mps * p.estimator_gnss_delay_s
    i, past_m = _point(path, p.path_spacing_m, then_m)
    course_rad = path[i].heading_rad + path[i].curvature_1pm * past_m
    heading_rad = course_rad - math.atan2(sideways_mps, max(w.speed_mps, SLOW_MPS))
    c, s = math.cos(heading_rad), math.sin(heading_rad)
    out.gnss_x_m = path[i].x_m + math.cos(course_rad) * past_m
    out.gnss_x_m += c * p.antenna_x_m - s * p.antenna_y_m
    out.gnss_y_m = path[i].y_m + math.sin(course_rad) * past_m
    out.gnss_y_m += s * p.antenna_x_m + c * p.antenna_y_m
    across_mps = sideways_mps + yaw_rate_radps * p.antenna_x_m
    out.gnss_speed_mps = math.hypot(w.speed_mps, across_mps)
    out.gnss_heading_rad = wrap_heading(heading_rad)


@kernel
def _say(params, path, moving, sensors):
    """Fill SENSORS with what the car's motion looks like to them."""
    p, w, out = params[0], moving[0], sensors[0]
    i, _ = _point(path, p.path_spacing_m, w.station_m)
    yaw_rate_radps = w.speed_mps * path[i].curvature_1pm
    sideways_mps = 0.0
    if w.speed_mps > SLOW_MPS:
        sideways_mps = slip.sideways_mps(params, w.speed_mps, yaw_rate_radps, w.accel_mps2)
    _satellites(params, path, moving, yaw_rate_radps, sideways_mps, out)
    out.imu_ax_mps2, out.imu_ay_mps2 = w.accel_mps2, w.speed_mps * yaw_rate_radps
    out.imu_yaw_rate_radps = yaw_rate_radps
    half_mps = 0.5 * p.track_m * yaw_rate_radps
    out.wheel_fl_mps = out.wheel_rl_mps = w.speed_mps - half_mps
    out.wheel_fr_mps = out.wheel_rr_mps = w.speed_mps + half_mps
    if w.drives != 0:
        out.steer_rad = math.atan(p.wheelbase_m * path[i].curvature_1pm)


@kernel
def update(params, path, moving, sensors, t_ns, dt_s):
    """Carry the car on by ``dt_s`` to the instant ``t_ns`` and fill SENSORS.

    A car that only stands is shown go from the beginning, so that it never becomes ready.
    """
    w, out = moving[0], sensors[0]
    since_ns = t_ns - w.heard_ns if w.heard_ns > 0 else 0
    if w.drives != 0 and since_ns > START_NS:
        _advance(params, path, moving, dt_s)
    out.race_flag = GREEN
    out.race_go = 1.0 if w.drives == 0 or since_ns > GO_NS else 0.0
    out.race_heartbeat = (t_ns // BEAT_NS) % BEATS
    _say(params, path, moving, sensors)
