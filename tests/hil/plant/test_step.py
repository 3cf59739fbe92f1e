"""The step against itself: mirror, refinement, friction ellipse, repetition."""

from __future__ import annotations

import math

import numpy as np
import pytest

MIRROR = [1, 0, 3, 2]


def test_left_and_right_are_mirror_images_to_the_last_bit(car):
    left, right = car(30.0, 4), car(30.0, 4)
    for k in range(300):
        steer = 0.1 * math.sin(0.05 * k)
        bar = 60.0 if 150 < k < 200 else 0.0
        for c, sign in ((left, 1), (right, -1)):
            c.road.bank_rad, c.road.wind_y_mps = sign * 0.05, sign * 10.0
            c.drive(0.01, steer_rad=sign * steer, throttle=0.6, brake_bar=bar)
    odd = (
        "y_m", "heading_rad", "vy_mps", "yaw_rate_radps", "ay_mps2", "roll_rad", "align_nm",
    )  # fmt: skip
    assert [getattr(left, name) for name in odd] == [-getattr(right, name) for name in odd]
    assert left.x_m == right.x_m
    assert left.vx_mps == right.vx_mps
    for name in ("wheel_radps", "wheel_load_n", "wheel_fx_n", "disc_c"):
        assert (getattr(left, name) == getattr(right, name)[MIRROR]).all()
    assert (left.wheel_fy_n == -right.wheel_fy_n[MIRROR]).all()
    assert left.y_m != 0


def test_every_tyre_stays_inside_its_own_ellipse(car):
    c = car(40.0, 4)
    t = c.vehicle.tyre
    c.road.friction[:] = (1.0, 0.3, 0.6, 0.9)
    rng = np.random.default_rng(3)
    most = 0.0
    for _ in range(40):
        kept = c.trace(
            0.05, steer_rad=rng.uniform(-0.4, 0.4), brake_bar=rng.choice([0.0, 30.0, 100.0]),
            throttle=rng.random(),
        )  # fmt: skip
        over = kept["wheel_load_n"] / t.nominal_load_n - 1
        grip = c.road.friction[0] * kept["wheel_load_n"] + 1e-9
        fx = kept["wheel_fx_n"] / (t.friction_x * (1 + t.load_sensitivity_x * over) * grip)
        fy = kept["wheel_fy_n"] / (t.friction_y * (1 + t.load_sensitivity_y * over) * grip)
        most = max(most, (fx**2 + fy**2).max())
    assert 0.95 < most <= 1 + 1e-9


def manoeuvre(c, dt_s: float) -> np.ndarray:
    c.dt_s = dt_s
    for k in range(40):
        steer = 0.06 * math.sin(2 * math.pi * k / 40)
        c.drive(0.05, steer_rad=steer, throttle=0.5 if k < 20 else 0.0)
        if k == 30:
            c.drive(0.05, brake_bar=20.0)
    return np.array([c.x_m, c.y_m, c.heading_rad, c.vx_mps, c.vy_mps])


def test_halving_the_step_halves_an_error_that_is_small_already(car):
    fine = manoeuvre(car(30.0, 4), 1e-3 / 8)
    errors = [np.abs(manoeuvre(car(30.0, 4), 1e-3 / n) - fine) for n in (1, 2)]
    assert errors[0].max() < 0.15, "over 60 m and a lane change"
    assert np.linalg.norm(errors[1]) < 0.6 * np.linalg.norm(errors[0])


@pytest.mark.parametrize("speed", [0.0, 0.3, 1.0, 3.0, 10.0, 30.0, 90.0])
def test_a_disturbed_wheel_comes_to_rest_on_the_road_at_any_speed(car, speed):
    c = car(speed, 0)
    c.state.wheel_radps[0] += [3.0, -3.0, 2.0, -1.0]
    c.drive(1.5, gear=0)
    trace = c.trace(0.2)
    slip_mps = trace["wheel_radps"] * c.vehicle.tyre.radius_m - trace["vx_mps"][:, None]
    assert np.ptp(slip_mps, axis=0).max() < 2e-3


@pytest.mark.parametrize("speed", [0.0, 40.0, 90.0])
def test_spinning_and_locked_wheels_are_followed_without_chatter(car, speed):
    """Full throttle in first gear, or brakes that lock: the forces settle between steps."""
    c = car(speed, 0)
    if speed == 0.0:
        c.drive(0.6, gear=1, throttle=1.0)
        trace = c.trace(0.3)
        assert trace["wheel_slip"][:, 2:].min() > 0.15
    else:
        c.drive(0.5, brake_bar=100.0)
        trace = c.trace(0.3)
        assert not trace["wheel_radps"][:, :2].any()
    assert np.abs(np.diff(trace["wheel_fx_n"], axis=0)).max() < 60.0


def test_the_same_controls_give_the_same_bytes_however_they_are_cut(car):
    def run(pieces: int) -> bytes:
        c = car(30.0, 4)
        for _ in range(pieces):
            c.drive(3.0 / pieces, steer_rad=0.05, throttle=0.8)
        return c.state.tobytes()

    assert run(1) == run(1) == run(60) == run(1000)
