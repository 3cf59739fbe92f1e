from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianyuan.control import engine, gearbox, grip, slip, speed
from tianyuan.control.records import SENSORS, STATE, Controller, Flag, Mode, record

STEP_S = 0.01
G = 9.80665


@pytest.fixture(scope="module")
def plain(new_params, oval):
    """A line of one speed everywhere, and the car on it."""

    def make(speed_mps=30.0, accel_mps2=0.0, slope_rad=0.0, controller=0, **changes):
        line = oval(3000.0)
        line.speed_mps, line.accel_mps2, line.slope_rad = speed_mps, accel_mps2, slope_rad
        return new_params(line, controller, **changes), line

    return make


def moving(mps, mode=Mode.DRIVING, **more):
    state = record(STATE)
    s = state[0]
    s.speed_mps, s.mode, s.gear, s.station_m = mps, mode, 3, 100.0
    for name, value in more.items():
        state[0][name] = value
    return state


def point_mass(params, line, state, seconds, disturbance_n=0.0, flag=0.0):
    """STATE, throttle and brake of a car of a mass, its engine, its brakes and a headwind."""
    p, s, sensors = params[0], state[0], record(SENSORS)
    sensors[0].race_flag = flag
    kg = p.mass_kg * p.rotating_mass_factor
    for k in range(round(seconds / STEP_S)):
        throttle, brake_bar = speed.update(params, line, sensors, state, STEP_S)
        throttle, brake_bar = min(throttle, 1.0), min(brake_bar, p.limits_brake_bar)
        closed, opened = engine.force_range_n(params, s.gear, s.speed_mps)
        force = closed + throttle * (opened - closed) - brake_bar * p.brake_n_per_bar
        force -= speed.resistance_n(params, s.speed_mps, line[0].slope_rad, 0.0) + disturbance_n
        gearbox.update(params, state, 1_000_000_000 + round(k * STEP_S * 1e9))
        s.speed_mps = max(s.speed_mps + force / kg * STEP_S, 0.0)
        yield s.speed_mps, throttle, brake_bar


@given(
    mps=st.floats(0, 70), target=st.floats(0, 70), accel=st.floats(-10, 5),
    slope=st.floats(-0.1, 0.1), yaw=st.floats(-2, 2), integral=st.floats(-1.5, 1.5),
    braking=st.integers(0, 1), gear=st.integers(1, 8), mode=st.sampled_from(list(Mode)),
    flag=st.sampled_from([0.0, 2.0, 3.0]),
)  # fmt: skip
def test_throttle_and_brake_never_go_together_and_are_never_negative(
    plain, mps, target, accel, slope, yaw, integral, braking, gear, mode, flag
):
    params, line = plain(target, accel, slope)
    sensors, state = record(SENSORS), moving(mps, mode, gear=gear, braking=braking)
    state[0].yaw_rate_radps, state[0].integral_mps2 = yaw, integral
    sensors[0].race_flag = flag
    throttle, brake_bar = speed.update(params, line, sensors, state, STEP_S)
    assert 0.0 <= throttle <= 1.0
    assert brake_bar >= 0.0
    assert throttle == 0.0 or brake_bar == 0.0
    assert abs(state[0].integral_mps2) <= params[0].speed_integral_max_mps2


@given(value=st.sampled_from([math.nan, math.inf, -math.inf]), data=st.data())
@pytest.mark.parametrize("mode", [Mode.DRIVING, Mode.CONTROLLED_STOP, Mode.EMERGENCY_STOP])
def test_a_state_that_is_no_number_opens_no_throttle(plain, mode, value, data):
    params, line = plain()
    field = data.draw(st.sampled_from(["speed_mps", "yaw_rate_radps", "station_m"]))
    state = moving(20.0, mode)
    state[0][field] = value
    with np.errstate(all="ignore"):
        throttle, _ = speed.update(params, line, record(SENSORS), state, STEP_S)
    if field == "speed_mps" or mode != Mode.DRIVING:
        assert not throttle > 0.0


