"""The whole driver: whatever the sensors and the clock say, its commands keep their promises."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tianyuan.control.records import (
    CHANNEL_NAMES,
    COMMAND,
    GROUPS,
    SENSORS,
    STATE,
    Cause,
    Controller,
    Mode,
    Permit,
    record,
)
from tianyuan.control.step import LONGEST_STEP_S, step

NOW_NS = 100_000_000_000
TICK_NS = 5_000_000
NASTY = np.array(
    [math.nan, math.inf, -math.inf, 1e308, -1e308, 1e-308, -0.0, 0.0, 1.0, -1.0, 3.0, 1e9]
)
MIRRORED = (
    "gnss_y_m", "gnss_heading_rad", "imu_ay_mps2", "imu_yaw_rate_radps",
    "steer_rad", "steer_rate_radps", "steer_torque_nm",
)  # fmt: skip


def healthy_rows(line, ticks, seed=0, speed=20.0):
    """SENSORS of a car near the line, tick by tick; the noise makes every law work."""
    rng = np.random.default_rng(seed)
    rows = np.zeros(ticks, SENSORS).view(np.recarray)
    t_ns = NOW_NS + TICK_NS * np.arange(ticks)
    for group in GROUPS:
        rows[f"{group}_t_ns"] = t_ns
    station = speed * TICK_NS * 1e-9 * np.arange(ticks)
    at = (station / line.s_m[1]).astype(int) % line.size
    rows.gnss_x_m = line.x_m[at] + rng.normal(0, 0.3, ticks)
    rows.gnss_y_m = line.y_m[at] + rng.normal(0, 0.3, ticks)
    rows.gnss_heading_rad = line.heading_rad[at] + rng.normal(0, 0.02, ticks)
    rows.gnss_speed_mps = speed
    rows.imu_yaw_rate_radps = speed * line.curvature_1pm[at] + rng.normal(0, 0.01, ticks)
    rows.imu_ax_mps2 = rng.normal(0, 0.5, ticks)
    rows.steer_rad = rng.normal(0, 0.05, ticks)
    rows.gnss_quality = rows.gnss_heading_quality = 4.0
    rows.permit = Permit.GRANTED
    return rows, t_ns


def nasty_rows(line, ticks, seed):
    """Healthy SENSORS in which any value may be anything, and times that go anywhere."""
    rng = np.random.default_rng(seed)
    rows, t_ns = healthy_rows(line, ticks, seed, speed=rng.uniform(0, 60))
    share = 10.0 ** rng.uniform(-4, -0.3)
    for name in CHANNEL_NAMES:
        hit = rng.random(ticks) < share
        rows[name][hit] = rng.choice(NASTY, hit.sum())
    rows.race_go[rng.random(ticks) < 0.5] = 1.0
    jumps = rng.choice([-(10**10), -TICK_NS, 0, 10**8, 10**12], ticks)
    t_ns = t_ns + np.cumsum(np.where(rng.random(ticks) < 0.01, jumps, 0))
    for group in GROUPS:
        late = rng.choice([0, TICK_NS, 10**9, -(10**9)], ticks, p=[0.97, 0.01, 0.01, 0.01])
        rows[f"{group}_t_ns"] = t_ns - late
    return rows, t_ns


def started(mode=Mode.DRIVING, speed=20.0, y_m=0.0):
    state = record(STATE)
    s = state[0]
    s.initialised, s.mode, s.speed_mps, s.y_m, s.gear = 1, mode, speed, y_m, 3
    s.t_ns = s.position_seen_ns = s.velocity_seen_ns = NOW_NS - TICK_NS
    return state


def run(params, line, rows, times, state):
    command = record(COMMAND)
    commands = np.zeros(rows.size, COMMAND).view(np.recarray)
    with np.errstate(all="ignore"):
        for k, t_ns in enumerate(times):
            step(params, line, int(t_ns), rows[k : k + 1], state, command)
            commands[k] = command[0]
    return commands


def assert_within_limits(params, commands, times):
    p = params[0]
    for name in COMMAND.names:
        assert np.all(np.isfinite(commands[name])), name
    assert np.all(np.abs(commands.steer_rad) <= p.limits_steer_rad)
    assert np.all((commands.throttle >= 0) & (commands.throttle <= 1))
    assert np.all((commands.brake_bar >= 0) & (commands.brake_bar <= p.limits_brake_bar))
    assert np.all((commands.throttle == 0) | (commands.brake_bar == 0))
    assert np.all((commands.gear >= 1) & (commands.gear <= 8))
    dt_s = np.clip(np.diff(times) * 1e-9, 0, LONGEST_STEP_S)
    assert np.all(np.abs(np.diff(commands.steer_rad)) <= p.limits_steer_rate_radps * dt_s + 1e-9)
    assert np.all(np.diff(commands.throttle) <= p.limits_throttle_rate_1ps * dt_s + 1e-9)
    assert np.all(np.diff(commands.brake_bar) <= p.limits_brake_rate_barps * dt_s + 1e-9)


@pytest.fixture(scope="module")
def line(oval):
    return oval(200, 30, speed_mps=18.0)


@pytest.mark.compiled
@pytest.mark.parametrize("controller", list(Controller))
@settings(max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), mode=st.sampled_from(list(Mode)))
def test_no_sensor_and_no_clock_leads_to_a_command_beyond_the_limits(
    new_params, line, controller, seed, mode
):
    params = new_params(line, controller)
    rows, times = nasty_rows(line, 1000, seed)
    state = started(mode)
    commands = run(params, line, rows, times, state)
    assert_within_limits(params, commands, times)
    assert 0 <= state[0].index < line.size
    assert set(commands["mode"]) <= set(Mode)
    assert set(commands.cause) <= set(Cause)


@pytest.mark.compiled
@pytest.mark.parametrize("controller", list(Controller))
def test_no_sensor_and_no_clock_leads_to_a_command_beyond_the_limits_on_a_long_drive(
    new_params, line, controller
):
    params = new_params(line, controller)
    rows, times = nasty_rows(line, 20_000, 1)
    assert_within_limits(params, run(params, line, rows, times, record(STATE)), times)


@pytest.mark.parametrize("controller", list(Controller))
@pytest.mark.parametrize("ticks", [100, pytest.param(3000, marks=pytest.mark.compiled)])
def test_the_same_inputs_give_the_same_bits(new_params, line, controller, ticks):
    params = new_params(line, controller)
    rows, times = nasty_rows(line, ticks, 3)
    first, second = started(), started()
    assert (
        run(params, line, rows, times, first).tobytes()
        == run(params, line, rows, times, second).tobytes()
    )
    assert first.tobytes() == second.tobytes()


@pytest.mark.parametrize("controller", list(Controller))
@pytest.mark.parametrize("ticks", [100, pytest.param(2000, marks=pytest.mark.compiled)])
def test_a_mirrored_world_is_driven_with_mirrored_steering_and_the_same_pedals(
    new_params, line, mirrored, controller, ticks
):
    params = new_params(line, controller)
    rows, times = healthy_rows(line, ticks, 5)
    here = run(params, line, rows, times, started(y_m=0.4))
    for name in MIRRORED:
        rows[name] *= -1.0
    there = run(params, mirrored(line), rows, times, started(y_m=-0.4))
    assert np.ptp(here.steer_rad) > 0.01
    assert there.steer_rad == pytest.approx(-here.steer_rad, abs=1e-9)
    assert there.throttle == pytest.approx(here.throttle, abs=1e-9)
    assert there.brake_bar == pytest.approx(here.brake_bar, abs=1e-6)
    assert np.all(there.mode == here.mode)


@pytest.mark.compiled
def test_nothing_in_a_step_can_allocate():
    """Without numba's runtime the compiler refuses a kernel that would."""
    assert step.targetoptions["_nrt"] is False


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("channel", ["imu_yaw_rate_radps", "gnss_x_m", "gnss_speed_mps"])
def test_a_value_that_is_none_ends_in_an_emergency_stop_along_the_line(
    new_params, line, channel, value
):
    """It brakes at once, finds its pose again, and may be disarmed once it stands."""
    params = new_params(line)
    rows, times = healthy_rows(line, 60, 2)
    rows.race_go = 1.0
    rows[channel][20] = value
    state = started()
    commands = run(params, line, rows, times, state)
    s = state[0]
    assert np.all(commands["mode"][:20] == Mode.DRIVING)
    assert np.all(commands["mode"][20:] == Mode.EMERGENCY_STOP)
    assert np.all(commands.cause[20:] == Cause.NOT_FINITE)
    assert np.all(commands.brake_bar[20:] > 0.0)
    # Back on its feet: the emergency's deceleration, within its grip, and the line.
    decel = params[0].supervisor_emergency_decel_mps2
    bar = decel * params[0].mass_kg * params[0].rotating_mass_factor / params[0].brake_n_per_bar
    assert commands.brake_bar[-1] == pytest.approx(bar, rel=0.15)
    assert math.isfinite(s.x_m + s.y_m + s.heading_rad + s.speed_mps + s.integral_mps2)
    assert abs(s.cross_track_m) < 1.0
    still, later = healthy_rows(line, 80, 2, speed=0.0)
    still.imu_ax_mps2 = still.imu_yaw_rate_radps = 0.0
    later = later + 60 * TICK_NS
    for group in GROUPS:
        still[f"{group}_t_ns"] = later
    run(params, line, still, later, state)
    assert s.mode in (Mode.OFF, Mode.READY)


