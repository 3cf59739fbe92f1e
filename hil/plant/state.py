"""PLANT_STATE: all of the car that changes. Axes and signs as in ``control/records.py``.

Wheels come in the order front left, front right, rear left, rear right.
"""

from __future__ import annotations

from typing import Final

import numpy as np

AMBIENT_C: Final = 20.0

PLANT_STATE: Final = np.dtype(
    [
        ("x_m", "f8"),
        ("y_m", "f8"),
        ("heading_rad", "f8"),  # continuous, never wrapped
        ("vx_mps", "f8"),
        ("vy_mps", "f8"),
        ("yaw_rate_radps", "f8"),
        ("ax_mps2", "f8"),  # specific force along and across the car, in the road's plane
        ("ay_mps2", "f8"),
        ("roll_rad", "f8"),  # of the body on its springs, positive when its left side is up
        ("roll_rate_radps", "f8"),
        ("transfer_n", "f8"),  # load moved from the front axle to the rear
        ("front_roll_nm", "f8"),  # moments that move load from the left wheel to the right
        ("rear_roll_nm", "f8"),
        ("wheel_radps", "f8", (4,)),
        ("wheel_ux_m", "f8", (4,)),  # tyres' carcass deflection
        ("wheel_uy_m", "f8", (4,)),
        ("wheel_slip", "f8", (4,)),  # transient, positive when driving
        ("wheel_slip_angle_rad", "f8", (4,)),  # transient, positive when the force is to the left
        ("wheel_load_n", "f8", (4,)),
        ("wheel_fx_n", "f8", (4,)),  # tyre forces in the wheel's frame
        ("wheel_fy_n", "f8", (4,)),
        ("disc_c", "f8", (4,)),  # temperature of the brake's disc
        ("align_nm", "f8"),  # tyres about the steering axes, positive when it turns them left
        ("engine_radps", "f8"),
        ("engine_nm", "f8"),
        ("clutch_nm", "f8"),
        ("gear", "f8"),  # engaged; 0 neutral
        ("gear_target", "f8"),  # being engaged
        ("shift_s", "f8"),  # left of the shift, 0 when none
    ]
)


def at_rest(
    plant: np.recarray, x_m: float = 0.0, y_m: float = 0.0, heading_rad: float = 0.0
) -> np.recarray:
    """A car standing still in neutral, engine idling, brakes cold; one PLANT_STATE."""
    state = np.zeros(1, PLANT_STATE).view(np.recarray)
    state.x_m, state.y_m, state.heading_rad = x_m, y_m, heading_rad
    state.engine_radps = plant.engine_idle_radps
    state.disc_c[:] = AMBIENT_C
    return state


def rolling(plant: np.recarray, speed_mps: float, gear: int) -> np.recarray:
    """A car going straight on at ``speed_mps``, wheels rolling freely, ``gear`` engaged."""
    state = at_rest(plant)
    spin = speed_mps / plant.tyre_radius_m
    state.vx_mps, state.wheel_radps[:] = speed_mps, spin
    state.gear = state.gear_target = gear
    state.engine_radps = np.maximum(plant.engine_idle_radps, spin * plant.gearbox_overall[0, gear])
    return state
