"""Tyres of one axle: Magic Formula, combined by similarity, on an elastic carcass.

Pacejka, Tire and Vehicle Dynamics (3rd ed.): Magic Formula 4.3.1, normalised combined
slip 4.3.3, transient slip from the carcass' deflection 7.2 and 8.5. The deflection is what
carries the car at standstill, where slip over speed has no meaning: there it is a spring,
and a car under brakes stands on it for ever.
"""

from __future__ import annotations

import math

from tianyuan.control.kernels import kernel
from tianyuan.hil.plant.load import GRAVITY_MPS2


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
    """Forces (Fx, Fy) in N in the wheel's frame, each with the sign of its slip.

    Each slip is scaled by its own stiffness over its own peak; the length of the two
    enters one curve, whose shape blends from lateral to longitudinal with the direction.
    Pure slip is the Magic Formula exactly; combined, the force stays inside the ellipse.
    ``friction`` is the road's factor on the peaks, 1 when dry.
    """
    nominal_n = 0.5 * p.chassis_mass_kg * GRAVITY_MPS2
    grip = friction * max(0.1, 1.0 + p.tyre_load_sensitivity * (load_n / nominal_n - 1.0))
    peak_x = max(1e-6, p.tyre_friction_x * grip)
    peak_y = max(1e-6, p.tyre_friction_y * grip)
    ex = p.tyre_stiffness_x * slip / peak_x
    ey = stiffness_y * slip_y / peak_y
    length = math.sqrt(ex * ex + ey * ey)
    if length < 1e-9:
        return peak_x * load_n * ex, peak_y * load_n * ey
    share = ex * ex / (length * length)
    shape = p.tyre_shape_y + (p.tyre_shape_x - p.tyre_shape_y) * share
    curvature = p.tyre_curvature_y + (p.tyre_curvature_x - p.tyre_curvature_y) * share
    b = length / shape
    height = math.sin(shape * math.atan(b - curvature * (b - math.atan(b)))) / length
    return peak_x * load_n * height * ex, peak_y * load_n * height * ey


@kernel
def roll(p, ux_m, uy_m, vx_mps, vy_mps, slip_mps, load_n, stiffness_y, friction, dt_s):
    """One axle's tyre one step on: deflections (x, y) in m and forces (Fx, Fy) in N.

    The wheel travels at (``vx_mps``, ``vy_mps``) in its own frame; ``slip_mps`` is its
    circumference's speed less ``vx_mps``. Slips are over the fastest of the speeds, so
    that no wheelspin, lock or slide sideways takes a slip past 1.
    """
    travel = max(abs(vx_mps), abs(vx_mps + slip_mps), abs(vy_mps))
    tau, low = p.tyre_damping_s, p.tyre_damping_speed_mps
    next_x = deflect(ux_m, slip_mps, travel, p.tyre_relaxation_x_m, dt_s)
    next_y = deflect(uy_m, -vy_mps, travel, p.tyre_relaxation_y_m, dt_s)
    slip = damped_slip(next_x, ux_m, travel, p.tyre_relaxation_x_m, tau, low, dt_s)
    slip_y = damped_slip(next_y, uy_m, travel, p.tyre_relaxation_y_m, tau, low, dt_s)
    fx, fy = force(p, load_n, slip, slip_y, stiffness_y, friction)
    return next_x, next_y, fx, fy
