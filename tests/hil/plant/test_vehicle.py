"""The whole car against steady-state theory, and its step against itself."""

from __future__ import annotations

import math

import numpy as np
import pytest

G = 9.81


def linear_understeer_gradient(v) -> float:
    """m/L (b/Cf - a/Cr) in rad/(m/s^2), Gillespie ch. 6."""
    a, length, mass = v.chassis.front_axle_m, v.chassis.wheelbase_m, v.chassis.mass_kg
    b = length - a
    c_front = v.tyre.stiffness_y_1prad * v.tyre.front_factor * mass * G * b / length
    c_rear = v.tyre.stiffness_y_1prad * v.tyre.rear_factor * mass * G * a / length
    return mass / length * (b / c_front - a / c_rear)


def skid_pad(car, front: float, rear: float):
    """Nothing to drive against: any force along the car would shift load between axles."""
    factors = {"front_factor": front, "rear_factor": rear}
    tyre = {**factors, "rolling": 0.0, "rolling_spm": 0.0}
    c = car(25.0, 0, tyre=tyre, aero={"drag_n_per_mps2": 0.0})
    c.drive(4.0, steer_rad=0.002)
    return c, math.atan(c.vehicle.chassis.wheelbase_m * c.yaw_rate_radps / c.vx_mps)


@pytest.mark.parametrize("factors", [(0.85, 1.0), (1.0, 0.8)])
def test_the_skid_pad_shows_the_understeer_gradient_of_the_linear_tyres(car, factors):
    c, path_steer = skid_pad(car, *factors)
    gradient = (0.002 - path_steer) / c.ay_mps2
    assert gradient == pytest.approx(linear_understeer_gradient(c.vehicle), rel=0.03)


def test_equal_axles_steer_neutrally(car):
    _, path_steer = skid_pad(car, 1.0, 1.0)
    assert abs(0.002 - path_steer) < 2e-6


@pytest.mark.parametrize("friction", [0.5, 1.0])
def test_lateral_acceleration_ends_at_the_grip_of_the_front_tyres(car, friction):
    c = car(20.0, 3)
    c.friction = friction
    best = 0.0
    for steer in np.linspace(0, 0.18, 80):
        c.hold_speed(0.05, 20.0, steer_rad=steer)
        best = max(best, c.ay_mps2)
    t = c.vehicle.tyre
    static = 2 * (1 - c.vehicle.chassis.front_axle_m / c.vehicle.chassis.wheelbase_m)
    grip = friction * t.friction_y * (1 + t.load_sensitivity * (static - 1))
    assert best == pytest.approx(grip * G, rel=0.03)


def stop(c, bar: float) -> float:
    start = c.x_m
    for _ in range(2000):
        c.drive(0.005, brake_bar=bar, gear=0)
        if c.vx_mps < 0.05:
            return c.x_m - start
    raise AssertionError("never stopped")


def test_no_pressure_stops_the_car_shorter_than_its_grip_allows(car):
    speed = 100 / 3.6
    shortest = min(stop(car(speed, 5), bar) for bar in range(40, 90, 2))
    grip = speed**2 / (2 * 1.1739 * G)
    reaction = 0.10 * speed
    assert grip < shortest < 1.05 * grip + reaction


def test_gentle_braking_is_pressure_over_the_mass_that_turns_with_it(car):
    c = car(40.0, 5, aero={"drag_n_per_mps2": 0.0}, tyre={"rolling": 0.0, "rolling_spm": 0.0})
    c.drive(0.5, brake_bar=10.0, gear=0)
    before = c.vx_mps
    c.drive(0.5)
    v = c.vehicle
    torque = 10.0 * (v.brakes.front_nm_per_bar + 0.8 * v.brakes.rear_nm_per_bar)
    mass = v.chassis.mass_kg + 2 * v.tyre.axle_inertia_kgm2 / v.tyre.radius_m**2
    assert (before - c.vx_mps) / 0.5 == pytest.approx(torque / v.tyre.radius_m / mass, rel=0.01)


def test_locked_wheels_stop_the_car_later_than_rolling_ones(car):
    assert stop(car(30.0, 5), 90.0) > 1.1 * stop(car(30.0, 5), 48.0)


def test_top_speed_is_where_power_equals_drag_and_slip(car):
    c = car(60.0, 6).drive(200.0, throttle=1.0)
    v = c.vehicle
    given = c.engine_nm * c.engine_radps * v.gearbox.efficiency
    rolling = v.chassis.mass_kg * G * (v.tyre.rolling + v.tyre.rolling_spm * c.vx_mps)
    taken = (v.aero.drag_n_per_mps2 * c.vx_mps**2 + rolling) * c.vx_mps
    assert abs(c.ax_mps2) < 1e-4
    assert given == pytest.approx(taken, rel=0.02)
    assert given == pytest.approx(135e3 * 0.92, rel=0.01)


