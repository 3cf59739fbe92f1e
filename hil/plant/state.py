"""PLANT_STATE: all of the car that changes. Axes and signs as in ``control/records.py``."""

from __future__ import annotations

from typing import Final

import numpy as np

PLANT_STATE: Final = np.dtype(
    [
        ("x_m", "f8"),
        ("y_m", "f8"),
        ("heading_rad", "f8"),  # continuous, never wrapped
        ("vx_mps", "f8"),
        ("vy_mps", "f8"),
        ("yaw_rate_radps", "f8"),
        ("ax_mps2", "f8"),  # specific force at the centre of gravity, as an IMU feels it
        ("ay_mps2", "f8"),
        ("front_radps", "f8"),  # wheel speed
        ("rear_radps", "f8"),
        ("front_ux_m", "f8"),  # tyres' carcass deflection
        ("front_uy_m", "f8"),
        ("rear_ux_m", "f8"),
        ("rear_uy_m", "f8"),
        ("front_slip", "f8"),  # transient slip, positive when driving
        ("rear_slip", "f8"),
        ("front_slip_angle_rad", "f8"),  # transient, positive when the force is to the left
        ("rear_slip_angle_rad", "f8"),
        ("front_load_n", "f8"),
        ("rear_load_n", "f8"),
        ("front_fx_n", "f8"),  # tyre forces in the wheel's frame
        ("front_fy_n", "f8"),
        ("rear_fx_n", "f8"),
        ("rear_fy_n", "f8"),
        ("transfer_n", "f8"),  # load moved from the front axle to the rear
        ("engine_radps", "f8"),
        ("engine_nm", "f8"),
        ("clutch_nm", "f8"),
        ("gear", "f8"),  # engaged; 0 neutral
        ("gear_target", "f8"),  # being engaged
        ("shift_s", "f8"),  # left of the shift, 0 when none
        ("align_nm", "f8"),  # tyres about the steering axes, positive when it turns them left
    ]
)


def at_rest(
    plant: np.recarray, x_m: float = 0.0, y_m: float = 0.0, heading_rad: float = 0.0
) -> np.recarray:
    """A car standing still in neutral, engine idling; one PLANT_STATE."""
    state = np.zeros(1, PLANT_STATE).view(np.recarray)
    state.x_m, state.y_m, state.heading_rad = x_m, y_m, heading_rad
    state.engine_radps = plant.engine_idle_radps
    return state


def rolling(plant: np.recarray, speed_mps: float, gear: int) -> np.recarray:
    """A car going straight on at ``speed_mps``, wheels rolling freely, ``gear`` engaged."""
    state = at_rest(plant)
    spin = speed_mps / plant.tyre_radius_m
    state.vx_mps, state.front_radps, state.rear_radps = speed_mps, spin, spin
    state.gear = state.gear_target = gear
    state.engine_radps = np.maximum(plant.engine_idle_radps, spin * plant.gearbox_overall[0, gear])
    return state
