"""Straight on: brakes, engine, drag, slope and wind against closed forms."""

from __future__ import annotations

import math

import pytest

G = 9.81
FREE = {"rolling": 0.0, "rolling_spm": 0.0}
STILL = {"drag_n_per_mps2": 0.0}


def rolling_mass_kg(v) -> float:
    return v.chassis.mass_kg + 4 * v.tyre.wheel_inertia_kgm2 / v.tyre.radius_m**2


def stop(c, bar: float) -> float:
    start = c.x_m
    for _ in range(2000):
        c.drive(0.005, brake_bar=bar, gear=0)
        if c.vx_mps < 0.05:
            return c.x_m - start
    raise AssertionError("never stopped")


def best_braking_mps2(v) -> float:
    """What four tyres at their peaks give on the loads that this braking makes."""
    ch, t, braking = v.chassis, v.tyre, G
    for _ in range(50):
        weight, moved = ch.mass_kg * G, ch.mass_kg * braking * ch.cg_height_m / ch.wheelbase_m
        front = weight * (1 - ch.front_axle_m / ch.wheelbase_m) + moved
        total = 0.0
        for load in (front, weight - front):
            over = 0.5 * load / t.nominal_load_n - 1
            total += t.friction_x * (1 + t.load_sensitivity_x * over) * load
        braking = total / ch.mass_kg
    return braking


def test_no_pressure_stops_the_car_shorter_than_its_grip_allows(car):
    speed = 100 / 3.6
    shortest = min(stop(car(speed, 5), bar) for bar in range(44, 72, 3))
    grip = speed**2 / (2 * best_braking_mps2(car().vehicle))
    assert grip < shortest < 1.10 * grip


def test_gentle_braking_is_pressure_over_the_mass_that_turns_with_it(car):
    c = car(40.0, 5, aero=STILL, tyre=FREE)
    c.drive(0.5, brake_bar=10.0, gear=0)
    before = c.vx_mps
    c.drive(0.5)
    v = c.vehicle
    torque = 10.0 * (v.brakes.front_nm_per_bar + 0.8 * v.brakes.rear_nm_per_bar)
    expected = torque / v.tyre.radius_m / rolling_mass_kg(v)
    assert (before - c.vx_mps) / 0.5 == pytest.approx(expected, rel=0.01)


def test_locked_wheels_stop_the_car_later_than_rolling_ones(car):
    locked = car(30.0, 5)
    assert stop(locked, 95.0) > 1.1 * stop(car(30.0, 5), 50.0)
    assert not locked.wheel_radps[:2].any()


def test_top_speed_is_where_power_equals_drag_and_slip(car):
    c = car(60.0, 6).drive(200.0, throttle=1.0)
    v = c.vehicle
    given = c.engine_nm * c.engine_radps * v.gearbox.efficiency
    rolling = v.chassis.mass_kg * G * (v.tyre.rolling + v.tyre.rolling_spm * c.vx_mps)
    taken = (v.aero.drag_n_per_mps2 * c.vx_mps**2 + rolling) * c.vx_mps
    assert abs(c.ax_mps2) < 1e-4
    assert given == pytest.approx(taken, rel=0.02)
    assert given == pytest.approx(135e3 * 0.92, rel=0.01)


def test_coasting_down_follows_drag_and_rolling_resistance(car):
    c = car(50.0, 0)
    v = c.vehicle
    weight, mass = v.chassis.mass_kg * G, rolling_mass_kg(v)
    c0, c1 = weight * v.tyre.rolling / mass, weight * v.tyre.rolling_spm / mass
    c2 = v.aero.drag_n_per_mps2 / mass
    root = math.sqrt(4 * c0 * c2 - c1 * c1)

    def phase(speed: float) -> float:
        return 2 / root * math.atan((2 * c2 * speed + c1) / root)

    c.drive(30.0, gear=0)
    after = math.tan((phase(50.0) - 30.0) * root / 2) * root / (2 * c2) - c1 / (2 * c2)
    assert c.vx_mps == pytest.approx(after, rel=2e-3)


@pytest.mark.parametrize("slope", [-0.06, 0.06])
def test_a_slope_pulls_with_its_share_of_gravity_but_no_imu_feels_it(car, slope):
    c = car(20.0, 0, aero=STILL, tyre=FREE)
    c.road.slope_rad = slope
    c.drive(2.0, gear=0)
    share = c.vehicle.chassis.mass_kg / rolling_mass_kg(c.vehicle)
    assert c.vx_mps - 20.0 == pytest.approx(-2.0 * G * math.sin(slope) * share, rel=1e-3)
    assert c.ax_mps2 == pytest.approx(G * math.sin(slope) * (1 - share), rel=0.02)


@pytest.mark.parametrize(("wind", "air"), [(10.0, 20.0), (-10.0, 40.0), (40.0, -10.0)])
def test_the_wind_adds_to_the_air_from_ahead(car, wind, air):
    c = car(30.0, 0, tyre=FREE)
    c.road.wind_x_mps = wind
    c.drive(0.001)
    v = c.vehicle
    assert c.ax_mps2 == pytest.approx(-v.aero.drag_n_per_mps2 * air * abs(air) / v.chassis.mass_kg)


def test_wind_from_the_left_pushes_and_turns_the_car_to_the_right(car):
    """The pressure is ahead of the centre of gravity, so the nose goes first."""
    c = car(30.0, 0)
    c.road.wind_y_mps = -15.0
    c.drive(1.0)
    assert c.y_m < 0
    assert c.yaw_rate_radps < 0


def test_brakes_heat_their_discs_by_the_work_that_they_do(car):
    cool = {"cooling_w_per_k": 0.0, "cooling_j_per_km": 0.0, "fade_from_c": 5000.0}
    c = car(40.0, 0, aero=STILL, tyre=FREE, brakes=cool | {"fade_to_c": 6000.0})
    v, before = c.vehicle, c.vx_mps
    c.drive(3.0, brake_bar=25.0)
    warmed = c.disc_c - 20.0
    heat = 2 * v.brakes.front_disc_j_per_k * warmed[0] + 2 * v.brakes.rear_disc_j_per_k * warmed[2]
    lost = 0.5 * rolling_mass_kg(v) * (before**2 - c.vx_mps**2)
    assert warmed[0] == warmed[1] > 40.0
    # The tyres' slip takes the rest: 25 bar need some per cent of it.
    assert 0.96 * lost < heat < lost


def test_hot_discs_cool_in_the_air_and_faster_at_speed(car):
    slow, fast = car(5.0, 0), car(40.0, 0)
    for c in (slow, fast):
        c.state.disc_c[:] = 400.0
    lost = slow.drive(0.001).disc_c, fast.drive(0.001).disc_c
    v = fast.vehicle.brakes
    watts = (v.cooling_w_per_k + 40.0 * v.cooling_j_per_km) * 380.0
    assert 400.0 - lost[1][0] == pytest.approx(0.001 * watts / v.front_disc_j_per_k, rel=1e-3)
    assert (lost[1] < lost[0]).all()


@pytest.mark.parametrize(("disc_c", "factor"), [(20, 1), (600, 1), (750, 0.75), (2000, 0.5)])
def test_pads_fade_once_their_discs_are_too_hot(car, disc_c, factor):
    c, cold = (car(40.0, 0, aero=STILL, tyre=FREE) for _ in range(2))
    c.state.disc_c[:] = disc_c
    for each in (c, cold):
        each.drive(0.5, brake_bar=15.0)
    slower = (40.0 - c.vx_mps) / (40.0 - cold.vx_mps)
    assert slower == pytest.approx(factor, abs=0.02)
