"""Sensors: from the plant's truth to the channels of SENSORS, group by group.

The rig calls :func:`remember` after each step of the plant and :func:`measure` whenever a
group's message is due. Race control and the emergency stop are not the car's; the rig
writes them.
"""

from __future__ import annotations

import math
from typing import Annotated, Final

import numpy as np
from pydantic import Field

from tianyuan.control.kernels import kernel
from tianyuan.control.records import GROUPS
from tianyuan.hil.noise import drift, gauss
from tianyuan.hil.plant.tables import Table

NotNegative = Annotated[float, Field(ge=0)]
PAST: Final = 256  # steps of truth kept, a power of two
_PAST_MASK: Final = PAST - 1
_POSITION: Final = GROUPS.index("position")
_VELOCITY: Final = GROUPS.index("velocity")
_IMU: Final = GROUPS.index("imu")
_WHEELS: Final = GROUPS.index("wheels")
_STEERING: Final = GROUPS.index("steering")
_BRAKE: Final = GROUPS.index("brake")
_POWERTRAIN: Final = GROUPS.index("powertrain")

HISTORY: Final = np.dtype(
    [("head", "i8"), ("count", "i8"), ("t_ns", "i8", (PAST,))]
    + [(name, "f8", (PAST,)) for name in ("x_m", "y_m", "heading_rad", "vx_mps", "vy_mps")]
    + [("yaw_rate_radps", "f8", (PAST,))]
)


class SensorTable(Table):
    """The vehicle file's ``[sensors]``; each noise is one standard deviation."""

    antenna_x_m: float
    antenna_y_m: float
    gnss_latency_s: Annotated[float, Field(ge=0, le=0.2)]
    position_m: NotNegative
    position_drift_m: NotNegative
    position_drift_s: Annotated[float, Field(gt=0, le=3600)]
    position_quality: NotNegative
    speed_mps: NotNegative
    heading_rad: NotNegative
    heading_quality: NotNegative
    accel_mps2: NotNegative
    accel_bias_mps2: NotNegative
    yaw_rate_radps: NotNegative
    yaw_rate_bias_radps: NotNegative
    wheel_mps: NotNegative
    steer_rad: NotNegative
    steer_rate_radps: NotNegative
    steer_torque_nm: NotNegative
    brake_bar: NotNegative
    engine_radps: NotNegative


def history() -> np.recarray:
    """An empty HISTORY, one element."""
    return np.zeros(1, HISTORY).view(np.recarray)


@kernel
def remember(history, state, t_ns):
    """Keep the truth at ``t_ns``, which rises from call to call."""
    h, s = history[0], state[0]
    head = (h.head + 1) & _PAST_MASK
    h.head = head
    h.count = min(h.count + 1, PAST)
    h.t_ns[head] = t_ns
    h.x_m[head], h.y_m[head], h.heading_rad[head] = s.x_m, s.y_m, s.heading_rad
    h.vx_mps[head], h.vy_mps[head] = s.vx_mps, s.vy_mps
    h.yaw_rate_radps[head] = s.yaw_rate_radps


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
def _antenna(k, history, t_ns):
    """The antenna at ``t_ns``: x, y, heading, speed; carried on from the last truth."""
    i, h = recall(history, t_ns), history[0]
    ahead_s = max(0.0, (t_ns - h.t_ns[i]) * 1e-9)
    yaw = h.yaw_rate_radps[i]
    heading = h.heading_rad[i] + ahead_s * yaw
    cos_heading, sin_heading = math.cos(heading), math.sin(heading)
    vx, vy = h.vx_mps[i], h.vy_mps[i]
    along = k.sensor_antenna_x_m + ahead_s * vx
    across = k.sensor_antenna_y_m + ahead_s * vy
    x = h.x_m[i] + along * cos_heading - across * sin_heading
    y = h.y_m[i] + along * sin_heading + across * cos_heading
    vx -= yaw * k.sensor_antenna_y_m
    vy += yaw * k.sensor_antenna_x_m
    return x, y, heading, math.sqrt(vx * vx + vy * vy)


@kernel
def wrap_heading(heading_rad):
    """The heading in [0, 2 pi)."""
    turn = 2.0 * math.pi
    wrapped = heading_rad - turn * math.floor(heading_rad / turn)
    return wrapped if 0.0 <= wrapped < turn else 0.0


