"""Slip angles of cornering, from tables made at set-up (``planning/slip_map.py``).

The tables are for steady speed and the weight alone. Braking moves load from the rear axle to
the front, and driving the other way, and the tyres that brake or drive have less left for
cornering: an axle then slips as it would in a tighter bend at steady speed. At 8 m/s^2 of
braking the rear axle of a touring car has lost 40 % of its load, which matters more than all
else. Down-force loads an axle beyond its weight: it then slips as it would in a wider bend.
"""

from __future__ import annotations

import math

from tianyuan.control.geometry import clamp, on_table
from tianyuan.control.kernels import kernel

GRAVITY_MPS2 = 9.80665
LEAST = 0.3  # of an axle's static capacity, so that the tables' end is not all there is
MOST = 10.0  # of it, by down-force


@kernel
def _capacity(friction, load_ratio, use_mps2):
    """Share of an axle's static capacity for cornering: its load's, less what drives or brakes.

    ``use_mps2`` is the longitudinal force over the static load's mass.
    """
    load_ratio = max(load_ratio, LEAST)
    used = use_mps2 / (friction * GRAVITY_MPS2 * load_ratio)
    return load_ratio * math.sqrt(max(1.0 - used * used, LEAST * LEAST))


@kernel
def _pressed(params, speed_mps):
    """Down-force over the weight."""
    p = params[0]
    return p.downforce_n_per_mps2 * speed_mps * speed_mps / (p.mass_kg * GRAVITY_MPS2)


@kernel
def front(params, speed_mps, ay_mps2, ax_mps2):
    """Front axle's slip angle, of the sign of ``ay_mps2``: the textbooks' alpha_f, negated."""
    p = params[0]
    rear_axle_m = p.wheelbase_m - p.front_axle_m
    pressed_m = p.downforce_front_share * p.wheelbase_m * _pressed(params, speed_mps)
    ratio = 1.0 - (ax_mps2 * p.cg_height_m / GRAVITY_MPS2 - pressed_m) / rear_axle_m
    share = p.brake_front_share if ax_mps2 < 0.0 else 1.0 - p.rear_drive
    use = share * ax_mps2 * p.wheelbase_m / rear_axle_m
    return _signed(
        p.slip_front_rad, p.slip_ay_step_mps2, ay_mps2, _capacity(p.friction, ratio, use)
    )


@kernel
def rear(params, speed_mps, ay_mps2, ax_mps2):
    """Rear axle's slip angle, of the sign of ``ay_mps2``."""
    p = params[0]
    pressed_m = (1.0 - p.downforce_front_share) * p.wheelbase_m * _pressed(params, speed_mps)
    ratio = 1.0 + (ax_mps2 * p.cg_height_m / GRAVITY_MPS2 + pressed_m) / p.front_axle_m
    share = 1.0 - p.brake_front_share if ax_mps2 < 0.0 else p.rear_drive
    use = share * ax_mps2 * p.wheelbase_m / p.front_axle_m
    return _signed(p.slip_rear_rad, p.slip_ay_step_mps2, ay_mps2, _capacity(p.friction, ratio, use))


@kernel
def steering(params, speed_mps, curvature_1pm, ax_mps2):
    """Steady-state steering on an arc: ``atan(L kappa) + alpha_f - alpha_r``."""
    ay = speed_mps * speed_mps * curvature_1pm
    geometric = math.atan(params[0].wheelbase_m * curvature_1pm)
    front_rad = front(params, speed_mps, ay, ax_mps2)
    return geometric + front_rad - rear(params, speed_mps, ay, ax_mps2)


@kernel
def _signed(table, step_mps2, ay_mps2, capacity):
    if not step_mps2 > 0.0:
        return 0.0
    steady_mps2 = abs(ay_mps2) / clamp(capacity, LEAST * LEAST, MOST)
    return math.copysign(on_table(table, steady_mps2 / step_mps2), ay_mps2)


@kernel
def sideways_mps(params, speed_mps, yaw_rate_radps, ax_mps2):
    """Speed of the centre of gravity along the car's y axis: ``v_y = b r - v tan(alpha_r)``."""
    rear_axle_m = params[0].wheelbase_m - params[0].front_axle_m
    slip_rad = rear(params, speed_mps, speed_mps * yaw_rate_radps, ax_mps2)
    return rear_axle_m * yaw_rate_radps - speed_mps * math.tan(slip_rad)
