"""Bends against steady-state theory and the linear single-track model."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from tianyuan.hil.plant import steady

pytestmark = pytest.mark.compiled  # seconds of driving are minutes with the JIT off

G = 9.81
FREE = {"rolling": 0.0, "rolling_spm": 0.0}
STILL = {"drag_n_per_mps2": 0.0, "side_n_per_mps2": 0.0}
OPEN = {"kind": "open", "preload_nm": 0.0, "drive_lock": 0.0, "coast_lock": 0.0}


def axle_stiffness(v, axle: str) -> float:
    """N/rad of both tyres of an axle at their static load."""
    wheel_n = 0.5 * v.chassis.mass_kg * G * steady.static_share(v, axle)
    to_peak = wheel_n / (v.tyre.stiffness_peak * v.tyre.nominal_load_n)
    slope = v.tyre.stiffness_y_1prad * getattr(v.tyre, f"{axle}_factor") / (1 + to_peak**2)
    return 2 * wheel_n * slope


def linear_understeer_gradient(v) -> float:
    """m/L (b/Cf - a/Cr) in rad/(m/s^2), Gillespie ch. 6."""
    a, length, mass = v.chassis.front_axle_m, v.chassis.wheelbase_m, v.chassis.mass_kg
    front, rear = axle_stiffness(v, "front"), axle_stiffness(v, "rear")
    return mass / length * ((length - a) / front - a / rear)


def skid_pad(car, **tyre: float):
    """Nothing to drive against: any force along the car would shift load between axles."""
    c = car(25.0, 0, tyre=tyre | FREE, aero=STILL, rear_differential=OPEN)
    c.drive(4.0, steer_rad=0.002)
    return c, math.atan(c.vehicle.chassis.wheelbase_m * c.yaw_rate_radps / c.vx_mps)


@pytest.mark.parametrize("factors", [(0.85, 1.0), (1.0, 0.8)])
def test_the_skid_pad_shows_the_understeer_gradient_of_the_linear_tyres(car, factors):
    c, path_steer = skid_pad(car, front_factor=factors[0], rear_factor=factors[1])
    gradient = (0.002 - path_steer) / c.ay_mps2
    assert gradient == pytest.approx(linear_understeer_gradient(c.vehicle), rel=0.03)


def test_tyres_as_stiff_as_they_are_loaded_steer_neutrally(car):
    _, path_steer = skid_pad(car, front_factor=1.0, rear_factor=1.0, stiffness_peak=1e6)
    assert abs(0.002 - path_steer) < 4e-6


@pytest.mark.parametrize("ay", [3.0, 5.5, 7.5])
def test_a_steady_bend_is_that_of_four_tyres_on_rolling_axles(car, ay):
    """Slip angles, roll and loads at a held speed of 25 m/s, against ``steady``."""
    c = car(25.0, 5, tyre=FREE, aero=STILL, rear_differential=OPEN)
    v = c.vehicle
    front, rear = (steady.slip_angle_rad(v, axle, ay) for axle in steady.AXLES)
    steer = math.atan(v.chassis.wheelbase_m * ay / 25.0**2) + front - rear
    c.hold_speed(5.0, 25.0, steer_rad=steer)
    assert c.ay_mps2 == pytest.approx(ay, rel=0.07)
    for i, axle in enumerate(steady.AXLES):
        slip = c.wheel_slip_angle_rad[2 * i : 2 * i + 2].mean()
        assert slip == pytest.approx(steady.slip_angle_rad(v, axle, c.ay_mps2), rel=0.05)
    assert c.roll_rad == pytest.approx(steady.roll_rad(v, c.ay_mps2), rel=0.01)
    right_n, left_n = c.wheel_load_n[1::2], c.wheel_load_n[::2]
    for i, axle in enumerate(steady.AXLES):
        moved = steady.moved_n(v, axle, c.ay_mps2)
        assert 0.5 * (right_n[i] - left_n[i]) == pytest.approx(moved, rel=0.02)


@pytest.mark.parametrize("friction", [0.5, 1.0])
def test_lateral_acceleration_ends_where_the_front_tyres_do(car, friction):
    c = car(20.0, 3)
    c.road.friction[:] = friction
    best = 0.0
    for steer in np.linspace(0, 0.2, 80):
        c.hold_speed(0.05, 20.0, steer_rad=steer)
        best = max(best, c.ay_mps2)
    if friction == 1.0:
        assert best == pytest.approx(steady.limit_mps2(c.vehicle, "front"), rel=0.03)
    else:  # less friction, less load that moves, so a little more than half
        assert best == pytest.approx(0.5 * steady.limit_mps2(c.vehicle, "front"), rel=0.08)


def linear_step(v, speed: float, steer: float, t: np.ndarray) -> np.ndarray:
    """Yaw rate of the linear single-track model with first-order tyres, Rajamani ch. 2 and 13."""
    ch, lag = v.chassis, v.tyre.relaxation_y_m / speed
    a, b = ch.front_axle_m, ch.wheelbase_m - ch.front_axle_m
    front, rear = axle_stiffness(v, "front"), axle_stiffness(v, "rear")

    def rates(_: float, x: np.ndarray) -> list[float]:
        vy, yaw, fy, ry = x
        return [
            (fy + ry) / ch.mass_kg - speed * yaw,
            (a * fy - b * ry) / ch.yaw_inertia_kgm2,
            (front * (steer - (vy + a * yaw) / speed) - fy) / lag,
            (-rear * (vy - b * yaw) / speed - ry) / lag,
        ]

    return solve_ivp(rates, (0, t[-1]), [0.0] * 4, t_eval=t, rtol=1e-8, atol=1e-10).y[1]


@pytest.mark.parametrize("speed", [15.0, 30.0, 60.0])
def test_a_small_step_of_steering_rises_as_the_linear_model_does(car, speed):
    """No roll: the roll centres at the height of the body's centre."""
    height = car().vehicle.body()[1]
    flat = {"front_roll_centre_m": height, "rear_roll_centre_m": height, "ackermann": 0.0}
    c = car(speed, 0, suspension=flat, tyre=FREE, aero=STILL, rear_differential=OPEN)
    steer = 0.3 * (c.vehicle.chassis.wheelbase_m + 0.0008 * speed**2) / speed**2
    yaw = c.trace(1.5, steer_rad=steer)["yaw_rate_radps"]
    t = np.arange(1, len(yaw) + 1) * c.dt_s
    linear = linear_step(c.vehicle, speed, steer, t)
    np.testing.assert_allclose(yaw, linear, atol=0.02 * linear[-1])
    rise = [t[np.argmax(each > 0.9 * linear[-1])] for each in (yaw, linear)]
    assert rise[0] == pytest.approx(rise[1], abs=0.004)
    assert 0.2 < c.ay_mps2 < 0.5