@pytest.mark.parametrize("accel", [-6.0, -2.0, 0.0, 1.5])
@pytest.mark.parametrize("slope", [-0.05, 0.0, 0.05])
@pytest.mark.parametrize("mps", [15.0, 30.0])
def test_on_the_profile_the_force_is_the_one_that_its_acceleration_takes(plain, mps, slope, accel):
    """F = m a + rolling + drag + m g sin(slope), as the textbooks have it."""
    params, line = plain(mps, accel, slope)
    p, state = params[0], moving(mps)
    # Its own braking held hard: the dead band is tested elsewhere.
    state[0].braking = int(accel < -1.0)
    throttle, brake_bar = speed.update(params, line, record(SENSORS), state, STEP_S)
    closed, opened = engine.force_range_n(params, 3, mps)
    got = closed + throttle * (opened - closed) - brake_bar * p.brake_n_per_bar
    wanted = p.mass_kg * p.rotating_mass_factor * accel + p.mass_kg * G * math.sin(slope)
    wanted += p.rolling_n + p.rolling_n_per_mps * mps + p.drag_n_per_mps2 * mps**2
    if wanted < opened and not closed - p.speed_deadband_n < wanted < closed:
        assert got == pytest.approx(wanted, rel=1e-9, abs=1e-6)


def test_cornering_costs_the_sine_of_the_front_slip(new_params):
    params = new_params()
    p = params[0]
    front_kg = p.mass_kg * (1 - p.front_axle_m / p.wheelbase_m)
    straight = speed.resistance_n(params, 30.0, 0.0, 0.0)
    for ay in (7.0, -7.0):
        drag = speed.resistance_n(params, 30.0, 0.0, ay) - straight
        front_rad = slip.front(params, 30.0, 7.0, 0.0)
        assert drag == pytest.approx(front_kg * 7.0 * math.sin(front_rad))


@pytest.mark.parametrize("yaw", [5.2, -5.2, 1e6, math.inf])
@pytest.mark.parametrize("mode", [Mode.DRIVING, Mode.CONTROLLED_STOP, Mode.EMERGENCY_STOP])
def test_a_gyroscope_at_its_stop_neither_drives_nor_lets_go_of_the_brake(plain, mode, yaw):
    """300 degrees a second at 60 m/s is no cornering of 314 m/s^2, whose drag is held against."""
    params, line = plain(50.0)
    state = moving(60.0, mode, yaw_rate_radps=yaw)
    throttle, brake_bar = speed.update(params, line, record(SENSORS), state, STEP_S)
    assert throttle == 0.0
    assert brake_bar > 1.0


@pytest.mark.compiled
@pytest.mark.parametrize("headwind_n", [-600.0, 0.0, 600.0])
@pytest.mark.parametrize("target", [20.0, 40.0])
def test_the_speed_settles_on_the_profile_against_what_the_model_does_not_know(
    plain, target, headwind_n
):
    params, line = plain(target)
    state = moving(target - 1.0)
    run = [v for v, *_ in point_mass(params, line, state, 40.0, headwind_n)]
    assert run[-1] == pytest.approx(target, abs=0.05)
    kg = params[0].mass_kg * params[0].rotating_mass_factor
    assert state[0].integral_mps2 == pytest.approx(headwind_n / kg, abs=0.12)


@pytest.mark.compiled
@pytest.mark.parametrize("headwind_n", [0.0, 400.0])
@pytest.mark.parametrize(("began", "target"), [(5.0, 50.0), (50.0, 15.0)])
def test_a_long_way_at_the_limit_winds_nothing_up(plain, headwind_n, began, target):
    params, line = plain(target)
    state = moving(began)
    run, integral = [], []
    for v, *_ in point_mass(params, line, state, 60.0, headwind_n):
        run.append(v)
        integral.append(state[0].integral_mps2)
    beyond = (np.array(run) - target) * np.sign(target - began)
    assert beyond.max() < 0.35
    assert np.abs(integral).max() <= params[0].speed_integral_max_mps2
    assert run[-1] == pytest.approx(target, abs=0.05)


