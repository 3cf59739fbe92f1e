"""Pure pursuit: the arc from the rear axle through a point ahead on the line.

``delta = atan(2 L sin(alpha) / l_d) + alpha_f - alpha_r``, with the lookahead distance
``l_d = k_v v + k_e |e| - k_kappa |kappa|`` held between bounds.

                    o  target, l_d ahead
                   /|
                  / |
             l_d /  |     alpha: from the axle's motion to the target, positive left
                / a |
               +----+--->  motion of the rear axle

The arc asks for the lateral acceleration ``a_y = 2 v^2 sin(alpha) / l_d``; the slip angles
that a_y needs are added from the tyres' curve, as MAP does with its look-up table.

Sources: Snider, "Automatic Steering Methods for Autonomous Automobile Path Tracking",
CMU-RI-TR-09-08, 2009; Becker et al., "Model- and Acceleration-based Pursuit Controller for
High-Performance Autonomous Racing", arXiv 2209.04346.
"""

from __future__ import annotations

import math

from tianyuan.control import projection, slip
from tianyuan.control.geometry import clamp
from tianyuan.control.kernels import kernel

SLOW_MPS = 3.0


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
def steer(params, path, state, x_m, y_m, heading_rad):
    """Road-wheel angle for a car at this pose; the other motion comes from STATE."""
    p, s = params[0], state[0]
    rear_m = p.wheelbase_m - p.front_axle_m
    c, sn = math.cos(heading_rad), math.sin(heading_rad)
    axle_x_m, axle_y_m = x_m - rear_m * c, y_m - rear_m * sn
    index, share, error_m = projection.foot(path, p.path_spacing_m, axle_x_m, axle_y_m, s.index)
    curvature = projection.curvature_at(path, index, share)
    s.lookahead_m = lookahead(params, s.speed_mps, error_m, curvature)
    station = (index + share) * p.path_spacing_m + s.lookahead_m
    target, part = projection.locate(path, p.path_spacing_m, station)
    target_x_m, target_y_m = projection.position_at(path, target, part)
    dx, dy = target_x_m - axle_x_m, target_y_m - axle_y_m
    # The arc begins along the axle's own motion, which slides outwards from the car's axis
    # by the rear slip angle. 2 sin(alpha) / l_d is its curvature: alpha's sine is the
    # lateral offset from that motion over the distance.
    sliding = (s.lateral_mps - rear_m * s.yaw_rate_radps) / max(s.speed_mps, SLOW_MPS)
    course_rad = heading_rad + math.atan(sliding)
    c, sn = math.cos(course_rad), math.sin(course_rad)
    arc = 2.0 * (dy * c - dx * sn) / max(dx * dx + dy * dy, 1.0)
    ay = s.speed_mps * s.speed_mps * arc
    return math.atan(p.wheelbase_m * arc) + slip.front(params, ay) - slip.rear(params, ay)
