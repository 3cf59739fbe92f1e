"""One tyre: Magic Formula, combined by similarity, on an elastic carcass.

Pacejka, Tire and Vehicle Dynamics (3rd ed.): Magic Formula 4.3.1, normalised combined
slip 4.3.3, transient slip from the carcass' deflection 7.2 and 8.5. The deflection is what
carries the car at standstill, where slip over speed has no meaning: there it is a spring,
and a car under brakes stands on it for ever.
"""

from __future__ import annotations

import math

from tianyuan.control.kernels import kernel


@kernel
def deflect(u_m, slip_mps, travel_mps, relaxation_m, dt_s):
    """The carcass' deflection one step on, ``u' = slip - |travel| / relaxation * u``.

    Implicit in ``u``: stable at any speed, where at 80 m/s the explicit step would have
    a gain of 0.3 to 1 and at wheelspin beyond.
    """
    return (u_m + dt_s * slip_mps) / (1.0 + dt_s * travel_mps / relaxation_m)


@kernel
def damped_slip(u_m, before_m, travel_mps, relaxation_m, damping_s, damping_mps, dt_s):
    """Slip of a carcass deflected by ``u_m``, its own damping added near standstill.

    Above ``damping_mps`` rolling damps the carcass; below, only its material does, or the
    stopped car would ring for ever (Pacejka 8.6, with a linear fade).
    """
    slip = u_m / relaxation_m
    if travel_mps < damping_mps:
        rate_mps = (u_m - before_m) / dt_s
        slip += damping_s * (1.0 - travel_mps / damping_mps) * rate_mps / relaxation_m
    return slip


@kernel
def force(p, load_n, slip, slip_y, stiffness_y, friction):
    """Forces (Fx, Fy) in N in the wheel's frame, each with the sign of its slip, and how far.

    Each slip is scaled by its own stiffness over its own peak; the length of the two, which
    is the third result, enters one curve, whose shape blends from lateral to longitudinal
    with the direction. Pure slip is the Magic Formula exactly; combined, the force stays
    inside the ellipse. With the load the peaks change by p_Dx2 and p_Dy2, and the lateral
    stiffness by p_Ky2, where ``sin(2 atan(x)) = 2 x / (1 + x^2)``. ``friction`` is the road's
    factor on the peaks, 1 when dry.
    """
    ratio = load_n / p.tyre_nominal_load_n
    grip_x = max(0.1, 1.0 + p.tyre_load_sensitivity_x * (ratio - 1.0))
    grip_y = max(0.1, 1.0 + p.tyre_load_sensitivity_y * (ratio - 1.0))
    peak_x = max(1e-6, p.tyre_friction_x * friction * grip_x)
    peak_y = max(1e-6, p.tyre_friction_y * friction * grip_y)
    to_peak = ratio / p.tyre_stiffness_peak
    ex = p.tyre_stiffness_x * slip / peak_x
    ey = stiffness_y / (1.0 + to_peak * to_peak) * slip_y / peak_y
    square = ex * ex + ey * ey
    length = math.sqrt(square)
    if length < 1e-9:
        return peak_x * load_n * ex, peak_y * load_n * ey, length
    share = ex * ex / square
    shape = p.tyre_shape_y + (p.tyre_shape_x - p.tyre_shape_y) * share
    curvature = p.tyre_curvature_y + (p.tyre_curvature_x - p.tyre_curvature_y) * share
    b = length / shape
    height = math.sin(shape * math.atan(b - curvature * (b - math.atan(b)))) / length
    return peak_x * load_n * height * ex, peak_y * load_n * height * ey, length


@kernel
def trail(longest_m, length):
    """Pneumatic trail in m of a tyre of the brush model at the scaled slip of ``force``.

    It is gone where the whole contact slides, at three times the linear tyre's slip at the
    peak force: Pacejka, eq. 3.11 to 3.13.
    """
    theta = length / 3.0
    if theta >= 1.0:
        return 0.0
    rest = 1.0 - theta
    return longest_m * rest * rest * rest / (1.0 - theta + theta * theta / 3.0)


@kernel
def roll(p, s, i, vx_mps, vy_mps, stiffness_y, friction, dt_s):
    """Advance wheel ``i``'s tyre, which travels at (``vx_mps``, ``vy_mps``) in its own frame.

    Slips are over the fastest of the speeds, so that no wheelspin, lock or slide sideways
    takes a slip past 1. Returns the scaled slip of ``force``.
    """
    ux_m, uy_m = s.wheel_ux_m[i], s.wheel_uy_m[i]
    around_mps = s.wheel_radps[i] * p.tyre_radius_m
    travel = max(abs(vx_mps), abs(around_mps), abs(vy_mps))
    tau, low = p.tyre_damping_s, p.tyre_damping_speed_mps
    next_x = deflect(ux_m, around_mps - vx_mps, travel, p.tyre_relaxation_x_m, dt_s)
    next_y = deflect(uy_m, -vy_mps, travel, p.tyre_relaxation_y_m, dt_s)
    slip = damped_slip(next_x, ux_m, travel, p.tyre_relaxation_x_m, tau, low, dt_s)
    slip_y = damped_slip(next_y, uy_m, travel, p.tyre_relaxation_y_m, tau, low, dt_s)
    fx, fy, length = force(p, s.wheel_load_n[i], slip, slip_y, stiffness_y, friction)
    s.wheel_ux_m[i], s.wheel_uy_m[i] = next_x, next_y
    s.wheel_slip[i] = next_x / p.tyre_relaxation_x_m
    s.wheel_slip_angle_rad[i] = next_y / p.tyre_relaxation_y_m
    s.wheel_fx_n[i], s.wheel_fy_n[i] = fx, fy
    return length
