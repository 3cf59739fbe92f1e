"""By an entry's name to what is done to processes and interfaces: every such fault has one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import can
import pytest

from tianyuan.control.errors import InputError
from tianyuan.hil.faults.at_run_time import OF_INTERFACES, OF_PROCESSES, Scene, at_run_time
from tianyuan.hil.faults.catalogue import FAULTS
from tianyuan.hil.faults.entry import FaultEntry
from tianyuan.hil.faults.fault import Layer
from tianyuan.hil.faults.plan import EXPANDED

RIGS_OWN = (Layer.CHANNEL, Layer.FRAME, Layer.ACTUATOR)
BEFORE = (Layer.FILE, Layer.START)
STEERING_COMMAND = 0x080


@pytest.fixture
def scene(shipped, tmp_path) -> Iterator[Scene]:
    with TemporaryDirectory(prefix="bus-") as short:  # a socket's path has 107 bytes
        bus = f"{short}/can0.host"
        yield Scene(os.getpid(), 0.002, os.sched_getaffinity(0), tmp_path, bus, shipped)


def test_every_fault_has_somebody_who_injects_it_in_real_time_and_in_virtual_time():
    for fault in FAULTS:
        by = {Layer.PROCESS: OF_PROCESSES, Layer.INTERFACE: OF_INTERFACES}
        if fault.realtime in RIGS_OWN:
            assert fault.name in EXPANDED
        elif fault.realtime not in BEFORE:
            assert fault.name in by[fault.realtime]
        if fault.virtual not in (None, *BEFORE) and fault.name != "wall_clock_jump":
            assert fault.name in EXPANDED
    named = {*OF_PROCESSES, *OF_INTERFACES}
    assert named == {f.name for f in FAULTS if f.realtime in (Layer.PROCESS, Layer.INTERFACE)}


@pytest.mark.parametrize("name", [f.name for f in FAULTS if f.realtime is Layer.INTERFACE])
def test_what_takes_the_kernels_can_says_so_on_a_local_bus(name, scene):
    with pytest.raises(InputError, match="-i socketcan"):
        at_run_time(FaultEntry(fault=name), scene)


@pytest.mark.parametrize("name", ["host_killed", "host_terminated", "recorder_killed", "overrun"])
def test_a_process_that_is_not_there_cannot_be_hit(name, scene):
    with (
        pytest.raises(InputError, match="below process"),
        at_run_time(FaultEntry(fault=name), scene),
    ):
        pass


def test_what_the_rig_injects_is_left_to_it(scene):
    with pytest.raises(InputError, match="by the rig itself"):
        at_run_time(FaultEntry(fault="position_lost"), scene)


def test_work_in_the_loop_takes_a_host_in_this_process(scene):
    entry = FaultEntry(fault="work_in_the_loop")
    with pytest.raises(InputError, match="own process"):
        at_run_time(entry, scene)
    with at_run_time(entry, scene._replace(in_this_process=True)):
        pass


def test_a_disk_is_filled_where_the_log_is(scene, monkeypatch):
    from tianyuan.hil.faults import disks

    filled: list[Path] = []
    monkeypatch.setattr(disks, "full", filled.append)
    at_run_time(FaultEntry(fault="disk_full"), scene)
    assert filled == [scene.disk]


def test_an_intruder_on_the_hosts_bus_sends_our_command_there(scene):
    entry = FaultEntry.model_validate({"fault": "telemetry_intrusion", "every_ms": 5})
    with (
        can.Bus(interface="tianyuan", channel=scene.host_bus) as ear,
        at_run_time(entry, scene),
    ):
        heard = [ear.recv(10.0) for _ in range(3)]
    assert {message.arbitration_id for message in heard} == {STEERING_COMMAND}
    assert [message.data[1] & 15 for message in heard] == [0, 1, 2]