def test_a_body_that_rolls_answers_later_than_one_that_does_not(car):
    """Its swing takes lateral force that the flat car turns into acceleration at once."""
    height = car().vehicle.body()[1]
    flat = {"front_roll_centre_m": height, "rear_roll_centre_m": height}
    soft, stiff = (car(30.0, 0, suspension=s).trace(0.3, steer_rad=0.01) for s in ({}, flat))
    assert soft["vy_mps"][-1] != pytest.approx(stiff["vy_mps"][-1], rel=0.005)
    assert np.abs(stiff["roll_rad"]).max() < 1e-3 < soft["roll_rad"].max()


@pytest.mark.parametrize("speed", [20.0, 40.0, 60.0])
def test_a_step_of_steering_settles(car, speed):
    c = car(speed, 6)
    trace = c.hold_speed(0.5, speed).hold_speed(3.0, speed, steer_rad=0.15 / speed).trace(0.5)
    yaw = trace["yaw_rate_radps"]
    assert np.ptp(yaw) < 0.02 * abs(yaw.mean())
    assert yaw.mean() > 0.01
    assert np.max(np.abs(trace["vy_mps"])) < 0.1 * speed


def test_at_walking_pace_the_front_wheels_point_at_one_centre(car):
    """With all of Ackermann's law no tyre slips sideways; with parallel wheels they do."""
    slips = {}
    for share in (0.0, 1.0):
        c = car(1.5, 0, suspension={"ackermann": share}, rear_differential=OPEN, tyre=FREE)
        c.drive(3.0, steer_rad=0.5)
        slips[share] = np.abs(c.wheel_slip_angle_rad[:2]).max()
    ch = c.vehicle.chassis
    radius = c.vx_mps / c.yaw_rate_radps
    assert radius == pytest.approx(ch.wheelbase_m / math.tan(0.5), rel=0.01)
    inner, outer = c.wheel_radps[2:] * c.vehicle.tyre.radius_m
    assert outer - inner == pytest.approx(ch.rear_track_m * c.yaw_rate_radps, rel=0.01)
    assert slips[1.0] < 0.1 * slips[0.0]


@pytest.mark.parametrize("sign", [1, -1])
def test_a_bank_that_suits_its_speed_leaves_the_tyres_nothing_to_do(car, sign):
    c = car(30.0, 0, tyre=FREE, aero=STILL, rear_differential=OPEN)
    curvature = sign * 0.002
    c.road.bank_rad = -math.asin(30.0**2 * curvature / G)
    c.drive(4.0, steer_rad=math.atan(c.vehicle.chassis.wheelbase_m * curvature))
    assert c.yaw_rate_radps == pytest.approx(30.0 * curvature, rel=0.01)
    assert abs(c.ay_mps2) < 0.02
    assert abs(c.roll_rad) < 1e-4


def test_the_tyres_turn_the_wheel_back_less_and_less_as_they_slide(car):
    steady_nm = []
    for steer in (0.005, 0.02, 0.05, 0.12, 0.25):
        c = car(20.0, 0)
        c.drive(0.6, steer_rad=steer)
        trail = -c.align_nm / c.wheel_fy_n[:2].sum()
        steady_nm.append(trail)
        assert c.align_nm < 0 < c.wheel_fy_n[:2].sum()
    assert (np.diff(steady_nm) < 0).all()
    caster = c.vehicle.suspension.caster_trail_m
    assert steady_nm[-1] == pytest.approx(caster, abs=0.002)
    assert caster + 0.01 < steady_nm[0] < caster + 0.032


def test_on_split_friction_the_brakes_turn_the_car_to_the_grip(car):
    c = car(25.0, 0)
    c.road.friction[0, ::2] = 0.2
    c.drive(0.5, brake_bar=30.0)
    assert c.yaw_rate_radps < -0.02
    assert c.wheel_radps[0] < c.wheel_radps[1]
