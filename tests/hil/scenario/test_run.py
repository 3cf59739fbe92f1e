"""Scenarios that are driven: what the judge finds of a car that really goes wrong, or does not."""

from __future__ import annotations

import pytest

from tianyuan.hil.scenario import batch, read
from tianyuan.hil.scenario.batch import Task
from tianyuan.hil.scenario.read import scenario_of
from tianyuan.hil.scenario.runner import run
from tianyuan.hil.scenario.twin import longest

pytestmark = pytest.mark.compiled  # minutes of driving

AT_SPEED = {"station_m": 450.0, "lap": 1}


def driven(fault: str | None, seconds: float = 34.0, **more):
    faults = [{"fault": fault, "at": AT_SPEED}] if fault else []
    return scenario_of({"name": f"{fault}", "seconds": seconds, "faults": faults} | more, "test")


@pytest.fixture(scope="module")
def results():
    shipped = ("host_killed", "host_stall", "position_jump", "dbc_malformed", "car_off_line")
    scenarios = [read.load(file) for file in read.files(shipped)]
    outcomes = batch.run_all([Task(each, each.seed, each.name) for each in scenarios])
    return {outcome.result.name: outcome.result for outcome in outcomes}


def test_a_killed_hosts_car_is_stopped_by_the_guard(results):
    result = results["host_killed"]
    assert result.passed, result.failures
    assert result.reaction == "emergency_stop"
    assert 0 < result.detected_ms < 12
    assert 50 < result.stop_distance_m < 120
    assert result.on_track


def test_a_host_that_stalls_for_50_ms_drives_on_and_so_does_one_with_a_single_wrong_place(results):
    for name in ("host_stall", "position_jump"):
        assert results[name].passed, results[name].failures
        assert results[name].reaction == "ignored"
        assert results[name].twin_passed


def test_files_made_wrong_and_a_car_off_its_line_are_refused(results):
    for name in ("dbc_malformed", "car_off_line"):
        assert results[name].passed, results[name].failures
        assert results[name].reaction == "refused"


def test_the_same_seed_gives_the_same_run_and_another_one_another():
    scenario = driven(None, 14.0)
    first, again, other = run(scenario), run(scenario), run(scenario, seed=2)
    same = {"real_time_factor"}
    assert first.model_dump(exclude=same) == again.model_dump(exclude=same)
    assert first.max_cross_track_m != other.max_cross_track_m


def test_two_workers_find_what_one_does():
    tasks = [Task(driven(None, 8.0), seed, "test") for seed in (1, 2)]
    tasks.append(Task(driven("emergency_stop", 8.0), 1, "test"))
    alone, together = batch.run_all(tasks, 1), batch.run_all(tasks, 2)
    same = {"real_time_factor"}
    for one, other in zip(alone, together, strict=True):
        assert one.result.model_dump(exclude=same) == other.result.model_dump(exclude=same)
        assert (one.excerpt.rows == other.excerpt.rows).all()


def test_a_fault_whose_instant_never_comes_is_a_failure():
    result = run(driven("position_lost", 10.0, twin=False))
    assert not result.passed
    assert "never began" in result.failures[0]


def test_what_scenario_files_change_reaches_car_and_plant():
    plain = run(driven(None, 14.0))
    heavy = run(driven(None, 14.0, vehicle={"chassis": {"mass_kg": 1400.0}}))
    slow = run(driven(None, 14.0, car_file={"limits": {"throttle_rate_1ps": 0.1}}))
    assert heavy.top_speed_mps < plain.top_speed_mps
    assert slow.top_speed_mps < plain.top_speed_mps


def test_scenarios_that_differ_by_their_faults_alone_share_the_longest_twin():
    several = [driven("position_lost", 20.0), driven("host_killed", 30.0), driven(None, 40.0)]
    [(twin, seed)] = longest([(each, 1) for each in several]).values()
    assert (twin.seconds, twin.faults, seed) == (30.0, [], 1)
    assert len(longest([(several[0], 1), (several[0], 2)])) == 2
