"""Loads of the axles: static, slope, down-force, and what acceleration transfers."""

from __future__ import annotations

import math
from typing import Final

from tianyuan.control.kernels import kernel

GRAVITY_MPS2: Final = 9.81


@kernel
def axle_loads(p, s, slope_rad):
    """Loads (front, rear) in N, never negative."""
    weight_n = p.chassis_mass_kg * GRAVITY_MPS2 * math.cos(slope_rad)
    front_share = 1.0 - p.chassis_front_axle_m / p.chassis_wheelbase_m
    down_n = p.aero_downforce_n_per_mps2 * s.vx_mps * s.vx_mps
    front_n = weight_n * front_share + down_n * p.aero_front_share - s.transfer_n
    rear_n = weight_n * (1.0 - front_share) + down_n * (1.0 - p.aero_front_share) + s.transfer_n
    return max(0.0, front_n), max(0.0, rear_n)


@kernel
def transfer(p, s, tyres_n, dt_s):
    """Let the transferred load follow the tyres' longitudinal force through the springs.

    The balance of moments about the centre of gravity, where drag and gravity act and
    have no arm: ``transfer = h / L * sum(Fx)``.
    """
    target_n = p.chassis_cg_height_m / p.chassis_wheelbase_m * tyres_n
    s.transfer_n += (target_n - s.transfer_n) * dt_s / (p.chassis_transfer_lag_s + dt_s)
