"""Steering: the chosen law, at the pose the car will have when its steering has answered."""

from __future__ import annotations

import math

from tianyuan.control import pure_pursuit, stanley
from tianyuan.control.kernels import kernel
from tianyuan.control.records import Controller

STANLEY = int(Controller.STANLEY)


@kernel
def _previewed(params, state):
    """Pose after ``lateral.preview_s`` at the present speed and yaw rate."""
    s, preview_s = state[0], params[0].lateral_preview_s
    middle = s.heading_rad + 0.5 * s.yaw_rate_radps * preview_s
    c, sn = math.cos(middle), math.sin(middle)
    x_m = s.x_m + (c * s.speed_mps - sn * s.lateral_mps) * preview_s
    y_m = s.y_m + (sn * s.speed_mps + c * s.lateral_mps) * preview_s
    return x_m, y_m, s.heading_rad + s.yaw_rate_radps * preview_s


@kernel
def update(params, path, sensors, state):
    """Road-wheel angle in radians; remembers the measured angle for the next step."""
    s = state[0]
    x_m, y_m, heading_rad = _previewed(params, state)
    measured_rad = sensors[0].steer_rad
    if params[0].controller == STANLEY:
        steer_rad = stanley.steer(params, path, state, x_m, y_m, heading_rad)
        steer_rad += stanley.damp(params, measured_rad, s.steer_measured_rad)
    else:
        steer_rad = pure_pursuit.steer(params, path, state, x_m, y_m, heading_rad)
    s.steer_measured_rad = measured_rad
    return steer_rad