@pytest.mark.parametrize("mode", [Mode.OFF, Mode.READY])
def test_an_unarmed_car_holds_its_brake_and_leaves_the_wheel_where_it_is(new_params, line, mode):
    params = new_params(line)
    rows, times = healthy_rows(line, 120, 4, speed=0.0)
    rows.steer_rad = 0.2
    rows.imu_ax_mps2 = rows.imu_yaw_rate_radps = 0.0
    commands = run(params, line, rows, times, started(mode, 0.0))
    assert commands.brake_bar[-1] == params[0].supervisor_hold_bar
    assert np.all(commands.throttle == 0.0)
    assert commands.steer_rad[-1] == pytest.approx(0.2)
    assert commands["mode"][-1] == Mode.READY


def test_a_start_from_nothing_to_driving(new_params, line):
    """OFF without sensors, READY with them, DRIVING by a go after the dwell."""
    params = new_params(line, supervisor_ready_dwell_s=0.05)
    state = record(STATE)
    silent = np.zeros(3, SENSORS).view(np.recarray)
    modes = list(run(params, line, silent, NOW_NS - TICK_NS * np.arange(4, 1, -1), state)["mode"])
    rows, times = healthy_rows(line, 60, 4, speed=0.0)
    rows.imu_ax_mps2 = rows.imu_yaw_rate_radps = 0.0
    rows.race_go[30:] = 1.0
    commands = run(params, line, rows, times, state)
    modes += list(commands["mode"])
    assert sorted(modes) == modes
    assert modes[:3] == [Mode.OFF] * 3
    assert modes[3 + 29] == Mode.READY
    assert modes[3 + 30] == Mode.DRIVING
    assert np.all(commands.throttle[:30] == 0.0)
    assert commands.throttle[-1] > 0.0


def test_the_first_step_has_no_length_so_it_moves_nothing(new_params, line):
    rows, times = healthy_rows(line, 2, 4, speed=0.0)
    rows.steer_rad = 0.2
    commands = run(new_params(line), line, rows, times, record(STATE))
    assert (commands[0].steer_rad, commands[0].brake_bar) == (0.0, 0.0)
    assert commands[1].steer_rad > 0.0
    assert commands[1].brake_bar > 0.0


def test_after_a_stall_no_command_jumps_for_the_time_that_was_lost(new_params, line):
    params = new_params(line)
    rows, times = healthy_rows(line, 60, 6)
    late = times + np.where(np.arange(60) >= 30, 50_000_000, 0)
    for group in GROUPS:
        rows[f"{group}_t_ns"] = late
    commands = run(params, line, rows, late, started())
    assert np.all(commands["mode"] == Mode.DRIVING)
    assert_within_limits(params, commands, late)
