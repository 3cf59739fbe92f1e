"""The car on the track as it really is: what the judge and the reports see."""

from __future__ import annotations

import math

from tianyuan.control import projection
from tianyuan.control.geometry import wrap
from tianyuan.control.kernels import kernel


@kernel
def locate(path, spacing_m, plant_state, index):
    """Foot of the centre of gravity on the line: ``(index, share, cross_track_m)``.

    A negative ``index`` searches the whole line.
    """
    s = plant_state[0]
    if index < 0:
        index = max(projection.search(path, s.x_m, s.y_m, s.heading_rad), 0)
    return projection.foot(path, spacing_m, s.x_m, s.y_m, index)


@kernel
def edge_margin_m(path, params, index, share, cross_track_m, heading_error_rad):
    """Least distance from the outside of a wheel to its edge of the track; negative is off it.

    left edge   ----------------------------
                   o-------o    <- margin of the front left wheel
                   |  car  |
                   o-------o
    line        ------- s ------------------

    In a bend an axle's middle lies outside the line through the car, by its distance from
    the centre of gravity squared over twice the radius there.
    """
    p = params[0]
    following = path[(index + 1) % path.size]
    left = path[index].left_m + share * (following.left_m - path[index].left_m)
    right = path[index].right_m + share * (following.right_m - path[index].right_m)
    c, s = math.cos(heading_error_rad), math.sin(heading_error_rad)
    half = 0.5 * p.width_m * abs(c)
    curvature = projection.curvature_at(path, index, share)
    bow = 0.5 * c * c * curvature / max(1.0 - curvature * cross_track_m, 0.1)
    behind_m = p.wheelbase_m - p.front_axle_m
    front = cross_track_m + p.front_axle_m * s - bow * p.front_axle_m * p.front_axle_m
    rear = cross_track_m - behind_m * s - bow * behind_m * behind_m
    return min(left - max(front, rear) - half, right + min(front, rear) - half)


@kernel
def margin_m(path, params, heading_rad, index, share, cross_track_m):
    """``edge_margin_m`` of a car with this heading."""
    heading_error = wrap(heading_rad - projection.heading_at(path, index, share))
    return edge_margin_m(path, params, index, share, cross_track_m, heading_error)


@kernel
def write_row(row, path, params, plant_state, controls, index, share, cross_track_m):
    """Fill the columns of a TELEMETRY row that the plant and the line determine."""
    s, c = plant_state[0], controls[0]
    heading_error = wrap(s.heading_rad - projection.heading_at(path, index, share))
    row.station_m = (index + share) * params[0].path_spacing_m
    row.x_m, row.y_m, row.heading_rad = s.x_m, s.y_m, wrap(s.heading_rad)
    row.speed_mps = s.vx_mps
    row.ax_mps2, row.ay_mps2 = s.ax_mps2, s.ay_mps2
    row.cross_track_m, row.heading_error_rad = cross_track_m, heading_error
    row.edge_margin_m = edge_margin_m(path, params, index, share, cross_track_m, heading_error)
    row.steer_rad, row.throttle = c.steer_rad, c.throttle
    row.brake_bar = c.brake_front_bar
    row.gear, row.engine_speed_radps = s.gear, s.engine_radps
