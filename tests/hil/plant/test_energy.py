"""The balances of energy and momentum: nothing comes from nowhere, nothing goes missing."""

from __future__ import annotations

import numpy as np
import pytest


def kinetic_energy(v, s) -> float:
    wheels = v.tyre.axle_inertia_kgm2 * (s.front_radps**2 + s.rear_radps**2)
    turning = v.engine.inertia_kgm2 * s.engine_radps**2 + v.chassis.yaw_inertia_kgm2 * (
        s.yaw_rate_radps**2
    )
    moving = v.chassis.mass_kg * (s.vx_mps**2 + s.vy_mps**2)
    return 0.5 * float((moving + wheels + turning)[0])


def tyre_and_air_losses(v, t: np.ndarray, dt: float) -> float:
    """Work in J that drag, rolling, brakes and the tyres' slip took from the car."""
    speed, spin = t["vx_mps"], (t["front_radps"], t["rear_radps"])
    steer, radius = t["steer_rad"], v.tyre.radius_m
    across = t["vy_mps"] + v.chassis.front_axle_m * t["yaw_rate_radps"]
    along_f = speed * np.cos(steer) + across * np.sin(steer)
    across_f = across * np.cos(steer) - speed * np.sin(steer)
    rear_axle = v.chassis.wheelbase_m - v.chassis.front_axle_m
    across_r = t["vy_mps"] - rear_axle * t["yaw_rate_radps"]
    power = v.aero.drag_n_per_mps2 * speed**3
    power += t["front_fx_n"] * (spin[0] * radius - along_f) - t["front_fy_n"] * across_f
    power += t["rear_fx_n"] * (spin[1] * radius - speed) - t["rear_fy_n"] * across_r
    arm = radius * (v.tyre.rolling + v.tyre.rolling_spm * speed)
    power += spin[0] * (arm * t["front_load_n"] + v.brakes.front_nm_per_bar * t["brake_front_bar"])
    power += spin[1] * (arm * t["rear_load_n"] + v.brakes.rear_nm_per_bar * t["brake_rear_bar"])
    return float(np.sum(power) * dt)


@pytest.mark.parametrize(
    ("speed", "gear", "throttle", "seconds"),
    [(20.0, 3, 1.0, 5.0), (30.0, 3, 0.0, 3.0), (0.0, 1, 0.4, 3.0), (0.0, 2, 0.8, 3.0)],
)
def test_the_engines_work_is_kinetic_energy_and_losses(car, speed, gear, throttle, seconds):
    """Driving, braking with the engine, and launching with the clutch slipping."""
    c = car(speed, gear)
    if speed == 0.0:
        c.drive(0.5)
    v, before = c.vehicle, c.state.copy()
    t = c.trace(seconds, throttle=throttle)
    overall = c.plant.gearbox_overall[0, gear]
    work = np.sum(t["engine_nm"] * t["engine_radps"]) * c.dt_s
    entering = t["clutch_nm"] * t["rear_radps"] * overall
    slipping = t["engine_radps"] > 1.001 * np.roll(t["rear_radps"], 1) * overall
    clutch = np.sum((t["clutch_nm"] * t["engine_radps"] - entering)[slipping]) * c.dt_s
    loss = np.where(entering > 0, 1 - v.gearbox.efficiency, 1 - 1 / v.gearbox.efficiency)
    gears = np.sum(loss * entering) * c.dt_s
    gained = kinetic_energy(v, c.state) - kinetic_energy(v, before)
    lost = tyre_and_air_losses(v, t, c.dt_s) + clutch + gears
    assert gained + lost == pytest.approx(work, rel=0.01)
    assert abs(work) > 30e3


def test_what_a_braked_corner_takes_from_the_motion_is_the_work_of_slip_and_brakes(car):
    c = car(20.0, 0)
    v, before = c.vehicle, c.state.copy()
    t = c.trace(1.5, steer_rad=0.5, brake_bar=15.0)
    gained = kinetic_energy(v, c.state) - kinetic_energy(v, before)
    assert tyre_and_air_losses(v, t, c.dt_s) == pytest.approx(-gained, rel=0.005)
    assert gained < -100e3


def test_on_ice_the_car_keeps_its_momentum_whichever_way_it_faces(car):
    c = car(20.0, 0, aero={"drag_n_per_mps2": 0.0})
    c.friction = 0.0
    c.state.yaw_rate_radps = 2.0
    c.drive(3.0)
    assert (c.x_m, c.y_m) == pytest.approx((60.0, 0.0), abs=0.3)
    assert c.speed_mps == pytest.approx(20.0, rel=0.005)
    assert c.yaw_rate_radps == pytest.approx(2.0, rel=1e-3)