def test_while_it_is_far_from_the_profile_the_integral_learns_nothing(plain):
    params, line = plain(60.0)
    state = moving(20.0, integral_mps2=0.2)
    for _ in range(100):
        speed.follow(params, line, record(SENSORS), state, STEP_S)
        assert state[0].integral_mps2 <= 0.2


@pytest.mark.parametrize(("error", "seconds"), [(0.3, 20.0), (-1.4, 5.0)])
def test_an_error_that_lasts_fills_the_integral_to_its_bound_and_no_further(plain, error, seconds):
    params, line = plain(20.0 + error)
    state = moving(20.0)
    for _ in range(round(seconds / STEP_S)):
        speed.follow(params, line, record(SENSORS), state, STEP_S)
    bound = math.copysign(params[0].speed_integral_max_mps2, error)
    assert state[0].integral_mps2 == bound


@pytest.mark.parametrize("mode", [Mode.CONTROLLED_STOP, Mode.EMERGENCY_STOP])
def test_a_car_that_stands_is_held(plain, mode):
    params, line = plain(60.0, slope_rad=0.1)
    state = moving(0.29, mode)
    held = speed.update(params, line, record(SENSORS), state, STEP_S)
    assert held == (0.0, params[0].supervisor_hold_bar)


@pytest.mark.parametrize(("flag", "cap"), [(Flag.GREEN, 66.0), (Flag.YELLOW, 16.0)])
@pytest.mark.parametrize("profile", [10.0, 30.0, 90.0])
@pytest.mark.parametrize("accel", [-4.0, 2.0])
def test_the_reference_is_never_above_the_cap_and_accelerates_to_nothing_beyond_it(
    plain, profile, accel, flag, cap
):
    params, line = plain(profile, accel)
    assert params[0].limits_speed_mps == 66.0
    assert params[0].limits_speed_yellow_mps == 16.0
    sensors = record(SENSORS)
    sensors[0].race_flag = flag
    target, wanted, _ = speed.reference(params, line, sensors, moving(20.0))
    assert target == min(profile, cap)
    assert wanted == (accel if profile <= cap else min(accel, 0.0))


def test_pure_pursuit_is_given_its_share_of_the_speed_and_the_square_of_the_acceleration(plain):
    params, line = plain(30.0, -2.0, controller=Controller.PURE_PURSUIT)
    share = params[0].pure_pursuit_speed_share
    target, accel, _ = speed.reference(params, line, record(SENSORS), moving(20.0))
    assert (target, accel) == pytest.approx((30.0 * share, -2.0 * share**2))


@pytest.mark.compiled
@pytest.mark.parametrize("flag", [Flag.GREEN, Flag.YELLOW])
def test_under_a_yellow_flag_the_car_slows_to_its_cap(plain, flag):
    params, line = plain(40.0)
    run = [v for v, *_ in point_mass(params, line, moving(40.0), 25.0, flag=float(flag))]
    assert run[-1] == pytest.approx(16.0 if flag == Flag.YELLOW else 40.0, abs=0.1)


def test_the_reference_is_where_the_car_will_be_after_the_preview(plain):
    params, line = plain()
    line.speed_mps = line.s_m
    state = moving(20.0)
    target, *_ = speed.reference(params, line, record(SENSORS), state)
    assert target == pytest.approx(min(100.0 + 20.0 * params[0].speed_preview_s, 66.0))
    params[0].limits_speed_mps = 1e4
    target, *_ = speed.reference(params, line, record(SENSORS), state)
    assert target == pytest.approx(100.0 + 20.0 * params[0].speed_preview_s)


