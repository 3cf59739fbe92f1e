"""Disks that are full or hang, and are as before afterwards."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from tianyuan.control.errors import InputError
from tianyuan.hil.faults import disks
from tianyuan.hil.faults.processes import state_of

LOG = "drive.blf"


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory(prefix="disk-") as place:
        yield Path(place)


@pytest.fixture
def disk(folder):
    with contextlib.ExitStack() as stack:
        try:
            yield stack.enter_context(disks.own_disk(folder))
        except InputError as error:
            pytest.skip(str(error))


def test_a_disk_full_from_the_start_takes_no_megabyte_and_is_gone_afterwards(folder):
    with disks.full_from_the_start(folder, LOG) as (place, what):
        assert what
        with pytest.raises(OSError, match="space"), (place / LOG).open("wb") as file:
            file.write(bytes(1 << 20))
    assert not (folder / "disk").is_mount()


def test_without_the_right_to_mount_the_disk_is_full_from_the_start(folder, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with disks.full_from_the_start(folder, LOG) as (place, what):
        assert what == "/dev/full"
        with pytest.raises(OSError, match="space"), (place / LOG).open("wb") as file:
            file.write(b"0")


def test_without_the_right_to_mount_there_is_no_disk_of_our_own(folder, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(InputError, match="not on this machine"), disks.own_disk(folder):
        pass


def test_a_disk_is_full_for_as_long_as_it_was_asked_to(disk):
    log = disk / LOG
    log.write_bytes(bytes(1000))
    with disks.full(disk), pytest.raises(OSError, match="space"):
        log.write_bytes(bytes(100_000))
    log.write_bytes(bytes(100_000))


def test_a_disk_hangs_for_as_long_as_it_was_asked_to(disk):
    with disks.hanging(disk):
        writer = subprocess.Popen(["sh", "-c", f"echo 1 > {disk / LOG}"])
        time.sleep(0.2)
        assert writer.poll() is None
        assert state_of(writer.pid) in ("D", "S")
    assert writer.wait(10) == 0
    assert (disk / LOG).read_text() == "1\n"


def test_what_cannot_hang_says_so(folder):
    if Path("/dev/shm").is_dir():
        with (
            pytest.raises(InputError, match="cannot be made to hang"),
            disks.hanging(Path("/dev/shm")),
        ):
            os.kill(os.getpid(), signal.SIGCONT)
