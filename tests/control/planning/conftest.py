"""The touring car that planning is tested with, and circuits with an answer known beforehand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tianyuan.control.parameters import PARAMETERS, PARAMS, field_name
from tianyuan.control.planning.track import Track, from_points
from tianyuan.control.records import record

RPM = np.pi / 30
TOURING_CAR = {
    "mass_kg": 1093, "yaw_inertia_kgm2": 1792, "wheelbase_m": 2.579, "front_axle_m": 1.156,
    "cg_height_m": 0.5, "width_m": 1.8, "friction": 1.05, "tyre_b_front": 10,
    "tyre_c_front": 1.4, "tyre_b_rear": 11, "tyre_c_rear": 1.4, "drag_n_per_mps2": 0.45,
    "rolling_n": 150, "wheel_radius_m": 0.32, "final_drive": 3.4, "brake_n_per_bar": 160,
    "limits_steer_rad": 0.5, "limits_steer_rate_radps": 0.8, "limits_brake_bar": 100,
    "limits_brake_rate_barps": 400, "limits_speed_mps": 70, "limits_upshift_radps": 6500 * RPM,
    "limits_downshift_radps": 3500 * RPM,
}  # fmt: skip


@pytest.fixture(scope="session")
def new_car() -> Callable[..., np.recarray]:
    """Makes PARAMS of a touring car; keywords change fields."""

    def make(**changes: float) -> np.recarray:
        params = record(PARAMS)
        for parameter in PARAMETERS:
            if parameter.default is not None:
                params[0][field_name(parameter)] = parameter.default
        params[0].gear_ratio[:6] = (4.2, 2.5, 1.67, 1.23, 1.0, 0.83)
        params[0].engine_speed_radps[:4] = np.array([1000, 1500, 4500, 6500]) * RPM
        params[0].engine_torque_nm[:4] = (200, 270, 270, 220)
        params[0].engine_drag_nm[:4] = (15, 20, 35, 50)
        for name, value in (TOURING_CAR | changes).items():
            params[0][name] = value
        return params

    return make


@pytest.fixture(scope="session")
def point_mass(new_car: Callable[..., np.recarray]) -> np.recarray:
    """A car whose limits are known in closed form: grip alone, nothing resisting."""
    return new_car(
        drag_n_per_mps2=0, rolling_n=0, planning_lateral_share=1, planning_brake_share=1,
        limits_brake_bar=250, brake_n_per_bar=2000, cg_height_m=0, rotating_mass_factor=1,
    )  # fmt: skip


@pytest.fixture(scope="session")
def ring() -> Callable[..., Track]:
    """Makes a circular track, anticlockwise."""

    def make(radius_m: float, width_m: float, points: int = 200) -> Track:
        angle = np.arange(points) * 2 * np.pi / points
        half = np.full(points, width_m / 2)
        return from_points("ring", radius_m * np.cos(angle), radius_m * np.sin(angle), half, half)

    return make


@pytest.fixture(scope="session")
def stadium() -> Track:
    """Two straights of 400 m along x joined by half circles of 60 m radius, 10 m wide."""
    straight = np.arange(-200.0, 200.0, 4.0)
    turn = np.arange(0.0, np.pi, 4.0 / 60.0)
    x = np.concatenate((straight, 200 + 60 * np.sin(turn), -straight, -200 - 60 * np.sin(turn)))
    y = np.concatenate(
        (np.full(100, -60.0), -60 * np.cos(turn), np.full(100, 60.0), 60 * np.cos(turn))
    )
    half = np.full(len(x), 5.0)
    return from_points("stadium", x, y, half, half)
