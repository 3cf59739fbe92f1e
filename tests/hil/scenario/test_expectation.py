"""What is not said in a scenario is what the catalogue says, in the car's own cycles."""

from __future__ import annotations

import pytest

from tianyuan.control.errors import InputError
from tianyuan.hil.faults.catalogue import FAULTS
from tianyuan.hil.scenario.expectation import NAMES, bound_of
from tianyuan.hil.scenario.read import scenario_of

MS = 1_000_000


def bound(car, fault: str | None, expect: dict | None = None, **parameters):
    faults = [{"fault": fault} | parameters] if fault else []
    document = {"seconds": 1.0, "faults": faults, "expect": expect or {}}
    return bound_of(scenario_of(document, "test"), car, 2 * MS, "mine.toml")


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_every_fault_of_the_catalogue_has_an_expectation_or_asks_for_a_choice(car, fault):
    if len(fault.expected) > 1 and any(each.when for each in fault.expected):
        with pytest.raises(InputError, match=r"mine\.toml: expect\.reaction: missing"):
            bound(car, fault.name)
        return
    found = bound(car, fault.name)
    assert found.reaction == NAMES[fault.expected[-1].reaction]
    bounded = [found.within_ns, found.silent_ns]
    assert (fault.expected[-1].bound is not None) == any(each is not None for each in bounded)


def test_each_choice_is_held_against_its_own_bound(car):
    stop = bound(car, "transmit_queue_full", {"reaction": "emergency_stop"})
    assert (stop.within_ns, stop.causes) == (6 * MS, ["NOT_SENT"])
    assert bound(car, "position_jump", {"reaction": "ignored"}).within_ns is None


def test_a_period_is_that_of_the_faults_message(car):
    assert bound(car, "position_lost").degraded_ns == 30 * MS
    assert bound(car, "position_lost", message="imu").degraded_ns == 12 * MS
    assert bound(car, "actuator_silent").within_ns == 12 * MS
    assert bound(car, "actuator_silent", message="BRAKE_STATUS").within_ns == 30 * MS
    assert bound(car, "emergency_stop").within_ns == 4 * MS


def test_what_the_file_says_comes_first(car):
    said = {"reaction": "controlled_stop", "within": "0.3 s", "cause": ["IMU_LOST", "OVERRUNS"]}
    found = bound(car, "position_lost", said)
    assert (found.reaction, found.within_ns) == ("controlled_stop", 300 * MS)
    assert found.causes == ["IMU_LOST", "OVERRUNS"]
    assert found.degraded_ns is None


def test_a_killed_hosts_bound_is_that_of_its_heartbeat(car):
    found = bound(car, "host_killed")
    assert (found.reaction, found.within_ns, found.silent_ns) == ("emergency_stop", None, 2 * MS)


def test_without_a_fault_nothing_is_to_happen(car):
    assert bound(car, None).reaction == "none"
