"""Whatever any law computes, what leaves is finite, within its range and within its slew."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tianyuan.control import limits
from tianyuan.control.records import COMMAND, STATE, Cause, Mission, Mode, record

EPS = 1e-9
anything = st.floats()
step_s = st.floats(0, 0.02)
shares = st.floats(0, 1)


@pytest.fixture(scope="module")
def params(new_params):
    return new_params()


def gate(params, before, steer, line, throttle, brake, dt_s, mode=Mode.DRIVING, speed=0.0):
    """COMMAND after the command ``before``, (steer, throttle, brake) as shares of the limits."""
    p, state, command = params[0], record(STATE), record(COMMAND)
    s = state[0]
    s.steer_rad = (2 * before[0] - 1) * p.limits_steer_rad
    s.throttle, s.brake_bar = before[1], before[2] * p.limits_brake_bar
    s.mode, s.gear, s.cause, s.speed_mps = mode, 3, Cause.NONE, speed
    last = state.copy()
    with np.errstate(all="ignore"):
        limits.update(
            params, state, command, *(np.float64(v) for v in (steer, line, throttle, brake)), dt_s
        )
    return command[0], last[0], state[0]


@given(
    before=st.tuples(shares, shares, shares), steer=anything, line=anything, throttle=anything,
    brake=anything, dt_s=step_s,
)  # fmt: skip
@example((0.5, 0.0, 0.0), math.nan, math.nan, math.nan, math.nan, 0.005)
@example((0.5, 1.0, 0.0), 1e308, -1e308, 1e308, 1e308, 0.005)
@example((0.5, 1.0, 0.0), 0.0, 0.0, math.inf, -math.inf, 0.005)
def test_a_command_is_finite_within_range_and_within_slew(
    params, before, steer, line, throttle, brake, dt_s
):
    p = params[0]
    c, last, s = gate(params, before, steer, line, throttle, brake, dt_s)
    assert all(math.isfinite(c[name]) for name in COMMAND.names)
    assert abs(c.steer_rad) <= p.limits_steer_rad
    assert 0.0 <= c.throttle <= 1.0
    assert 0.0 <= c.brake_bar <= p.limits_brake_bar
    assert abs(c.steer_rad - last.steer_rad) <= p.limits_steer_rate_radps * dt_s + EPS
    assert c.throttle - last.throttle <= p.limits_throttle_rate_1ps * dt_s + EPS
    assert c.brake_bar - last.brake_bar <= p.limits_brake_rate_barps * dt_s + EPS
    assert c.throttle == 0.0 or c.brake_bar == 0.0
    # The next step's slew starts from what was commanded.
    assert (s.steer_rad, s.throttle, s.brake_bar) == (c.steer_rad, c.throttle, c.brake_bar)


@given(before=st.tuples(shares, shares, shares), throttle=anything, brake=anything, dt_s=step_s)
def test_whoever_asks_for_the_brake_gets_no_throttle(params, before, throttle, brake, dt_s):
    c, *_ = gate(params, before, 0.0, 0.0, throttle, brake, dt_s)
    if not brake <= 0.0:
        assert c.throttle == 0.0


@given(before=st.tuples(shares, shares, shares), dt_s=step_s, share=shares)
def test_letting_go_never_waits(params, before, dt_s, share):
    c, last, _ = gate(params, before, 0.0, 0.0, 0.0, 0.0, dt_s)
    assert (c.throttle, c.brake_bar) == (0.0, 0.0)
    less = share * last.brake_bar
    assert gate(params, before, 0.0, 0.0, 0.0, less, dt_s)[0].brake_bar == less
    less = share * last.throttle
    assert gate(params, before, 0.0, 0.0, less, 0.0, dt_s)[0].throttle == less


@given(
    before=st.tuples(shares, shares, shares), steer=shares, throttle=shares, brake=shares
)  # fmt: skip
def test_a_command_that_breaks_no_limit_passes_unchanged(params, before, steer, throttle, brake):
    p, dt_s = params[0], 0.01
    rate = p.limits_steer_rate_radps * dt_s
    wanted = (2 * before[0] - 1) * p.limits_steer_rad + 0.99 * (2 * steer - 1) * rate
    if abs(wanted) <= p.limits_steer_rad:
        assert gate(params, before, wanted, 0.0, 0.0, 0.0, dt_s)[0].steer_rad == wanted
    pedal = min(1.0, before[1] + throttle * 0.99 * p.limits_throttle_rate_1ps * dt_s)
    assert gate(params, before, 0.0, 0.0, pedal, 0.0, dt_s)[0].throttle == pedal
    bar = before[2] * p.limits_brake_bar + 0.99 * brake * p.limits_brake_rate_barps * dt_s
    if bar <= p.limits_brake_bar:
        assert gate(params, before, 0.0, 0.0, 0.0, bar, dt_s)[0].brake_bar == bar


@given(before=shares, target=st.floats(-1, 1))
def test_any_angle_is_reached_in_the_time_that_the_rate_allows(params, before, target):
    p, dt_s = params[0], 0.02
    wanted = target * p.limits_steer_rad
    angle, away = None, abs((2 * before - 1) * p.limits_steer_rad - wanted)
    for _ in range(math.ceil(away / (p.limits_steer_rate_radps * dt_s)) + 1):
        c, *_ = gate(params, (before, 0.0, 0.0), wanted, 0.0, 0.0, 0.0, dt_s)
        angle, before = c.steer_rad, 0.5 * (c.steer_rad / p.limits_steer_rad + 1)
    assert angle == pytest.approx(wanted, abs=1e-12)


@given(steer=shares, line=st.floats(-0.4, 0.4), no_number=st.sampled_from([math.nan, math.inf]))
def test_steering_that_is_no_number_goes_along_the_line(params, steer, line, no_number):
    before = (steer, 0.0, 0.0)
    instead, *_ = gate(params, before, no_number, line, 0.0, 0.0, 0.01)
    asked, *_ = gate(params, before, line, 0.0, 0.0, 0.0, 0.01)
    assert instead.steer_rad == asked.steer_rad


@pytest.mark.parametrize("throttle", [0.3, math.nan, math.inf])
@pytest.mark.parametrize("brake", [math.nan, math.inf, -math.inf])
def test_pedals_that_are_no_number_close_the_throttle_and_press_the_brake(params, throttle, brake):
    c, *_ = gate(params, (0.5, 1.0, 1.0), 0.0, 0.0, throttle, brake, 0.01)
    assert (c.throttle, c.brake_bar) == (0.0, params[0].supervisor_hold_bar)


@pytest.mark.parametrize("mode", list(Mode))
def test_only_a_car_that_is_off_leaves_wheel_and_throttle_and_none_leaves_the_brake(params, mode):
    c, _, s = gate(params, (0.5, 0.0, 0.0), 0.0, 0.0, 0.0, 10.0, 0.01, mode)
    assert (c.steer_enable, c.throttle_enable) == ((0, 0) if mode == Mode.OFF else (1, 1))
    assert c.brake_enable == 1.0
    assert (c.mode, c.cause, c.gear) == (mode, Cause.NONE, s.gear)
    assert c.estop == (1 if mode == Mode.EMERGENCY_STOP else 0)


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("speed", [0.0, 0.1, 0.3, 60.0])
def test_a_mission_is_finished_only_by_a_car_that_was_stopped_and_stands(params, mode, speed):
    c, *_ = gate(params, (0.5, 0.0, 0.0), 0.0, 0.0, 0.0, 10.0, 0.01, mode, speed)
    stopping = mode in (Mode.CONTROLLED_STOP, Mode.EMERGENCY_STOP)
    moving = Mission.FINISHED if stopping and speed < 0.2 else Mission.RUNNING
    waiting = {Mode.OFF: Mission.NONE, Mode.READY: Mission.SELECTED}
    assert c.mission == waiting.get(mode, moving)
