"""Standstill, the limits of sense, and how kernels behave when looked at closely."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest


@pytest.mark.parametrize(("slope", "bank"), [(-0.08, 0.1), (0.0, 0.0), (0.08, -0.2)])
def test_a_car_stopped_by_its_brakes_stands_still_for_a_minute(car, slope, bank):
    c = car(12.0, 2)
    c.road.slope_rad, c.road.bank_rad = slope, bank
    c.drive(5.0, brake_bar=25.0, steer_rad=0.1, gear=0)
    place = np.array([c.x_m, c.y_m, c.heading_rad])
    trace = c.trace(0.1)
    c.drive(60.0)
    assert np.abs(np.array([c.x_m, c.y_m, c.heading_rad]) - place).max() < 1e-4
    assert np.abs(trace["vx_mps"]).max() < 1e-3
    assert c.speed_mps < 1e-9
    assert not c.wheel_radps.any()
    assert c.ax_mps2 == pytest.approx(9.81 * np.sin(slope), abs=1e-6)
    assert c.ay_mps2 == pytest.approx(9.81 * np.sin(bank) * np.cos(slope), abs=1e-6)


def test_a_car_without_brakes_rolls_off_a_slope_but_not_off_the_level(car):
    level, hill = car(), car()
    hill.road.slope_rad = 0.05
    assert level.drive(20.0).x_m == 0.0
    assert hill.drive(5.0).vx_mps < -1.0


def test_a_level_road_lets_a_coasting_car_stop_for_good(car):
    c = car(1.0, 0).drive(20.0)
    assert c.speed_mps < 1e-9
    place = c.x_m
    assert c.drive(20.0).x_m == pytest.approx(place, abs=1e-9)


def test_the_engine_never_stalls(car):
    c = car(20.0, 4)
    trace = c.trace(3.0, brake_bar=90.0)
    assert c.speed_mps < 0.1
    assert trace["engine_radps"].min() > 0.9 * c.plant.engine_idle_radps[0]
    assert c.drive(3.0, brake_bar=0.0, gear=1, throttle=0.3).vx_mps > 2.0


def test_a_million_steps_of_random_commands_stay_finite_and_on_earth(car):
    c = car()
    rng = np.random.default_rng(1)
    for _ in range(20000):
        c.road.slope_rad, c.road.bank_rad = rng.uniform(-0.1, 0.1), rng.uniform(-0.3, 0.3)
        c.road.friction[:] = rng.uniform(0.05, 1.2, 4)
        c.road.wind_x_mps, c.road.hollow_1pm = rng.uniform(-30, 30), rng.uniform(-0.01, 0.01)
        steer, gear = rng.uniform(-0.6, 0.6), float(rng.integers(-1, 10))
        braking = rng.uniform(0, 120) if rng.random() < 0.4 else 0.0
        c.drive(0.05, steer_rad=steer, throttle=rng.random(), brake_bar=braking, gear=gear)
        values = c.state.view(np.uint8).tobytes()
        assert np.isfinite(np.frombuffer(values, "f8")).all()
        assert c.speed_mps < 90
        assert abs(c.yaw_rate_radps) < 15
        assert 0 <= c.engine_radps < 1.2 * c.plant.engine_limit_radps[0]


SAMPLE = """
import numpy as np
from tianyuan.control.records import COMMAND, GROUPS, SENSORS, record
from tianyuan.hil.actuators.emergency import circuit
from tianyuan.hil.actuators.motors import act
from tianyuan.hil.actuators.state import ACTUATOR_FAULTS, ACTUATOR_STATE
from tianyuan.hil.plant.controls import CONTROLS
from tianyuan.hil.plant.road import flat
from tianyuan.hil.plant import parameters
from tianyuan.hil.plant.state import rolling
from tianyuan.hil.plant.vehicle import step
from tianyuan.hil.sensors.history import history, remember
from tianyuan.hil.sensors.measure import measure
from tianyuan.hil.sensors.receiver import receive, sky
from tianyuan.hil.sensors.sensing import sensing, wander

vehicle = parameters.load("tianyuan")
plant, known, command = vehicle.plant(), vehicle.sensor_params(), record(COMMAND)
state, past, errors, out = rolling(plant, 25.0, 3), history(), sensing(), record(SENSORS)
actuators, controls, seed = record(ACTUATOR_STATE), record(CONTROLS), 2**40 + 7
healthy, open_, road = record(ACTUATOR_FAULTS), circuit(False), flat(0.9)
road.slope_rad, road.bank_rad, road.wind_y_mps = 0.02, -0.03, 5.0

def run(steps, t_ns=10**15):
    for k in range(steps):
        command.steer_rad, command.throttle = 0.2 * np.sin(0.01 * k), 0.7
        command.brake_bar, command.gear = 40.0 * (k % 300 > 200), 2 + k % 500 // 250
        act(plant, actuators, healthy, open_, state[0].align_nm, command, controls, 1e-3)
        step(plant, state, controls, road, 1e-3)
        now_ns = t_ns + k * 10**6
        wander(known, errors, seed, now_ns)
        receive(known, errors, sky(), 0.0, 1, 0.0, now_ns)
        remember(past, state, actuators, errors, now_ns)
        for group in range(len(GROUPS)):
            measure(known, plant, past, errors, seed, group, out, now_ns)

run(2)
run(500)
print(" ".join(f"{float(v):.10e}" for record in (state, actuators, out) for n in record.dtype.names
               for v in record[n].ravel()[:1]))
"""


def sample(**environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SAMPLE],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()


def numbers(text: str) -> np.ndarray:
    return np.array(text.split(), float)


def test_kernels_are_the_same_without_the_compiler():
    plain, compiled = sample(NUMBA_DISABLE_JIT="1"), sample()
    np.testing.assert_allclose(numbers(plain), numbers(compiled), rtol=1e-8, atol=1e-8)


def test_kernels_stay_inside_their_arrays():
    checked = sample(NUMBA_BOUNDSCHECK="1")
    np.testing.assert_allclose(numbers(checked), numbers(sample()), rtol=1e-8, atol=1e-8)
