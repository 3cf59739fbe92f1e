"""The ring outlives its writer, is read by other processes, and a bus has one host."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tianyuan.control.errors import InputError
from tianyuan.dbc.frame import frames
from tianyuan.firmware.log_file import card_file, card_text
from tianyuan.firmware.ring import push
from tianyuan.firmware.ring_file import KEEP, ring_file
from tianyuan.firmware.shared_ring import RingReader, SharedRing

WRITER = """
import sys, time
from tianyuan.dbc.frame import frames
from tianyuan.firmware.log_file import card_file, card_text
from tianyuan.firmware.ring import push
from tianyuan.firmware.shared_ring import SharedRing
with SharedRing("can0", 256) as shared:
    made = frames(100)
    made.can_id = range(100)
    push(shared.ring, made, 100, 0)
    print("written", flush=True)
    time.sleep(600)
"""


pytestmark = pytest.mark.usefixtures("rings")


@pytest.fixture
def writer():
    process = subprocess.Popen([sys.executable, "-c", WRITER], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "written\n"
    yield process
    process.kill()
    process.wait()


def numbered(count: int):
    made = frames(count)
    made.can_id = np.arange(count)
    return made


@pytest.mark.compiled
def test_the_last_frames_of_a_killed_writer_can_be_read(writer):
    with RingReader(ring_file("can0")) as reader:
        assert not reader.is_over()
        assert reader.pid == writer.pid
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        assert reader.is_over()
    with RingReader(ring_file("can0")) as late:
        assert late.is_over()
        assert late.take()["can_id"].tolist() == list(range(100))


@pytest.mark.compiled
def test_the_next_host_puts_a_dead_ones_ring_aside(writer):
    writer.kill()
    writer.wait()
    with SharedRing("can0", 64) as mine:
        assert RingReader(mine.file).take().size == 0
        dead = mine.file.with_suffix(".ring.dead")
        assert RingReader(dead).take()["can_id"].tolist() == list(range(100))


def test_a_card_goes_where_its_ring_goes(rings):
    with SharedRing("can0", 64) as mine:
        card_file(mine.file).write_bytes(b"card")
    with SharedRing("can0", 64) as mine:
        dead = mine.file.with_suffix(".ring.dead")
        assert card_text(dead) == b"card"
        assert card_text(mine.file) is None
        card_file(mine.file).write_bytes(b"next")
        mine.remove()
    assert {file.name for file in rings.iterdir()} == {dead.name, card_file(dead).name}
    SharedRing("can0", 64).close()
    SharedRing("can0", 64).close()
    assert card_text(dead) is None


@pytest.mark.compiled
def test_a_bus_has_one_host(writer):
    with pytest.raises(InputError, match="a host drives on it already"):
        SharedRing("can0", 64)
    with SharedRing("can1", 64):
        pass


def test_a_reader_cannot_write(rings):
    with SharedRing("can0", 64) as shared, RingReader(shared.file) as reader:
        with pytest.raises(ValueError, match="read-only"):
            reader._ring.frames["can_id"][0] = 1
        with pytest.raises(ValueError, match="read-only"):
            reader._ring.written[0] = 1


def test_readers_follow_each_at_its_own_pace():
    with SharedRing("can0", 64) as shared:
        one, other = RingReader(shared.file), RingReader(shared.file)
        for _ in range(4):
            push(shared.ring, numbered(20), 20, 0)
            assert one.take()["can_id"].tolist() == list(range(20))
        assert len(other.take()) == 64
        assert (one.lost, other.lost) == (0, 16)
        assert not one.is_over()
        shared.end()
        assert one.is_over()


def test_an_ended_ring_can_be_taken_away_under_its_readers():
    with SharedRing("can0", 64) as shared:
        reader = RingReader(shared.file)
        push(shared.ring, numbered(3), 3, 0)
        shared.end()
        shared.remove()
        assert not shared.file.exists()
    assert len(reader.take()) == 3


def test_dead_rings_do_not_pile_up(rings):
    for number in range(2 * KEEP):
        SharedRing(f"can{number}", 64).close()
        card_file(ring_file(f"can{number}")).touch()
        os.utime(ring_file(f"can{number}"), ns=(number, number))
    with SharedRing("alive", 64) as alive:
        assert alive.file.exists()
        left = {file.name for file in rings.iterdir()}
    assert f"can{2 * KEEP - 1}.ring" in left
    assert "can0.ring" not in left
    assert len(left) == 2 * KEEP + 1  # each dead one with its card


@pytest.mark.parametrize("content", [b"", b"TYRING", bytes(8192)])
def test_what_is_no_ring_is_refused(rings, content):
    (rings / "can0.ring").write_bytes(content)
    with pytest.raises(InputError, match=r"can0\.ring: not a ring"):
        RingReader(ring_file("can0"))
    with pytest.raises(InputError, match="No such file"):
        RingReader(ring_file("can1"))


def test_a_bus_by_its_path_has_a_ring_of_its_own():
    assert ring_file("/tmp/a/can0").name == "tmp-a-can0.ring"
    assert ring_file("/tmp/a/can0") != ring_file("/tmp/b/can0")


def test_a_folder_on_a_disk_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("TIANYUAN_RING_DIR", str(tmp_path))
    monkeypatch.setattr(
        Path,
        "read_text",
        lambda _: f"/dev/a / ext4 rw 0 0\ntmpfs {tmp_path.parent}x tmpfs rw 0 0\n",
    )
    with pytest.raises(InputError, match="on a disk"):
        SharedRing("can0", 64)


def test_no_room_is_told_at_once(monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(InputError, match="No space left on device"):
        SharedRing("can0", 64)
    assert not ring_file("can0").exists()
