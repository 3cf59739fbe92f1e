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

    ``F = mu (share m g + F h / L)`` on the rear axle, with the minus sign in front.
    """
    p = params[0]
    mu = p.friction * remaining(params, speed_mps, ay_mps2)
    load = load_n(params, speed_mps)
    front_share = (p.wheelbase_m - p.front_axle_m) / p.wheelbase_m
    transfer = p.cg_height_m / p.wheelbase_m
    rear = mu * (1.0 - front_share) * load / max(1.0 - mu * transfer, 0.2)
    front = mu * front_share * load / (1.0 + mu * transfer)
    # With both axles driven, the one that runs out first sets the limit.
    by_rear = rear / p.rear_drive if p.rear_drive > 0.01 else math.inf
    by_front = front / (1.0 - p.rear_drive) if p.rear_drive < 0.99 else math.inf
    return min(by_rear, by_front)
