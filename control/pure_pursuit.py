"""Pure pursuit: the arc from the rear axle through a point ahead on the line.

``delta = atan(L (2 sin(alpha) / l_d - cut)) + alpha_f - alpha_r``, with the lookahead
distance ``l_d = k_v v + k_e |e| - k_kappa |kappa|`` held between bounds.

                    o  target, l_d ahead
                   /|
                  / |
             l_d /  |     alpha: from the axle's motion to the target, positive left
                / a |
               +----+--->  motion of the rear axle
           rear axle

Where the line's curvature changes, the arc to a point ahead is not the line's own, and the
car would cut the corner. ``cut`` is by how much an axle that is exactly on the line would:
the arc from there to the target, less the curvature there. Taken off, an axle on the line
stays on it, and the pursuit works on the errors alone, with gains 2 / l_d^2 on the distance
and 2 / l_d on the heading.

The slip angles of the lateral acceleration come from the tyres' whole curve, as MAP does
with its look-up table; the axle's motion lies outside the car's axis by the rear one.

Sources: Snider, "Automatic Steering Methods for Autonomous Automobile Path Tracking",
CMU-RI-TR-09-08, 2009; Becker et al., "Model- and Acceleration-based Pursuit Controller for
High-Performance Autonomous Racing", arXiv 2209.04346.
"""

from __future__ import annotations

import math

from tianyuan.control import projection, slip
from tianyuan.control.geometry import clamp
from tianyuan.control.kernels import kernel


@kernel
def lookahead(params, speed_mps, cross_track_m, curvature_1pm):
    """Distance from the rear axle to the target, in metres."""
    p = params[0]
    distance = (
        p.pure_pursuit_lookahead_s * speed_mps
        + p.pure_pursuit_lookahead_per_error * abs(cross_track_m)
        - p.pure_pursuit_lookahead_per_curvature_m2 * abs(curvature_1pm)
    )
    return clamp(distance, p.pure_pursuit_lookahead_min_m, p.pure_pursuit_lookahead_max_m)


@kernel
def arc(x_m, y_m, motion_rad, target_x_m, target_y_m):
    """Curvature ``2 sin(alpha) / l_d`` of the arc that begins along ``motion_rad``."""
    dx, dy = target_x_m - x_m, target_y_m - y_m
    offset_m = dy * math.cos(motion_rad) - dx * math.sin(motion_rad)
    return 2.0 * offset_m / max(dx * dx + dy * dy, 1.0)


@kernel
def steer(params, path, state, x_m, y_m, heading_rad):
    """Road-wheel angle for a car at this pose; the other motion comes from STATE."""
    p, s = params[0], state[0]
    rear_m = p.wheelbase_m - p.front_axle_m
    axle_x_m = x_m - rear_m * math.cos(heading_rad)
    axle_y_m = y_m - rear_m * math.sin(heading_rad)
    index, share, error_m = projection.foot(path, p.path_spacing_m, axle_x_m, axle_y_m, s.index)
    curvature = projection.curvature_at(path, index, share)
    s.lookahead_m = lookahead(params, s.speed_mps, error_m, curvature)
    station = (index + share) * p.path_spacing_m + s.lookahead_m
    there, part = projection.locate(path, p.path_spacing_m, station)
    target_x_m, target_y_m = projection.position_at(path, there, part)
    foot_x_m, foot_y_m = projection.position_at(path, index, share)
    tangent_rad = projection.heading_at(path, index, share)
    ay = s.speed_mps * s.speed_mps * curvature
    motion_rad = heading_rad - slip.rear(params, s.speed_mps, ay, s.ax_mps2)
    wanted = arc(axle_x_m, axle_y_m, motion_rad, target_x_m, target_y_m)
    cut = arc(foot_x_m, foot_y_m, tangent_rad, target_x_m, target_y_m) - curvature
    geometric = math.atan(p.wheelbase_m * (wanted - cut))
    damping = p.pure_pursuit_k_yaw_s * (s.yaw_rate_radps - s.speed_mps * curvature)
    front_rad = slip.front(params, s.speed_mps, ay, s.ax_mps2)
    return geometric + front_rad - slip.rear(params, s.speed_mps, ay, s.ax_mps2) - damping
