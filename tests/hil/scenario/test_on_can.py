"""Scenarios in real time on the kernel's CAN, with the faults that its interfaces have.

At 100 ticks a second in the guest, whose only CPU stalls now and then: a drive that it stops says
nothing, and is repeated. What the tests hold are reaction and cause, not their bounds.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest

from tianyuan.drivers.local_bus import BUS_DIRECTORY
from tianyuan.hil.scenario.check import check
from tianyuan.hil.scenario.on_bus import OnBus
from tianyuan.hil.scenario.read import scenario_of
from tianyuan.hil.scenario.runner import run

pytestmark = [pytest.mark.socketcan, pytest.mark.compiled, pytest.mark.timed]

DRIVES = 4
COMMON = {
    "rate_hz": 100, "twin": False, "car_file": {"supervisor": {"ready_dwell_s": 0.0}},
}  # fmt: skip


@pytest.fixture(autouse=True)
def own_buses(rings, monkeypatch) -> Iterator[None]:
    """What the host tells of itself goes to a local bus of this test's."""
    with tempfile.TemporaryDirectory(prefix="bus-") as folder:
        monkeypatch.setenv(BUS_DIRECTORY, folder)
        yield


@pytest.fixture
def pair(vcan) -> Iterator[tuple[str, str]]:
    """Two interfaces without a wire, which a run joins."""
    other = f"{vcan}b"
    subprocess.run(["ip", "link", "add", other, "type", "vcan"], check=True)
    subprocess.run(["ip", "link", "set", other, "mtu", "72", "up"], check=True)
    yield vcan, other
    subprocess.run(["ip", "link", "delete", other], check=False, capture_output=True)


def stopped(on: OnBus, fault: str, causes: set[str], **more: Any) -> None:
    """Drive, with the fault at walking speed: an emergency stop for one of these causes."""
    entry = {"fault": fault, "at": {"speed_mps": 5.0}} | more
    told = {"name": fault, "seconds": 20.0, "expect": {"reaction": "emergency_stop"}}
    scenario = scenario_of(told | {"faults": [entry]} | COMMON, "test")
    check(scenario, "test", on)
    for _ in range(DRIVES):
        result = run(scenario, realtime=on)
        if result.cause in causes:
            break
    assert result.realtime
    assert result.cause in causes
    assert result.reaction == "emergency_stop", result.failures


def test_bus_off_is_an_emergency_stop_on_the_kernels_can(vcan):
    stopped(OnBus("socketcan", vcan), "bus_off", {"BUS_OFF"})


def test_so_is_an_interface_down_or_its_queue_full_where_rig_and_guard_are_at_another(pair):
    on = OnBus("socketcan", *pair)
    stopped(on, "interface_down", {"INTERFACE_DOWN"}, for_s=0.3)
    stopped(on, "transmit_queue_full", {"NOT_SENT"}, for_s=0.3)


def test_a_host_refuses_an_interface_at_another_bit_rate(cable):
    scenario = scenario_of(
        {"name": "rate", "seconds": 5.0, "faults": [{"fault": "wrong_bit_rate"}]} | COMMON, "test"
    )
    result = run(scenario, realtime=OnBus("socketcan", *cable.names))
    assert result.passed, result.failures
    assert result.reaction == "refused"
