"""The balances of energy and momentum: nothing comes from nowhere, nothing goes missing."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tianyuan.hil.validation.energy import lost_w, stored_j


def stored(v, s) -> np.ndarray:
    """Kinetic energy in J of car, wheels, engine and rolling body, and what its springs hold."""
    return stored_j(v, s) + 0.5 * v.engine.inertia_kgm2 * s["engine_radps"] ** 2


def lost(v, t: np.ndarray, c) -> float:
    """Work in J that drag, rolling, brakes, dampers and the tyres' slip took from the car."""
    controls = c.controls[0]
    steer_rad = np.full(len(t), controls.steer_rad)
    bars = np.tile((controls.brake_front_bar, controls.brake_rear_bar), (len(t), 1))
    return float(np.sum(lost_w(v, t, steer_rad, bars)) * c.dt_s)


OPEN = {"kind": "open", "preload_nm": 0.0, "drive_lock": 0.0, "coast_lock": 0.0}
NO_SIDE_ARM = {"pressure_centre_m": 0.0}


@pytest.mark.parametrize(
    ("speed", "gear", "throttle", "seconds"),
    [(20.0, 3, 1.0, 5.0), (30.0, 3, 0.0, 3.0), (0.0, 1, 0.4, 3.0), (0.0, 2, 0.8, 3.0)],
)
def test_the_engines_work_is_kinetic_energy_and_losses(car, speed, gear, throttle, seconds):
    """Driving, braking with the engine, and launching with the clutch slipping."""
    c = car(speed, gear)
    if speed == 0.0:
        c.drive(0.5)
    v, before = c.vehicle, stored(c.vehicle, c.state)[0]
    t = c.trace(seconds, throttle=throttle)
    overall = c.plant.gearbox_overall[0, gear]
    rear = t["wheel_radps"][:, 2:].mean(axis=1)
    work = np.sum(t["engine_nm"] * t["engine_radps"]) * c.dt_s
    entering = t["clutch_nm"] * rear * overall
    slipping = t["engine_radps"] > 1.001 * np.roll(rear, 1) * overall
    clutch = np.sum((t["clutch_nm"] * t["engine_radps"] - entering)[slipping]) * c.dt_s
    loss = np.where(entering > 0, 1 - v.gearbox.efficiency, 1 - 1 / v.gearbox.efficiency)
    gears = np.sum(loss * entering) * c.dt_s
    gained = stored(v, c.state)[0] - before
    assert gained + lost(v, t, c) + clutch + gears == pytest.approx(work, rel=0.01)
    assert abs(work) > 30e3


@pytest.mark.parametrize("speed", [12.0, 30.0])
def test_what_a_braked_corner_takes_from_the_motion_is_the_work_of_slip_and_brakes(car, speed):
    """To 0.3 %: without what a rolled body does to its car by turning, 1 to 3 % are missing."""
    c = car(speed, 0, rear_differential=OPEN, aero=NO_SIDE_ARM)
    v, before = c.vehicle, stored(c.vehicle, c.state)[0]
    t = c.trace(1.0, steer_rad=0.2, brake_bar=15.0)
    gained = stored(v, c.state)[0] - before
    assert lost(v, t, c) == pytest.approx(-gained, rel=0.003)
    assert gained < -40e3


@pytest.mark.parametrize("kind", ["limited", "locked"])
def test_no_car_without_an_engine_gains_energy_whatever_is_done_with_it(car, kind):
    """Steering, brakes, bank and locks: with the wind still, each step takes some."""
    locks = {} if kind == "limited" else {"preload_nm": 0.0, "drive_lock": 0.0, "coast_lock": 0.0}
    c = car(35.0, 0, rear_differential={"kind": kind} | locks)
    for k in range(40):
        before = stored(c.vehicle, c.state)[0]
        c.drive(0.1, steer_rad=0.15 * math.sin(0.6 * k), brake_bar=30.0 if k % 7 == 3 else 0.0)
        assert stored(c.vehicle, c.state)[0] < before
    assert c.speed_mps < 28.0


def test_on_ice_the_car_keeps_its_momentum_whichever_way_it_faces(car):
    c = car(20.0, 0, aero={"drag_n_per_mps2": 0.0, "side_n_per_mps2": 0.0})
    c.road.friction[:] = 0.0
    c.state.yaw_rate_radps = 2.0
    c.drive(3.0)
    assert (c.x_m, c.y_m) == pytest.approx((60.0, 0.0), abs=0.3)
    assert c.speed_mps == pytest.approx(20.0, rel=0.005)
    assert c.yaw_rate_radps == pytest.approx(2.0, rel=1e-3)
