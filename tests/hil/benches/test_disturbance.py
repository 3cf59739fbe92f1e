"""A disturbance disturbs what it says, and is gone afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tianyuan.drivers.local_bus import nodes
from tianyuan.hil.benches import disturbance as disturbances
from tianyuan.hil.benches.disturbance import disturbance


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory(prefix="bus-") as place:
        yield Path(place)


@pytest.mark.timed
def test_recorders_are_found_by_name_and_killed_in_time(folder, monkeypatch):
    monkeypatch.setattr(disturbances, "KILL_EVERY_S", 0.2)
    bus = str(folder / "can0")
    sleep = [sys.executable, "-S", "-c", "import time; time.sleep(60)"]
    recorder = [*sleep, "tianyuan.firmware.recorder"]
    with subprocess.Popen(recorder) as victim, subprocess.Popen(sleep) as other:
        cpu = min(os.sched_getaffinity(0))
        with disturbance(bus, cpu, folder, os.getpid()) as how:
            assert [name.split("-", 2)[2] for name in nodes(bus)] == ["never-reads"]
            assert victim.wait(timeout=10) == -9
            time.sleep(0.3)
        assert how.figures["recorder_kills"] >= 1
        assert other.poll() is None
        other.kill()
    assert nodes(bus) == []
