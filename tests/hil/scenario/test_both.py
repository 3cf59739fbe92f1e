"""The same scenario in virtual and in real time: the same verdict, the same lap within 0.5 %.

At 100 ticks a second, so that a busy machine misses no three deadlines in a row. One that stalls
for longer stops the car, as it should: such a drive shows nothing, and is repeated.
"""

from __future__ import annotations

import pytest

from tianyuan.control.records import Cause
from tianyuan.hil.scenario.compare import differences
from tianyuan.hil.scenario.model import Scenario
from tianyuan.hil.scenario.on_bus import OnBus
from tianyuan.hil.scenario.read import scenario_of
from tianyuan.hil.scenario.result import Result
from tianyuan.hil.scenario.runner import run

pytestmark = [pytest.mark.compiled, pytest.mark.timed]

DRIVES = 4
STALLS = {Cause.OVERRUNS.name, *(cause.name for cause in Cause if cause.name.endswith("_LOST"))}
COMMON = {
    "rate_hz": 100, "twin": False, "car_file": {"supervisor": {"ready_dwell_s": 0.0}},
}  # fmt: skip


def in_real_time(scenario: Scenario) -> Result:
    """The first of some drives in which the machine did not stop the car."""
    for _ in range(DRIVES):
        result = run(scenario, realtime=OnBus())
        if result.cause not in STALLS:
            return result
    pytest.fail(f"in each of {DRIVES} drives the machine stopped the car: {result.cause}")


def test_a_lap_of_the_oval():
    scenario = scenario_of({"name": "lap", "laps": 1} | COMMON, "test")
    virtual, real = run(scenario), in_real_time(scenario)
    assert virtual.passed, virtual.failures
    assert differences(virtual, real) == []
    assert len(real.laps) == 1
    assert real.realtime


def test_a_host_that_is_killed():
    fault = {"fault": "host_killed", "at": {"speed_mps": 20.0}}
    scenario = scenario_of({"name": "killed", "seconds": 25.0, "faults": [fault]} | COMMON, "test")
    virtual, real = run(scenario), in_real_time(scenario)
    assert virtual.passed, virtual.failures
    assert differences(virtual, real) == []
    assert real.reaction == "emergency_stop"
    assert real.stop_distance_m == pytest.approx(virtual.stop_distance_m, rel=0.2)


def test_a_drive_whose_recorder_is_killed_goes_on_as_it_would():
    fault = {"fault": "recorder_killed", "at": {"speed_mps": 8.0}}
    scenario = scenario_of({"name": "log", "seconds": 8.0, "faults": [fault]} | COMMON, "test")
    real = in_real_time(scenario)
    assert real.passed, real.failures
    assert real.reaction == "ignored"
