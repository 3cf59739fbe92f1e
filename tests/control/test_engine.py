from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianyuan.control import engine

gears = st.integers(1, 8)
speeds = st.floats(0, 80)


@pytest.fixture(scope="module")
def params(new_params):
    return new_params()


@given(gear=gears, speed=speeds)
def test_engine_and_wheels_turn_in_the_gears_ratio(params, gear, speed):
    p = params[0]
    wheels = speed / p.wheel_radius_m
    expected = wheels * p.gear_ratio[gear - 1] * p.final_drive
    assert engine.speed_radps(params, gear, speed) == pytest.approx(expected)


@given(gear=gears, speed=st.floats(1, 66))
def test_power_at_the_wheels_is_the_engines_less_the_drivelines_share(params, gear, speed):
    p = params[0]
    turning = engine.speed_radps(params, gear, speed)
    closed, opened = engine.force_range_n(params, gear, speed)
    used = slice(0, 11)
    full, drag = (
        np.interp(turning, p.engine_speed_radps[used], table[used])
        for table in (p.engine_torque_nm, p.engine_drag_nm)
    )
    assert opened * speed == pytest.approx(full * turning * p.driveline_efficiency)
    assert closed * speed == pytest.approx(-drag * turning / p.driveline_efficiency)
    assert closed < 0.0 <= opened


@given(gear=gears, speed=speeds, throttle=st.floats(0, 1))
def test_the_throttle_for_a_force_gives_that_force(params, gear, speed, throttle):
    closed, opened = engine.force_range_n(params, gear, speed)
    force = closed + throttle * (opened - closed)
    assert engine.throttle_for(params, gear, speed, force) == pytest.approx(throttle, abs=1e-9)


@given(speed=speeds, throttle=st.floats(0, 1))
def test_a_motor_that_is_sent_torque_is_sent_the_torque_of_the_force(new_params, speed, throttle):
    """The throttle times ``request_nm`` is that torque, also where the motor has less to give."""
    params = new_params(request_nm=400.0)
    p = params[0]
    closed, opened = engine.force_range_n(params, 2, speed)
    force = closed + throttle * (opened - closed)
    lever = p.gear_ratio[1] * p.final_drive / p.wheel_radius_m
    asked = engine.throttle_for(params, 2, speed, force)
    given_n = closed + asked * (400.0 * lever * p.driveline_efficiency - closed)
    assert given_n == pytest.approx(force)
    assert asked < 1.0


@given(gear=gears, speed=speeds, less=st.floats(-1e5, 1e5), more=st.floats(-1e5, 1e5))
def test_more_force_never_takes_less_throttle_and_none_beyond_the_pedal(
    params, gear, speed, less, more
):
    less, more = sorted((less, more))
    low, high = (engine.throttle_for(params, gear, speed, force) for force in (less, more))
    assert 0.0 <= low <= high <= 1.0


@pytest.mark.parametrize("force", [math.nan, math.inf, -math.inf, 0.0])
def test_neutral_has_no_force_and_takes_no_throttle(params, force):
    assert engine.speed_radps(params, 0, 30.0) == 0.0
    assert engine.force_range_n(params, 0, 30.0) == (0.0, 0.0)
    assert engine.throttle_for(params, 0, 30.0, np.float64(force)) == 0.0


@given(force=st.floats(), speed=st.floats())
def test_throttle_is_a_share_of_the_pedal_whatever_comes_in(params, force, speed):
    with np.errstate(all="ignore"):
        asked = engine.throttle_for(params, 3, np.float64(speed), np.float64(force))
        assert 0.0 <= asked <= 1.0
