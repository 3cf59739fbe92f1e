"""Loads of the wheels: none comes from nowhere, and the body rolls as a pendulum on springs."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tianyuan.hil.plant import parameters

G = 9.81


def test_the_loads_are_weight_and_down_force_whatever_the_car_does(car):
    aero = {"downforce_n_per_mps2": 1.5}
    c = car(40.0, 4, aero=aero)
    c.road.slope_rad, c.road.bank_rad = 0.05, -0.1
    level = math.cos(0.05) * math.cos(0.1)
    for k in range(60):
        speed = c.vx_mps
        c.drive(0.001, steer_rad=0.12 * math.sin(0.3 * k), brake_bar=80.0 * (k % 3 == 0))
        before = c.vx_mps
        c.drive(0.05)
        after = c.vx_mps
        low, high = sorted((before, after, speed))[0], max(before, after, speed)
        weight = c.vehicle.chassis.mass_kg * G * level
        total = c.wheel_load_n.sum()
        assert weight + 1.5 * (low - 0.1) ** 2 < total < weight + 1.5 * (high + 0.1) ** 2
        assert (c.wheel_load_n >= 0).all()


def test_braking_moves_height_over_wheelbase_of_the_force_to_the_front(car):
    c = car(30.0, 5)
    c.drive(0.6, brake_bar=30.0, gear=0)
    ch, drag = c.vehicle.chassis, c.vehicle.aero.drag_n_per_mps2 * c.vx_mps**2
    static = ch.mass_kg * G * (1 - ch.front_axle_m / ch.wheelbase_m)
    moved = (-ch.mass_kg * c.ax_mps2 - drag) * ch.cg_height_m / ch.wheelbase_m
    assert moved > 1000
    assert c.wheel_load_n[:2].sum() - static == pytest.approx(moved, rel=0.01)
    assert c.wheel_load_n[0] == c.wheel_load_n[1]


@pytest.mark.parametrize(("hollow", "sign"), [(0.004, 1), (-0.004, -1)])
def test_a_hollow_presses_the_car_and_a_crest_lifts_it(car, hollow, sign):
    c = car(40.0, 0)
    c.road.hollow_1pm = hollow
    total = c.drive(0.001).wheel_load_n.sum() / c.vehicle.chassis.mass_kg
    assert total == pytest.approx(G + sign * 0.004 * 40.0**2, rel=1e-6)


def test_over_a_crest_too_sharp_the_car_flies_and_nothing_steers_it(car):
    c = car(40.0, 0)
    c.road.hollow_1pm = -0.01
    c.drive(0.2, steer_rad=0.1)
    assert not c.wheel_load_n.any()
    assert c.yaw_rate_radps == 0


def test_a_body_on_ice_swings_at_its_own_frequency_and_damping(car):
    """On ice the car slides away under the swinging body; the closed form knows that."""
    c = car(10.0, 0)
    c.road.friction[:] = 0.0
    v = c.vehicle
    body_kg, arm = v.body()
    s = v.suspension
    inertia = s.roll_inertia_kgm2 + body_kg * arm**2 * (1 - body_kg / v.chassis.mass_kg)
    stiffness = s.front_roll_nm_per_rad + s.rear_roll_nm_per_rad - body_kg * G * arm
    damping = s.front_roll_damping_nms + s.rear_roll_damping_nms
    decay = damping / (2 * inertia)
    swing = math.sqrt(stiffness / inertia - decay**2)
    c.state.roll_rad = 0.03
    roll = c.trace(1.2)["roll_rad"]
    t = np.arange(1, len(roll) + 1) * c.dt_s
    wave = np.cos(swing * t) + decay / swing * np.sin(swing * t)
    np.testing.assert_allclose(roll, 0.03 * np.exp(-decay * t) * wave, atol=0.03 * 0.02)
    assert c.vy_mps != 0


def test_the_stiffer_axle_takes_more_of_the_roll(car):
    for front, rear in ((30e3, 15e3), (15e3, 30e3)):
        stiff = {"front_roll_nm_per_rad": front, "rear_roll_nm_per_rad": rear}
        c = car(25.0, 0, suspension=stiff).drive(2.0, steer_rad=0.02)
        moved = c.wheel_load_n[1::2] - c.wheel_load_n[::2]
        assert (moved[0] > moved[1]) == (front > rear)


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        ({"suspension.front_unsprung_kg": 2000.0}, "more than chassis.mass_kg"),
        ({"suspension.front_roll_nm_per_rad": 10.0, "suspension.rear_roll_nm_per_rad": 10.0},
         "too soft"),
        ({"suspension.roll_inertia_kgm2": 1e-4}, "too light"),
    ],
)  # fmt: skip
def test_a_body_that_cannot_stand_or_be_followed_is_refused(overrides, says):
    with pytest.raises(parameters.InputError, match=says):
        parameters.load("tianyuan", overrides)
