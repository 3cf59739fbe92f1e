from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianyuan.control import gearbox
from tianyuan.control.records import STATE, record

LATER_NS = 10_000_000_000


@pytest.fixture(scope="module")
def params(new_params):
    return new_params()


def chosen(params, gear, speed, t_ns=LATER_NS, shifted_ns=0):
    state = record(STATE)
    state[0].gear, state[0].speed_mps, state[0].shifted_ns = gear, speed, shifted_ns
    return gearbox.update(params, state, t_ns), state[0]


@given(speed=st.floats(0, 80), gear=st.integers(1, 8), easing=st.floats(0.97, 1.03))
def test_no_shift_calls_for_the_shift_back(params, speed, gear, easing):
    """Nor when the shift costs, or gives, up to 3 % of the speed."""
    first, _ = chosen(params, gear, speed)
    if first != gear:
        second, _ = chosen(params, first, speed * easing)
        assert second != gear


@given(
    speed=st.floats(0, 80), up=st.floats(50, 2500), down=st.floats(20, 2500), gear=st.integers(1, 8)
)
def test_not_even_with_limits_that_overlap(new_params, speed, up, down, gear):
    params = new_params(limits_upshift_radps=up, limits_downshift_radps=down)
    first, _ = chosen(params, gear, speed)
    if first < gear:
        assert chosen(params, first, speed)[0] <= first
    if first > gear:
        assert chosen(params, first, speed)[0] >= first


@given(speed=st.floats(), gear=st.integers(0, 8))
def test_the_gear_is_one_that_there_is_and_one_step_away(params, speed, gear):
    with np.errstate(all="ignore"):
        now, s = chosen(params, gear, np.float64(speed))
    assert 1 <= now <= 8
    assert abs(now - max(gear, 1)) <= 1
    assert s.gear == now


def test_a_gearbox_of_five_has_no_sixth(new_params):
    params = new_params()
    params[0].gear_ratio[5:] = 0.0
    assert chosen(params, 5, 90.0)[0] == 5


def test_a_car_without_gears_stays_in_first_and_has_no_force(new_params):
    params = new_params()
    params[0].gear_ratio[:] = 0.0
    assert chosen(params, 1, 50.0)[0] == 1


def test_a_standing_car_comes_down_to_first(params):
    state = record(STATE)
    state[0].gear = 8
    for k in range(8):
        gearbox.update(params, state, (k + 1) * gearbox.HOLD_NS)
    assert state[0].gear == 1


@given(st.lists(st.floats(0, 80), min_size=50, max_size=300))
def test_there_is_at_most_one_shift_in_the_time_it_takes(params, speeds):
    state, shifts, before = record(STATE), [], 1
    for k, speed in enumerate(speeds):
        state[0].speed_mps, t_ns = speed, 1_000_000_000 + k * 50_000_000
        gear = gearbox.update(params, state, t_ns)
        if gear != before:
            shifts.append(t_ns)
        before = gear
    assert all(np.diff(shifts) >= gearbox.HOLD_NS)


def test_a_sweep_of_the_speed_goes_through_every_gear_once_up_and_once_down(params):
    state, gears = record(STATE), []
    up = np.arange(0.0, 80.0, 0.01)
    for k, speed in enumerate(np.concatenate((up, up[::-1]))):
        state[0].speed_mps = speed
        gears.append(gearbox.update(params, state, LATER_NS + k * 20_000_000))
    changes = np.diff(gears)[np.diff(gears) != 0]
    assert list(changes) == [1] * (max(gears) - 1) + [-1] * (max(gears) - 1)
    assert max(gears) > 4


def test_time_that_goes_back_does_not_hold_a_gear(params):
    assert chosen(params, 1, 40.0, t_ns=1_000_000_000, shifted_ns=LATER_NS)[0] == 2


def test_without_a_speed_the_gear_stays(params):
    assert chosen(params, 4, math.nan)[0] == 4
