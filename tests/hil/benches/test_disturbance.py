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
from tianyuan.hil.benches.disturbance import LOG, disturbance, full_disk, recorders_of


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory(prefix="bus-") as place:
        yield Path(place)


def test_a_full_disk_takes_no_megabyte_and_is_gone_afterwards(folder):
    with full_disk(folder) as (place, what):
        assert what
        with pytest.raises(OSError, match="space"), (place / LOG).open("wb") as file:
            file.write(bytes(1 << 20))
    assert not (folder / "disk").is_mount()


def test_without_the_right_to_mount_the_disk_is_full_from_the_start(folder, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with full_disk(folder) as (place, what):
        assert what == "/dev/full"
        with pytest.raises(OSError, match="space"), (place / LOG).open("wb") as file:
            file.write(b"0")


@pytest.mark.timed
def test_recorders_are_found_by_name_and_killed_in_time(folder, monkeypatch):
    monkeypatch.setattr(disturbances, "KILL_EVERY_S", 0.2)
    bus = str(folder / "can0")
    sleep = [sys.executable, "-S", "-c", "import time; time.sleep(60)"]
    with subprocess.Popen([*sleep, "recorder"]) as victim, subprocess.Popen(sleep) as other:
        assert recorders_of(os.getpid()) == [victim.pid]
        cpu = min(os.sched_getaffinity(0))
        with disturbance(bus, cpu, folder, lambda: recorders_of(os.getpid())) as how:
            assert [name.split("-", 2)[2] for name in nodes(bus)] == ["never-reads"]
            assert victim.wait(timeout=10) == -9
            time.sleep(0.3)
        assert how.figures["recorder_kills"] >= 1
        assert other.poll() is None
        other.kill()
    assert nodes(bus) == []
