"""How much longitudinal force the tyres have left beside the cornering they do."""

from __future__ import annotations

import math

from tianyuan.control.kernels import kernel

GRAVITY_MPS2 = 9.80665
FLOOR = 0.3


@kernel
def load_n(params, speed_mps):
    """Weight and downforce together."""
    p = params[0]
    return p.mass_kg * GRAVITY_MPS2 + p.downforce_n_per_mps2 * speed_mps * speed_mps


@kernel
def remaining(params, speed_mps, ay_mps2):
    """Share of the grip that cornering at ``ay_mps2`` leaves: the friction circle.

    Never less than FLOOR: a car that is too fast for its corner must still slow down, and
    gives 5 % of its cornering for that.
    """
    p = params[0]
    used = p.mass_kg * ay_mps2 / max(p.friction * load_n(params, speed_mps), 1.0)
    return math.sqrt(max(1.0 - used * used, FLOOR * FLOOR))


@kernel
def braking_mps2(params, speed_mps, ay_mps2):
    """Largest deceleration of the whole car beside the cornering."""
    p = params[0]
    largest = p.friction * load_n(params, speed_mps) / p.mass_kg
    return largest * remaining(params, speed_mps, ay_mps2)


@kernel
def traction_n(params, speed_mps, ay_mps2):
    """Largest driving force before the driven axle spins, its load transfer solved for.

    ``F = mu (F_z + F h / L)`` on the rear axle, with the minus sign in front. With both axles
    driven, each carries its share of F while all of F moves the load.
    """
    p = params[0]
    mu = p.friction * remaining(params, speed_mps, ay_mps2)
    weight = p.mass_kg * GRAVITY_MPS2
    down = p.downforce_n_per_mps2 * speed_mps * speed_mps
    front_share = (p.wheelbase_m - p.front_axle_m) / p.wheelbase_m
    front_n = front_share * weight + p.downforce_front_share * down
    rear_n = (1.0 - front_share) * weight + (1.0 - p.downforce_front_share) * down
    transfer = p.cg_height_m / p.wheelbase_m
    rear_drive, front_drive = p.rear_drive, 1.0 - p.rear_drive
    # The axle that runs out first sets the limit.
    by_rear, by_front = math.inf, math.inf
    if rear_drive > 0.01:
        by_rear = mu * rear_n / max(rear_drive - mu * transfer, 0.2 * rear_drive)
    if front_drive > 0.01:
        by_front = mu * front_n / (front_drive + mu * transfer)
    return min(by_rear, by_front)
