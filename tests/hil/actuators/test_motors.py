"""Healthy motors against the closed form of delay, lag, rate and second order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from tianyuan.control.records import COMMAND, record
from tianyuan.hil.actuators import emergency
from tianyuan.hil.actuators.motors import act
from tianyuan.hil.actuators.state import ACTUATOR_FAULTS, ACTUATOR_STATE
from tianyuan.hil.plant import parameters
from tianyuan.hil.plant.controls import CONTROLS


def delay_steps(values: np.ndarray) -> int:
    return int(np.argmax(values != 0.0))


@pytest.mark.parametrize(
    ("channel", "command", "part"),
    [("throttle", "throttle", "throttle"), ("brake_front_bar", "brake_bar", "brake_actuator")],
)
def test_a_small_step_waits_its_delay_and_then_follows_first_order(motors, channel, command, part):
    c = motors()
    table = getattr(c.vehicle, part)
    trace = c.trace(0.5, **{command: 0.1})[channel]
    assert delay_steps(trace) == round(table.delay_s / c.dt_s)
    t = np.arange(1, len(trace) + 1) * c.dt_s - table.delay_s
    expected = 0.1 * (1 - np.exp(-np.maximum(t, 0) / table.lag_s))
    np.testing.assert_allclose(trace, expected, atol=0.004)


@pytest.mark.parametrize("delay_s", [0.0, 0.001, 0.033, 0.06])
@pytest.mark.parametrize(
    ("channel", "command", "part"),
    [("throttle", "throttle", "throttle"), ("brake_front_bar", "brake_bar", "brake_actuator"),
     ("steer_rad", "steer_rad", "steering")],
)  # fmt: skip
def test_the_delay_is_the_one_in_the_file(tight, channel, command, part, delay_s):
    trace = tight(**{part: {"delay_s": delay_s}}).trace(0.1, **{command: 0.5})
    assert delay_steps(trace[channel]) == round(delay_s * 1000)


def test_large_steps_are_held_to_the_rate_and_the_range(motors):
    c = motors()
    trace = c.trace(0.6, brake_bar=1e6, throttle=9.0)
    rise = np.diff(trace["brake_front_bar"]) / c.dt_s
    assert rise.max() == pytest.approx(c.vehicle.brake_actuator.max_barps)
    assert trace["brake_front_bar"].max() <= c.vehicle.brakes.max_bar
    assert trace["brake_front_bar"][-1] == pytest.approx(c.vehicle.brakes.max_bar, rel=1e-3)
    share = c.vehicle.brakes.rear_pressure_share
    np.testing.assert_allclose(trace["brake_rear_bar"], share * trace["brake_front_bar"])
    assert np.diff(trace["throttle"]).max() / c.dt_s == pytest.approx(10.0)
    assert trace["throttle"][-1] == pytest.approx(1.0, rel=1e-3)
    assert trace["throttle"].max() <= 1.0


def test_a_small_step_of_steering_is_second_order(tight):
    c = tight()
    table = c.vehicle.steering
    angle = c.trace(0.4, steer_rad=0.01)["steer_rad"]
    w, z = table.bandwidth_radps, table.damping
    t = np.arange(1, len(angle) + 1) * c.dt_s - table.delay_s
    grid = np.linspace(0, 0.4, 4001)
    _, answer = signal.step(([w * w], [1, 2 * z * w, w * w]), T=grid)
    np.testing.assert_allclose(angle, 0.01 * np.interp(t, grid, answer, left=0), atol=3e-4)
    assert delay_steps(angle) == round(table.delay_s / c.dt_s)


def test_a_motor_within_its_torque_follows_the_same_with_load_and_friction(tight, motors):
    """Its controller knows both: only beyond the top torque does it fall behind."""
    ideal, loaded = tight(), motors(steering={"backlash_rad": 0.0})
    loaded.align_nm = -100.0
    wave = 0.01 * np.sin(np.arange(400) * 0.01)
    for angle in wave:
        ideal.trace(1e-3, steer_rad=angle)
        loaded.trace(1e-3, steer_rad=angle)
        assert loaded.state.steer_rad[0] == pytest.approx(ideal.state.steer_rad[0], abs=1e-9)
        assert abs(loaded.state.steer_nm[0]) < loaded.vehicle.steering.max_nm


def test_a_large_step_of_steering_turns_at_the_motors_speed_and_does_not_overrun(motors):
    c = motors()
    trace = c.trace(1.2, steer_rad=0.5)
    assert trace["motor_radps"].max() == pytest.approx(c.vehicle.steering.max_radps)
    assert trace["motor_rad"].max() < 0.5 * 1.02
    assert trace["motor_rad"][-1] == pytest.approx(0.5, rel=1e-3)


def test_the_steering_ends_at_its_stops(motors):
    c = motors()
    for sign in (1, -1):
        trace = c.trace(2.0, steer_rad=sign * 5.0)
        assert trace["motor_rad"][-1] == pytest.approx(sign * c.vehicle.steering.max_rad)
        assert np.abs(trace["motor_rad"]).max() <= c.vehicle.steering.max_rad


@given(
    st.lists(
        st.tuples(st.floats(-2, 2), st.floats(-1, 2), st.floats(-50, 300), st.floats(-900, 900)),
        min_size=1, max_size=8,
    )
)  # fmt: skip
@settings(max_examples=20)
def test_no_command_and_no_load_drives_a_motor_beyond_its_limits(orders):
    vehicle = parameters.load("tianyuan")
    plant, s, controls = vehicle.plant(), record(ACTUATOR_STATE), record(CONTROLS)
    command, faults = record(COMMAND), record(ACTUATOR_FAULTS)
    steering, share = vehicle.steering, 1 + 1e-9
    for steer_rad, throttle, brake_bar, align_nm in orders:
        command.steer_rad, command.throttle, command.brake_bar = steer_rad, throttle, brake_bar
        for _ in range(60):
            before = s.copy()
            act(plant, s, faults, emergency.circuit(False), align_nm, command, controls, 1e-3)
            assert abs(s.motor_radps[0]) <= steering.max_radps * share
            assert abs(s.steer_nm[0]) <= steering.max_nm
            assert abs(s.motor_rad[0]) <= steering.max_rad
            assert abs(s.steer_rad[0] - s.motor_rad[0]) <= 0.5 * steering.backlash_rad * share
            moved = abs(s.throttle[0] - before.throttle[0])
            assert moved <= vehicle.throttle.max_1ps * 1e-3 * share
            moved = abs(s.service_bar[0] - before.service_bar[0])
            assert moved <= vehicle.brake_actuator.max_barps * 1e-3 * share
            assert 0 <= s.throttle[0] <= 1
            assert 0 <= s.brake_front_bar[0] <= vehicle.brakes.max_bar


def test_the_controls_are_what_the_motors_have_done(motors):
    c = motors()
    c.trace(0.1, steer_rad=0.1, throttle=0.5, brake_bar=20.0, gear=3)
    for name in ("steer_rad", "steer_rate_radps", "throttle", "brake_front_bar", "brake_rear_bar"):
        assert c.controls[name] == c.state[name] != 0
    assert c.controls.gear == 3


def test_what_is_no_number_leaves_the_command_before_it_in_force(motors):
    c, clean = motors(), motors()
    for one in (c, clean):
        one.trace(0.1, steer_rad=0.02, throttle=0.3, brake_bar=5.0)
    nan = float("nan")
    c.trace(0.1, steer_rad=nan, throttle=nan, brake_bar=nan)
    clean.trace(0.1)
    assert c.state.tobytes() == clean.state.tobytes()