@pytest.mark.compiled
@pytest.mark.parametrize("slope", [-0.1, 0.0, 0.1])
@pytest.mark.parametrize(
    ("mode", "decel"), [(Mode.CONTROLLED_STOP, 4.0), (Mode.EMERGENCY_STOP, 8.5)]
)
def test_a_stop_slows_by_its_deceleration_to_a_standstill_and_holds(plain, mode, decel, slope):
    params, line = plain(60.0, slope_rad=slope)
    state = moving(50.0, mode)
    run = np.array(list(point_mass(params, line, state, 50.0 / decel + 2.0)))
    rolling = run[:, 0] > speed.STANDSTILL_MPS
    slowing = -np.diff(run[rolling, 0]) / STEP_S
    assert slowing == pytest.approx(decel, abs=0.05)
    assert run[-1, 0] == 0.0
    assert np.all(run[:, 1] == 0.0)
    assert np.all(run[~rolling, 2][1:] == params[0].supervisor_hold_bar)


@pytest.mark.parametrize("mode", [Mode.CONTROLLED_STOP, Mode.EMERGENCY_STOP])
@given(mps=st.floats(0.0, 5.0))
def test_a_stop_never_lets_go_of_the_brake_however_slow_the_car(plain, mode, mps):
    params, line = plain(60.0)
    throttle, brake_bar = speed.update(params, line, record(SENSORS), moving(mps, mode), STEP_S)
    assert throttle == 0.0
    assert brake_bar > 5.0


@given(mps=st.floats(1, 66), ay=st.floats(-9, 9), decel=st.floats(0.5, 20))
def test_a_stop_asks_for_no_more_than_cornering_leaves(plain, mps, ay, decel):
    params, line = plain(90.0)
    p, state = params[0], moving(mps, Mode.CONTROLLED_STOP, yaw_rate_radps=ay / mps)
    _, brake_bar = speed.stop(params, line, record(SENSORS), state, decel)
    closed, _ = engine.force_range_n(params, 3, mps)
    held = speed.resistance_n(params, mps, 0.0, ay)
    slowing = (brake_bar * p.brake_n_per_bar - closed + held) / (p.mass_kg * p.rotating_mass_factor)
    most = speed.PEDAL_GRIP * grip.braking_mps2(params, mps, ay)
    if brake_bar > 0.0:
        assert slowing == pytest.approx(min(decel, most), rel=1e-6)


def test_a_controlled_stop_brakes_as_hard_as_the_profile_where_a_corner_comes_up(plain):
    params, line = plain(30.0, accel_mps2=-7.0)
    there, state = moving(30.0, Mode.CONTROLLED_STOP), moving(30.0, Mode.CONTROLLED_STOP)
    _, with_corner = speed.stop(params, line, record(SENSORS), there, 4.0)
    line.accel_mps2 = 0.0
    _, without = speed.stop(params, line, record(SENSORS), state, 4.0)
    kg = params[0].mass_kg * params[0].rotating_mass_factor
    more = (with_corner - without) * params[0].brake_n_per_bar / kg
    assert more == pytest.approx(3.0)


@given(force=st.floats(-3e4, 1e4), braking=st.integers(0, 1))
def test_between_the_pedals_lies_a_dead_band_with_a_memory(plain, force, braking):
    r"""::

    brake comes on        brake goes off
    -------|-----------------|---------->  force
       closed - deadband   closed
    """
    params, _ = plain()
    p, state = params[0], moving(20.0, braking=braking)
    closed, _ = engine.force_range_n(params, 3, 20.0)
    throttle, brake_bar = speed._pedals(params, state, force)
    if force > closed:
        assert state[0].braking == 0
        assert brake_bar == 0.0
    elif force < closed - p.speed_deadband_n:
        assert state[0].braking == 1
        assert brake_bar == pytest.approx((closed - force) / p.brake_n_per_bar)
    else:
        assert state[0].braking == braking
        assert throttle == 0.0
