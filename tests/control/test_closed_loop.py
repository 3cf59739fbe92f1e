"""The lateral laws on a car that a few lines of kinematics describe, without slip."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tianyuan.control import lateral, projection
from tianyuan.control.records import SENSORS, STATE, Controller, record

STEP_S = 0.01


def drive(params, line, seconds, speed, offset_m, lag_s):
    r"""Cross-track error and steering over time of a kinematic bicycle with a lagging actuator.

    ::

        o--->  offset_m        r = v tan(delta) / L,  v_y = b r
        ------------------->
    """
    p, sensors, state = params[0], record(SENSORS), record(STATE)
    s = state[0]
    s.y_m, s.speed_mps, angle = offset_m, speed, 0.0
    for _ in range(round(seconds / STEP_S)):
        projection.update(params, line, state)
        sensors[0].steer_rad = angle
        wanted = lateral.update(params, line, sensors, state)
        wanted = min(max(wanted, -p.limits_steer_rad), p.limits_steer_rad)
        change = (wanted - angle) * (1 - math.exp(-STEP_S / lag_s))
        most = p.limits_steer_rate_radps * STEP_S
        angle += min(max(change, -most), most)
        s.yaw_rate_radps = speed * math.tan(angle) / p.wheelbase_m
        s.lateral_mps = (p.wheelbase_m - p.front_axle_m) * s.yaw_rate_radps
        middle = s.heading_rad + 0.5 * s.yaw_rate_radps * STEP_S
        s.x_m += (speed * math.cos(middle) - s.lateral_mps * math.sin(middle)) * STEP_S
        s.y_m += (speed * math.sin(middle) + s.lateral_mps * math.cos(middle)) * STEP_S
        s.heading_rad += s.yaw_rate_radps * STEP_S
        yield s.cross_track_m, angle


@pytest.fixture(scope="module")
def straight(oval):
    return oval(3000.0)


@pytest.mark.compiled
@pytest.mark.parametrize("offset_m", [1.0, -1.0])
@pytest.mark.parametrize("speed", [5.0, 10.0, 20.0, 30.0, 45.0, 60.0])
@pytest.mark.parametrize(
    ("controller", "overshoot"), [(Controller.STANLEY, 0.02), (Controller.PURE_PURSUIT, 0.3)]
)
def test_a_car_beside_the_line_comes_back_to_it(
    new_params, straight, controller, overshoot, speed, offset_m
):
    """With the actuator's lag that ``lateral.preview_s`` is there for.

    Stanley's error decays as of the first order; pursuit's as of the second, whose damping
    falls as the lookahead's share of the way that the lag takes does.
    """
    params = new_params(straight, controller, slip_ay_step_mps2=0.0)
    lag_s = params[0].lateral_preview_s
    seconds = min(12.0, 1400.0 / speed)
    run = np.array(list(drive(params, straight, seconds, speed, offset_m, lag_s)))
    error = run[:, 0] * np.sign(offset_m)
    assert np.all(np.isfinite(run))
    assert error.max() <= 1.001
    assert error.min() >= -overshoot
    assert abs(error[round(8.0 / STEP_S) :]).max() < 0.005


@pytest.mark.compiled
def test_stanley_comes_back_no_faster_than_its_gain_allows_and_not_much_slower(
    new_params, straight
):
    """On a straight the front axle closes in with v sin(atan(k e / (k_soft + v))) at most."""
    params = new_params(straight, slip_ay_step_mps2=0.0, stanley_k_yaw_s=0.0)
    p, speed = params[0], 20.0
    error = np.array([e for e, _ in drive(params, straight, 6.0, speed, 0.2, 0.1)])
    rate = speed * p.stanley_k_1ps / (p.stanley_k_soft_mps + speed)
    began, ended = round(1.0 / STEP_S), round(2.0 / STEP_S)
    measured = -math.log(error[ended] / error[began]) / 1.0
    assert measured == pytest.approx(rate, rel=0.25)


@pytest.mark.compiled
@pytest.mark.parametrize("controller", list(Controller))
def test_both_sides_of_the_line_are_treated_alike(new_params, straight, controller):
    params = new_params(straight, controller, slip_ay_step_mps2=0.0)
    left, right = (
        np.array(list(drive(params, straight, 3.0, 30.0, offset, 0.1))) for offset in (0.7, -0.7)
    )
    assert left == pytest.approx(-right, abs=1e-9)
