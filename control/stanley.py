"""Stanley: heading error and the cross-track error at the front axle.

``delta = -(psi - psi_ss) - atan(k e / (k_soft + v)) - k_yaw (r_meas - r_traj) + k_steer
(delta_meas(i) - delta_meas(i-1))``

with e and psi positive when the car is, or points, to the left, and psi_ss the heading
that steady cornering asks for: the front tyres' slip angle.

A heading error of 1 rad steers 1 rad, which turns the car back at v / L: at 80 m/s faster than
a slow steering motor can follow, and the car weaves. ``heading_1ps`` is what the steering bears:
where v / L is beyond it, all that differs from the steady steering of the line shrinks to fit.

Source: Hoffmann, Tomlin, Montemerlo, Thrun, "Autonomous Automobile Trajectory Tracking
for Off-Road Driving", ACC 2007. The paper's slip angle is linear, ``m v r / (C_y (1 +
a/b))``; here it comes from the tyre's whole curve, since a racing car lives at its end.

                  line
                   |
                   |  e  .
                   |<--->o   front axle, left of the line: e > 0
                   |    /
                   |   /  psi > 0: points left
"""

from __future__ import annotations

import math

from tianyuan.control import projection, slip
from tianyuan.control.geometry import wrap
from tianyuan.control.kernels import kernel


@kernel
def steer(params, path, state, x_m, y_m, heading_rad):
    """Road-wheel angle for a car at this pose; the other motion comes from STATE."""
    p, s = params[0], state[0]
    axle_x_m = x_m + p.front_axle_m * math.cos(heading_rad)
    axle_y_m = y_m + p.front_axle_m * math.sin(heading_rad)
    index, share, error_m = projection.foot(path, p.path_spacing_m, axle_x_m, axle_y_m, s.index)
    curvature = projection.curvature_at(path, index, share)
    heading_error = wrap(heading_rad - projection.heading_at(path, index, share))
    speed = s.speed_mps
    steady = slip.front(params, speed, speed * speed * curvature, s.ax_mps2)
    back = math.atan(p.stanley_k_1ps * error_m / (p.stanley_k_soft_mps + speed))
    damping = p.stanley_k_yaw_s * (s.yaw_rate_radps - speed * curvature)
    wanted = steady - heading_error - back - damping
    borne_mps = p.stanley_heading_1ps * p.wheelbase_m
    if speed <= borne_mps:
        return wanted
    line_rad = slip.steering(params, speed, curvature, s.ax_mps2)
    return line_rad + borne_mps / speed * (wanted - line_rad)


@kernel
def damp(params, measured_rad, before_rad):
    """The term on the change of the measured steering angle, which counters its overshoot."""
    return params[0].stanley_k_steer * (before_rad - measured_rad)
