"""Faults of processes begin when the rig says so, and end after their time."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tianyuan.hil.faults import processes
from tianyuan.hil.faults.at_run_time import Scene
from tianyuan.hil.faults.records import FAULT_STATE, FAULTS
from tianyuan.hil.scenario.model import Scenario
from tianyuan.hil.scenario.process_faults import ProcessFaults

SLEEP = [sys.executable, "-S", "-c", "import time; time.sleep(60)"]


@pytest.fixture
def host() -> Iterator[subprocess.Popen]:
    """A stand-in that is called as the host is."""
    with subprocess.Popen([*SLEEP, "tianyuan", "drive"]) as process:
        assert until(lambda: processes.find(os.getpid(), "host") == [process.pid])
        yield process
        process.kill()


def until(wanted: Callable[[], bool]) -> bool:
    end = time.monotonic() + 10.0
    while not wanted() and time.monotonic() < end:
        time.sleep(0.002)
    return wanted()


def staged(tmp_path, *faults: dict[str, Any]) -> tuple[ProcessFaults, np.recarray]:
    """The faults of a scenario, and what the rig says of them: a row an entry."""
    scenario = Scenario.model_validate({"seconds": 1.0, "faults": list(faults)})
    rows = np.zeros(len(faults), FAULTS).view(np.recarray)
    rows.entry = range(len(faults))
    state = np.zeros(len(faults), FAULT_STATE).view(np.recarray)
    world, life = SimpleNamespace(faults=rows), SimpleNamespace(faults=SimpleNamespace(state=state))
    scene = Scene(os.getpid(), 0.002, {0}, tmp_path, "nowhere", None)
    return ProcessFaults(scenario, world, life, scene), state


def test_a_fault_of_a_process_waits_for_the_rig_and_ends_after_its_time(host, tmp_path):
    made, state = staged(
        tmp_path, {"fault": "position_lost"}, {"fault": "host_stall", "for_s": 0.3}
    )
    with made as faults:
        state.began_ns[0] = 1
        time.sleep(0.05)
        assert faults.begun_ns == {}
        state.began_ns[1] = 1
        assert until(lambda: processes.state_of(host.pid) == "T")
        assert set(faults.begun_ns) == {1}
        assert until(lambda: processes.state_of(host.pid) == "S")
    assert faults.failed is None


def test_a_stop_that_has_no_end_ends_with_the_scenario(host, tmp_path):
    made, state = staged(tmp_path, {"fault": "host_stopped"})
    with made:
        state.began_ns[0] = 1
        assert until(lambda: processes.state_of(host.pid) == "T")
    assert until(lambda: processes.state_of(host.pid) == "S")


def test_what_cannot_be_done_is_told(host, tmp_path):
    made, state = staged(tmp_path, {"fault": "recorder_killed"})
    with made as faults:
        state.began_ns[0] = 1
        assert until(lambda: faults.failed is not None)
    assert "no recorder" in str(faults.failed)