def test_braking_moves_height_over_wheelbase_of_the_force_to_the_front(car):
    c = car(30.0, 5)
    c.drive(0.6, brake_bar=30.0, gear=0)
    ch, drag = c.vehicle.chassis, c.vehicle.aero.drag_n_per_mps2 * c.vx_mps**2
    static = ch.mass_kg * G * (1 - ch.front_axle_m / ch.wheelbase_m)
    moved = (-ch.mass_kg * c.ax_mps2 - drag) * ch.cg_height_m / ch.wheelbase_m
    assert moved > 1000
    assert c.front_load_n - static == pytest.approx(moved, rel=0.01)
    assert c.front_load_n + c.rear_load_n == pytest.approx(ch.mass_kg * G, rel=1e-12)


def test_coasting_down_follows_drag_and_rolling_resistance(car):
    c = car(50.0, 0)
    v = c.vehicle
    weight = v.chassis.mass_kg * G
    mass = v.chassis.mass_kg + 2 * v.tyre.axle_inertia_kgm2 / v.tyre.radius_m**2
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
    c = car(20.0, 0, aero={"drag_n_per_mps2": 0.0}, tyre={"rolling": 0.0, "rolling_spm": 0.0})
    c.slope_rad = slope
    c.drive(2.0, gear=0)
    v = c.vehicle
    turning = 2 * v.tyre.axle_inertia_kgm2 / v.tyre.radius_m**2
    share = v.chassis.mass_kg / (v.chassis.mass_kg + turning)
    assert c.vx_mps - 20.0 == pytest.approx(-2.0 * G * math.sin(slope) * share, rel=1e-3)
    felt = G * math.sin(slope) * (1 - share)
    assert c.ax_mps2 == pytest.approx(felt, rel=0.02)


@pytest.mark.parametrize("speed", [20.0, 40.0, 60.0])
def test_a_step_of_steering_settles(car, speed):
    c = car(speed, 6)
    trace = c.hold_speed(0.5, speed).hold_speed(3.0, speed, steer_rad=0.15 / speed).trace(0.5)
    yaw = trace["yaw_rate_radps"]
    assert np.ptp(yaw) < 0.02 * abs(yaw.mean())
    assert yaw.mean() > 0.01
    assert np.max(np.abs(trace["vy_mps"])) < 0.1 * speed


def test_left_and_right_are_mirror_images_to_the_last_bit(car):
    left, right = car(30.0, 4), car(30.0, 4)
    for k in range(300):
        steer = 0.1 * math.sin(0.05 * k)
        bar = 60.0 if 150 < k < 200 else 0.0
        left.drive(0.01, steer_rad=steer, throttle=0.6, brake_bar=bar)
        right.drive(0.01, steer_rad=-steer, throttle=0.6, brake_bar=bar)
    odd = ("y_m", "heading_rad", "vy_mps", "yaw_rate_radps", "ay_mps2", "rear_fy_n", "steer_nm")
    assert [getattr(left, name) for name in odd] == [-getattr(right, name) for name in odd]
    assert left.x_m == right.x_m
    assert left.vx_mps == right.vx_mps
    assert left.y_m != 0


def manoeuvre(c, dt_s: float) -> np.ndarray:
    c.dt_s = dt_s
    for k in range(40):
        steer = 0.06 * math.sin(2 * math.pi * k / 40)
        c.drive(0.05, steer_rad=steer, throttle=0.5 if k < 20 else 0.0)
        if k == 30:
            c.drive(0.05, brake_bar=20.0)
    return np.array([c.x_m, c.y_m, c.heading_rad, c.vx_mps, c.vy_mps])


def test_halving_the_step_halves_an_error_that_is_small_already(car):
    """First order; the delays of 10 ms are whole steps of each."""
    fine = manoeuvre(car(30.0, 4), 1e-3 / 8)
    errors = [np.abs(manoeuvre(car(30.0, 4), 1e-3 / n) - fine) for n in (1, 2)]
    assert errors[0].max() < 0.15, "over 60 m and a lane change"
    assert np.linalg.norm(errors[1]) < 0.6 * np.linalg.norm(errors[0])


@pytest.mark.parametrize("speed", [0.0, 0.3, 1.0, 3.0, 10.0, 30.0, 80.0])
def test_a_disturbed_wheel_comes_to_rest_on_the_road_at_any_speed(car, speed):
    c = car(speed, 0)
    c.state.front_radps += 3.0
    c.state.rear_radps -= 3.0
    c.drive(1.5, gear=0)
    trace = c.trace(0.2)
    radius = c.vehicle.tyre.radius_m
    for axle in ("front", "rear"):
        assert np.ptp(trace[f"{axle}_radps"] * radius - trace["vx_mps"]) < 2e-3


def test_the_same_commands_give_the_same_bytes_however_they_are_cut(car):
    def run(pieces: int) -> bytes:
        c = car(30.0, 4)
        for _ in range(pieces):
            c.drive(3.0 / pieces, steer_rad=0.05, throttle=0.8)
        return c.state.tobytes()

    assert run(1) == run(1) == run(60) == run(1000)
