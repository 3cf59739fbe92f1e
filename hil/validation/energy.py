"""The balance of energy: what a run takes from the car's motion is what slip and brakes took.

Reckoned from the states alone, by formulas that the plant does not use: it adds up forces.
"""

from __future__ import annotations

import numpy as np

from tianyuan.hil.plant.parameters import Vehicle

GRAVITY_MPS2 = 9.81


def stored_j(vehicle: Vehicle, s: np.ndarray) -> np.ndarray:
    """Energy of motion of the car, its wheels and its rolling body, and what its springs hold.

    ``s`` are PLANT_STATE, out of gear. The body's centre swings to the right with the roll, so
    its speed across is the car's less arm times roll rate.
    """
    car, springs = vehicle.chassis, vehicle.suspension
    body_kg, arm_m = vehicle.body()
    rate, vy = s["roll_rate_radps"], s["vy_mps"]
    stiffness = springs.front_roll_nm_per_rad + springs.rear_roll_nm_per_rad
    twice = car.mass_kg * (s["vx_mps"] ** 2 + vy**2)
    twice += car.yaw_inertia_kgm2 * s["yaw_rate_radps"] ** 2
    twice += (springs.roll_inertia_kgm2 + body_kg * arm_m**2) * rate**2
    twice += 2.0 * body_kg * arm_m * (s["vx_mps"] * s["yaw_rate_radps"] * s["roll_rad"] - vy * rate)
    twice += (stiffness - body_kg * GRAVITY_MPS2 * arm_m) * s["roll_rad"] ** 2
    twice += vehicle.tyre.wheel_inertia_kgm2 * (s["wheel_radps"] ** 2).sum(axis=-1)
    return np.asarray(0.5 * twice)


def lost_w(vehicle: Vehicle, s: np.ndarray, steer_rad: np.ndarray, bars: np.ndarray) -> np.ndarray:
    """Power of drag, dampers, tyres' slip, rolling resistance and brakes.

    ``bars`` are the pressures (front, rear) after each step, (steps, 2).
    """
    aero, springs = vehicle.aero, vehicle.suspension
    speed = np.hypot(s["vx_mps"], s["vy_mps"])
    power = aero.drag_n_per_mps2 * speed * s["vx_mps"] ** 2
    power += aero.side_n_per_mps2 * speed * s["vy_mps"] ** 2
    power += (
        aero.side_n_per_mps2 * speed * s["vy_mps"] * (aero.pressure_centre_m * s["yaw_rate_radps"])
    )
    damping = springs.front_roll_damping_nms + springs.rear_roll_damping_nms
    power += damping * s["roll_rate_radps"] ** 2
    for wheel in range(4):
        power += _wheel_w(vehicle, s, wheel, steer_rad, bars[:, wheel // 2])
    return np.asarray(power)


def _wheel_w(
    vehicle: Vehicle, s: np.ndarray, wheel: int, steer_rad: np.ndarray, bar: np.ndarray
) -> np.ndarray:
    car, tyre, brakes = vehicle.chassis, vehicle.tyre, vehicle.brakes
    front = wheel < 2
    half_m = 0.5 * (car.front_track_m if front else car.rear_track_m)
    left_m = half_m if wheel % 2 == 0 else -half_m
    ahead_m = car.front_axle_m if front else car.front_axle_m - car.wheelbase_m
    along = s["vx_mps"] - left_m * s["yaw_rate_radps"]
    across = s["vy_mps"] + ahead_m * s["yaw_rate_radps"]
    tan = np.tan(steer_rad) if front else np.zeros_like(steer_rad)
    apart = vehicle.suspension.ackermann * left_m / car.wheelbase_m * tan
    angle = np.arctan(tan / (1.0 - apart))
    spin = s["wheel_radps"][:, wheel]
    creep = spin * tyre.radius_m - along * np.cos(angle) - across * np.sin(angle)
    drift = across * np.cos(angle) - along * np.sin(angle)
    power = s["wheel_fx_n"][:, wheel] * creep - s["wheel_fy_n"][:, wheel] * drift
    per_bar = 0.5 * (brakes.front_nm_per_bar if front else brakes.rear_nm_per_bar)
    rolling = tyre.radius_m * (tyre.rolling + tyre.rolling_spm * s["vx_mps"])
    held_nm = per_bar * bar + rolling * s["wheel_load_n"][:, wheel]
    return np.asarray(power + held_nm * np.abs(spin))