@kernel
def _position(k, history, seed, out, t_ns):
    x, y, _, _ = _antenna(k, history, t_ns - int(k.sensor_gnss_latency_s * 1e9 + 0.5))
    slow, period = k.sensor_position_drift_m, k.sensor_position_drift_s
    x += slow * drift(seed, 0, t_ns, period) + k.sensor_position_m * gauss(seed, 2, t_ns)
    y += slow * drift(seed, 1, t_ns, period) + k.sensor_position_m * gauss(seed, 3, t_ns)
    out.gnss_x_m, out.gnss_y_m, out.gnss_quality = x, y, k.sensor_position_quality


@kernel
def _velocity(k, history, seed, out, t_ns):
    _, _, heading, speed = _antenna(k, history, t_ns - int(k.sensor_gnss_latency_s * 1e9 + 0.5))
    out.gnss_speed_mps = max(0.0, speed + k.sensor_speed_mps * gauss(seed, 4, t_ns))
    out.gnss_heading_rad = wrap_heading(heading + k.sensor_heading_rad * gauss(seed, 5, t_ns))
    out.gnss_heading_quality = k.sensor_heading_quality


@kernel
def _imu(k, s, seed, out, t_ns):
    """White noise on a bias that the seed draws once for the run."""
    bias, white = k.sensor_accel_bias_mps2, k.sensor_accel_mps2
    out.imu_ax_mps2 = s.ax_mps2 + bias * gauss(seed, 6, 0) + white * gauss(seed, 7, t_ns)
    out.imu_ay_mps2 = s.ay_mps2 + bias * gauss(seed, 8, 0) + white * gauss(seed, 9, t_ns)
    yaw = s.yaw_rate_radps + k.sensor_yaw_rate_bias_radps * gauss(seed, 10, 0)
    out.imu_yaw_rate_radps = yaw + k.sensor_yaw_rate_radps * gauss(seed, 11, t_ns)


@kernel
def _wheels(k, p, s, seed, out, t_ns):
    radius, white = p.tyre_radius_m, k.sensor_wheel_mps
    out.wheel_fl_mps = s.wheel_radps[0] * radius + white * gauss(seed, 12, t_ns)
    out.wheel_fr_mps = s.wheel_radps[1] * radius + white * gauss(seed, 13, t_ns)
    out.wheel_rl_mps = s.wheel_radps[2] * radius + white * gauss(seed, 14, t_ns)
    out.wheel_rr_mps = s.wheel_radps[3] * radius + white * gauss(seed, 15, t_ns)


@kernel
def _steering(k, a, seed, out, t_ns):
    out.steer_rad = a.steer_rad + k.sensor_steer_rad * gauss(seed, 16, t_ns)
    rate = a.steer_rate_radps
    out.steer_rate_radps = rate + k.sensor_steer_rate_radps * gauss(seed, 17, t_ns)
    out.steer_torque_nm = a.steer_nm + k.sensor_steer_torque_nm * gauss(seed, 18, t_ns)
    out.steer_fault = 0.0


@kernel
def _brake(k, p, a, seed, out, t_ns):
    white = k.sensor_brake_bar
    out.brake_travel = a.brake_front_bar / p.brakes_max_bar
    out.brake_front_bar = max(0.0, a.brake_front_bar + white * gauss(seed, 19, t_ns))
    out.brake_rear_bar = max(0.0, a.brake_rear_bar + white * gauss(seed, 20, t_ns))
    out.brake_fault = 0.0


@kernel
def _powertrain(k, s, a, seed, out, t_ns):
    engine = s.engine_radps + k.sensor_engine_radps * gauss(seed, 21, t_ns)
    out.throttle, out.gear, out.engine_speed_radps = a.throttle, s.gear, max(0.0, engine)
    out.powertrain_fault = 0.0


@kernel
def measure(sensor_params, plant, state, actuators, history, seed, group, sensors, t_ns):
    """Fill the channels of one group of SENSORS (index in GROUPS), as read at ``t_ns``.

    Stamps are left alone: they are the receiver's. The same arguments give the same
    values; ``seed`` is any number from 0 below 2**62. Heading is that of the car, by two
    antennas, in [0, 2 pi).
    """
    k, p, s, out = sensor_params[0], plant[0], state[0], sensors[0]
    a = actuators[0]
    if group == _POSITION:
        _position(k, history, seed, out, t_ns)
    elif group == _VELOCITY:
        _velocity(k, history, seed, out, t_ns)
    elif group == _IMU:
        _imu(k, s, seed, out, t_ns)
    elif group == _WHEELS:
        _wheels(k, p, s, seed, out, t_ns)
    elif group == _STEERING:
        _steering(k, a, seed, out, t_ns)
    elif group == _BRAKE:
        _brake(k, p, a, seed, out, t_ns)
    elif group == _POWERTRAIN:
        _powertrain(k, s, a, seed, out, t_ns)
