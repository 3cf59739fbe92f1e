"""Slip angles of steady cornering, from tables made at set-up (``planning/slip_map.py``)."""

from __future__ import annotations

import math

from tianyuan.control.geometry import on_table
from tianyuan.control.kernels import kernel


@kernel
def front(params, ay_mps2):
    """Front axle's slip angle, of the sign of ``ay_mps2``; the textbooks' alpha_f is its negative."""
    return _signed(params[0].slip_front_rad, params[0].slip_ay_step_mps2, ay_mps2)


@kernel
def rear(params, ay_mps2):
    """Rear axle's slip angle, of the sign of ``ay_mps2``."""
    return _signed(params[0].slip_rear_rad, params[0].slip_ay_step_mps2, ay_mps2)


@kernel
def _signed(table, step_mps2, ay_mps2):
    if not step_mps2 > 0.0:
        return 0.0
    return math.copysign(on_table(table, abs(ay_mps2) / step_mps2), ay_mps2)


@kernel
def sideslip(params, speed_mps, curvature_1pm):
    """Steady sideslip of the centre of gravity, ``beta = b kappa - alpha_r``, positive left."""
    rear_axle_m = params[0].wheelbase_m - params[0].front_axle_m
    return rear_axle_m * curvature_1pm - rear(params, speed_mps * speed_mps * curvature_1pm)
