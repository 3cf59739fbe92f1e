"""The bench of the loop measures a host that drives, and one that is asked and answers."""

from __future__ import annotations

import os

import numpy as np
import pytest

from tianyuan import names
from tianyuan.control.records import Controller
from tianyuan.firmware.host import make_host
from tianyuan.hil.benches import contest, cyclictest, disturbed, loop, moving
from tianyuan.hil.benches.traffic_node import STEP_NS, tables_of

PERIOD_NS = 10_000_000
SECONDS = 3.0
SHARES = {"p50", "p99", "p999", "p9999", "max"}


@pytest.fixture(scope="module")
def setup(oval):
    usable = sorted(os.sched_getaffinity(0))
    return loop.Setup(
        names.car_file("tianyuan"), oval, PERIOD_NS, SECONDS, usable[-1], usable[0], 0
    )  # fmt: skip


@pytest.fixture(scope="module")
def tables(car, oval):
    return tables_of(car, oval)


def carried(tables, seconds, drives=True):
    """The car and its SENSORS after some seconds with a host."""
    car = moving.at_start(drives, float(tables.driver.path_spacing_m[0]))
    sensors = moving.healthy_sensors()
    car.heard_ns[0] = STEP_NS
    for step in range(1, int(seconds * 1000) + 1):
        moving.update(tables.driver, tables.path, car, sensors, step * STEP_NS, 1e-3)
    return car, sensors


def test_the_car_stands_ready_and_is_given_the_word_only_then(tables):
    _, before = carried(tables, 0.5)
    car, after = carried(tables, 1.1)
    assert (before.race_go[0], after.race_go[0]) == (0.0, 1.0)
    assert car.speed_mps[0] == 0.0
    assert before.estop[0] == before.steer_fault[0] == 0.0


def test_a_car_that_only_stands_never_sees_go_released(tables):
    _, sensors = carried(tables, 0.1, drives=False)
    assert sensors.race_go[0] == 1.0


@pytest.mark.compiled
def test_the_car_follows_its_line_at_the_profiles_speed(tables):
    car, sensors = carried(tables, 20.0)
    place = int(car.station_m[0] / tables.driver.path_spacing_m[0]) % tables.path.size
    point = tables.path[place]
    assert car.speed_mps[0] == pytest.approx(point.speed_mps, abs=1.0)
    delay_m = car.speed_mps[0] * tables.driver.estimator_gnss_delay_s[0]
    away_m = np.hypot(sensors.gnss_x_m[0] - point.x_m, sensors.gnss_y_m[0] - point.y_m)
    assert away_m < delay_m + 2.0
    assert (sensors.wheel_rl_mps + sensors.wheel_rr_mps)[0] / 2 == pytest.approx(car.speed_mps[0])


def test_no_angle_comes_twice_before_the_wheel_was_at_both_ends(tables):
    car, sensors = moving.at_start(False, 1.0), moving.healthy_sensors()
    ramp = moving.Ramp(1e-3, 40)
    seen = []
    for _ in range(100):
        moving.turn_wheel(car, ramp, sensors)
        seen.append(round(float(sensors.steer_rad[0]) * 1e3))
    assert (max(seen), min(seen)) == (39, -40)
    last = {}
    for place, angle in enumerate(seen):
        assert place - last.get(angle, -1000) >= 70
        last[angle] = place
    assert np.abs(np.diff(seen)).max() <= 2


def test_the_wheel_turns_within_the_hosts_slew(car, oval, tables):
    host = make_host(car, oval, Controller.STANLEY, 1_000_000)
    slew_rad = float(host.tables.driver.limits_steer_rate_radps[0]) * 1e-3
    assert 2 * tables.ramp.grain_rad < slew_rad


def is_ordered(figures):
    assert set(figures) == SHARES
    assert 0 < figures["p50"] <= figures["p99"] <= figures["p999"] <= figures["p9999"]


@pytest.mark.compiled
@pytest.mark.timed
def test_a_bench_has_the_keys_it_promises_and_a_host_that_answers(setup):
    told = []
    found, steps = contest.measure(setup, 1, False, told.append)

    for key in ("wake_us", "tick_us", "cycle_us", "response_us"):
        is_ordered(found[key])
    assert {"overruns", "allocations", "privileges"} <= set(found)
    assert found["ended_in"] == ["DRIVING"] or found["overruns"] > 0
    assert found["ticks"] + found["overruns"] == pytest.approx(SECONDS * 100, abs=60)
    # A sensor frame every 4 ms and a command every 10: the newest of two or three is answered.
    answered = found["asked"] - found["unanswered"]
    assert answered == pytest.approx(SECONDS * 100, abs=100)
    assert found["response_bound_us"] == 10_100.0
    assert told == sorted(told) and told[-1] <= contest.seconds_of(setup, 1, False)
    assert {step.name for step in steps} == set(found["privileges"])


@pytest.mark.compiled
@pytest.mark.timed
def test_cyclictest_takes_turns_with_the_loop(setup):
    try:
        cyclictest.run(setup.cpu, loop.PRIORITY, PERIOD_NS, 0.1)
    except ValueError as error:
        pytest.skip(str(error))

    found, _ = contest.measure(setup._replace(seconds=1.0), 1, True, lambda done: None)

    is_ordered(found["cyclictest_us"])
    for share in ("p50", "p99", "p999"):
        theirs = found["cyclictest_us"][share]
        assert found["ratio"][share] == pytest.approx(found["wake_us"][share] / theirs)
    assert found["ratio_median"] == found["ratio"]  # of one turn
    assert found["turns"][0]["cyclictest_us"] == found["cyclictest_us"]


@pytest.mark.compiled
@pytest.mark.timed
def test_calm_and_disturbed_turns_are_told_apart(setup):
    found, _ = disturbed.measure(setup, 1, lambda done: None)

    assert found["calm"]["lost_by_recorder"] == 0
    assert found["turns"][0]["disturbed"]["never_read"] == 2
    for side in ("calm", "disturbed"):
        is_ordered(found[side]["wake_us"])
        assert found["turns"][0][side]["overruns"] == found[side]["overruns"]
    assert found["wake_us"] == found["calm"]["wake_us"]
