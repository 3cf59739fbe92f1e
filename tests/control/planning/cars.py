"""The touring car that planning is tested with."""

import numpy as np

from tianyuan.control.parameters import PARAMETERS, PARAMS, field_name
from tianyuan.control.records import record

RPM = np.pi / 30


def touring_car() -> np.recarray:
    params = record(PARAMS)
    for parameter in PARAMETERS:
        if parameter.default is not None:
            params[0][field_name(parameter)] = parameter.default
    values = {
        "mass_kg": 1093, "yaw_inertia_kgm2": 1792, "wheelbase_m": 2.579, "front_axle_m": 1.156,
        "cg_height_m": 0.5, "width_m": 1.8, "friction": 1.05, "tyre_b_front": 10,
        "tyre_c_front": 1.4, "tyre_b_rear": 11, "tyre_c_rear": 1.4, "drag_n_per_mps2": 0.45,
        "rolling_n": 150, "wheel_radius_m": 0.32, "final_drive": 3.4, "brake_n_per_bar": 160,
        "limits_steer_rad": 0.5, "limits_steer_rate_radps": 0.8, "limits_brake_bar": 100,
        "limits_brake_rate_barps": 400, "limits_speed_mps": 70, "limits_upshift_radps": 6500 * RPM,
        "limits_downshift_radps": 3500 * RPM,
    }  # fmt: skip
    for name, value in values.items():
        params[0][name] = value
    params[0].gear_ratio[:6] = (4.2, 2.5, 1.67, 1.23, 1.0, 0.83)
    params[0].engine_speed_radps[:4] = np.array([1000, 1500, 4500, 6500]) * RPM
    params[0].engine_torque_nm[:4] = (200, 270, 270, 220)
    params[0].engine_drag_nm[:4] = (15, 20, 35, 50)
    return params
