"""Our plant's vehicle with the peer's parameters, so that what differs is the model.

What the peer does not have is taken out of ours: drag, rolling resistance, load sensitivity,
aligning torque, Ackermann's geometry, differential locks, engine inertia. What ours cannot do
without is made as small as its file allows: the tyres' relaxation of 20 mm, the lag of the
load's transfer along the car.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tianyuan.hil.plant.parameters import Vehicle, load

MOST_MPS2 = 11.5  # the peer's bound on demands, longitudinal.a_max
SHORTEST_RELAXATION_M = 0.02
NEVER = 1e6


def twin(p: Any, changed: Mapping[str, Any] | None = None) -> Vehicle:
    """The vehicle of the peer's parameter object ``p``, with dotted keys changed after that."""
    parts = (_body(p), _suspension(p), _tyre(p), _drive(p), _brakes(p))
    overrides = {key: value for part in parts for key, value in part.items()}
    return load("tianyuan", overrides | dict(changed or {}))


def _body(p: Any) -> dict[str, Any]:
    """The peer lets the whole force act on the load at the height of its sprung mass."""
    return {
        "name": "CommonRoad vehicle 2",
        "chassis.mass_kg": p.m,
        "chassis.yaw_inertia_kgm2": p.I_z,
        "chassis.wheelbase_m": p.a + p.b,
        "chassis.front_axle_m": p.a,
        "chassis.cg_height_m": p.h_s,
        "chassis.front_track_m": p.T_f,
        "chassis.rear_track_m": p.T_r,
        "chassis.transfer_lag_s": 0.001,
        "aero.drag_n_per_mps2": 0.0,
        "aero.side_n_per_mps2": 0.0,
        "aero.downforce_n_per_mps2": 0.0,
    }


def _suspension(p: Any) -> dict[str, Any]:
    """Springs, auxiliary torsion and the tyres in series, as the peer's own equations add them."""

    def stiffness(spring: float, torsion: float, track_m: float) -> float:
        body, tyres = spring * track_m**2 / 2 - torsion, p.K_zt * track_m**2 / 2
        return body * tyres / (body + tyres)

    return {
        "suspension.front_roll_nm_per_rad": stiffness(p.K_sf, p.K_tsf, p.T_f),
        "suspension.rear_roll_nm_per_rad": stiffness(p.K_sr, p.K_tsr, p.T_r),
        "suspension.front_roll_damping_nms": p.K_sdf * p.T_f**2 / 2,
        "suspension.rear_roll_damping_nms": p.K_sdr * p.T_r**2 / 2,
        "suspension.front_roll_centre_m": p.h_raf,
        "suspension.rear_roll_centre_m": p.h_rar,
        "suspension.front_unsprung_kg": p.m_uf,
        "suspension.rear_unsprung_kg": p.m_ur,
        "suspension.roll_inertia_kgm2": p.I_Phi_s,
        "suspension.ackermann": 0.0,
    }


def _tyre(p: Any) -> dict[str, Any]:
    """The Magic Formula's coefficients; its shifts, camber and combined terms ours has not."""
    return {
        "tyre.radius_m": p.R_w,
        "tyre.wheel_inertia_kgm2": p.I_y_w,
        "tyre.friction_x": p.tire.p_dx1,
        "tyre.friction_y": p.tire.p_dy1,
        "tyre.shape_x": p.tire.p_cx1,
        "tyre.shape_y": p.tire.p_cy1,
        "tyre.curvature_x": p.tire.p_ex1,
        "tyre.curvature_y": p.tire.p_ey1,
        "tyre.stiffness_x": p.tire.p_kx1,
        "tyre.stiffness_y_1prad": -p.tire.p_ky1,
        "tyre.front_factor": 1.0,
        "tyre.rear_factor": 1.0,
        "tyre.load_sensitivity_x": 0.0,
        "tyre.load_sensitivity_y": 0.0,
        "tyre.stiffness_peak": NEVER,
        "tyre.relaxation_x_m": SHORTEST_RELAXATION_M,
        "tyre.relaxation_y_m": SHORTEST_RELAXATION_M,
        "tyre.damping_s": 0.0,
        "tyre.rolling": 0.0,
        "tyre.rolling_spm": 0.0,
    }


def _drive(p: Any) -> dict[str, Any]:
    """One gear of ratio 1 and a torque whose whole is the peer's highest demand."""
    most_nm = MOST_MPS2 * p.m * p.R_w
    open_axle = {"kind": "open", "preload_nm": 0.0, "drive_lock": 0.0, "coast_lock": 0.0}
    return {
        "engine.speed_rpm": [0.0, 10000.0],
        "engine.torque_nm": [most_nm, most_nm],
        "engine.drag_nm": [0.0, 0.0],
        "engine.request_nm": most_nm,
        "engine.idle_rpm": 0.0,
        "engine.launch_rpm": 0.0,
        "engine.limit_rpm": 9000.0,
        "engine.inertia_kgm2": 1e-6,
        "gearbox.rear_share": 1.0 - p.T_se,
        "gearbox.ratio": [1.0],
        "gearbox.final_drive": 1.0,
        "gearbox.efficiency": 1.0,
        "gearbox.shift_s": 0.0,
        **{f"rear_differential.{key}": value for key, value in open_axle.items()},
    }


def _brakes(p: Any) -> dict[str, Any]:
    """One bar is a demand of 1 m/s^2, shared as the peer's."""
    return {
        "brakes.front_nm_per_bar": p.T_sb * p.m * p.R_w,
        "brakes.rear_nm_per_bar": (1.0 - p.T_sb) * p.m * p.R_w,
        "brakes.rear_pressure_share": 1.0,
        "brakes.max_bar": MOST_MPS2,
        "brakes.fade_from_c": NEVER,
        "brakes.fade_to_c": 2.0 * NEVER,
    }
