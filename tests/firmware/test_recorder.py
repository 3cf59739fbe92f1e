"""What the ring held is in the log, in every format, whatever happens to recorder and disk."""

from __future__ import annotations

import contextlib
import os
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import can
import numpy as np
import pytest

from tianyuan.control.errors import InputError
from tianyuan.dbc.frame import EXTENDED, TX, frames
from tianyuan.firmware import log_file
from tianyuan.firmware import recorder as recording
from tianyuan.firmware.host_record import GAP_ID, HOST_CHANNEL, TICK_ID
from tianyuan.firmware.log_file import Limits, card_file, new_log, part, parts
from tianyuan.firmware.marks import Marks, marks_file, read_marks, write_marks
from tianyuan.firmware.recorder import record, recorder_command, whole_ticks
from tianyuan.firmware.recording.formats import open_log_file
from tianyuan.firmware.recording.segments import Segments
from tianyuan.firmware.ring import push
from tianyuan.firmware.ring_file import ring_file
from tianyuan.firmware.shared_ring import SharedRing

CAPACITY = 1 << 16
ENDINGS = [".blf", ".mf4", ".log", ".log.gz"]
TICK_FRAMES = 20  # that come in, before the marker


@pytest.fixture
def shared(rings) -> Iterator[SharedRing]:
    with SharedRing("can0", CAPACITY) as made:
        yield made


def some(rng, count: int, first_ns: int):
    made = frames(count)
    made.can_id = rng.integers(0, TICK_ID, count)
    made.can_id[::3] = rng.integers(0x800, 0x1FFF_FFFF, len(made.can_id[::3])) | EXTENDED
    made.length = rng.integers(0, 9, count)
    for frame in made:
        frame.payload[: frame.length] = rng.integers(0, 256, int(frame.length))
    made.channel = rng.integers(0, 2, count)
    made.t_ns = first_ns + 100_000 * np.arange(count)
    return made


def push_tick(shared: SharedRing, number: int) -> None:
    """A tick as the loop leaves it: frames that came in, and the marker that goes out."""
    came, marker = frames(TICK_FRAMES), frames(1)
    came.can_id, came.length, came.t_ns = 0x100, 8, number
    came.payload[:, :4] = np.frombuffer((number & 0xFFFFFFFF).to_bytes(4, "little"), np.uint8)
    marker.can_id, marker.length, marker.t_ns = TICK_ID, 8, number
    marker.payload[:, :8] = np.frombuffer(number.to_bytes(8, "little"), np.uint8)
    push(shared.ring, came, TICK_FRAMES, 0)
    push(shared.ring, marker, 1, TX)


def ticks_in(log: Path) -> list[list[tuple[int, int]]]:
    """Of each file: the number of each whole tick, and of the frames in it."""
    return [ticks_in_file(file) for file in parts(log)]


def ticks_in_file(file: Path) -> list[tuple[int, int]]:
    ticks, count = [], 0
    with (
        contextlib.suppress(struct.error, ValueError, EOFError),
        can.LogReader(str(file)) as reader,
    ):
        for message in reader:
            if message.arbitration_id != TICK_ID:
                count += 1
                continue
            ticks.append((int.from_bytes(message.data, "little"), count))
            count = 0
    return ticks


def channel_of(message: can.Message) -> int:
    return int(str(message.channel).removeprefix("can") or 0)


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_log_holds_every_frame_in_order(tmp_path, shared, ending):
    rng, log = np.random.default_rng(1), tmp_path / f"run{ending}"
    thread = threading.Thread(target=record, args=(shared.file, log))
    thread.start()
    pushed = []
    for i in range(40):
        block, mark = some(rng, 25, 1_000_000_000 + i * 2_500_000), TX * (i % 2)
        push(shared.ring, block, 25, mark)
        pushed += [(frame, mark) for frame in block]
        if i % 10 == 0:
            time.sleep(0.03)
    shared.end()
    thread.join()
    with can.LogReader(str(log)) as reader:
        read = list(reader)
    assert len(read) == len(pushed)
    began = read[0].timestamp
    for message, (frame, mark) in zip(read, pushed, strict=True):
        assert message.arbitration_id == frame.can_id & ~np.uint32(EXTENDED)
        assert message.is_extended_id == bool(frame.can_id & EXTENDED)
        assert bytes(message.data) == frame.payload[: frame.length].tobytes()
        assert message.is_rx == (mark != TX)
        assert channel_of(message) == frame.channel
        assert message.timestamp - began == pytest.approx(
            (frame.t_ns - 1_000_000_000) * 1e-9, abs=1e-3
        )


def gaps_in(file: Path) -> list[tuple[int, int]]:
    """Where in a file a gap is told, and of how many frames."""
    with can.LogReader(str(file)) as reader:
        return [
            (at, int.from_bytes(message.data, "little"))
            for at, message in enumerate(reader)
            if message.arbitration_id == GAP_ID and channel_of(message) == HOST_CHANNEL
        ]


def test_what_the_recorder_could_not_keep_up_with_is_told_in_the_log(tmp_path, shared):
    for number in range(1, 4001):
        push_tick(shared, number)
    shared.end()
    marks = record(shared.file, tmp_path / "run.blf")
    written = 4000 * (TICK_FRAMES + 1)
    assert marks == Marks(written, written - CAPACITY, 1)
    assert gaps_in(tmp_path / "run.blf") == [(0, written - CAPACITY)]
    assert ticks_in(tmp_path / "run.blf")[0][-1] == (4000, TICK_FRAMES)


def recorded(shared, log: Path, limits: Limits, ticks: int) -> Marks:
    """A log of so many ticks, of which the recorder sees a hundred at each look."""
    done: list[Marks] = []
    thread = threading.Thread(
        target=lambda: done.append(record(shared.file, log, marks_file(shared.file), limits))
    )
    thread.start()
    for number in range(1, ticks + 1):
        push_tick(shared, number)
        while number % 100 == 0 and looked_at(shared) < shared.written:
            time.sleep(0.001)
    shared.end()
    thread.join()
    return done[0]


def looked_at(shared) -> int:
    return read_marks(marks_file(shared.file), os.getpid()).read


def test_a_tick_is_written_when_it_is_whole(tmp_path, shared, monkeypatch):
    monkeypatch.setattr(recording, "PAUSE_S", 0.001)
    arguments = (shared.file, tmp_path / "run.blf", marks_file(shared.file))
    thread = threading.Thread(target=record, args=arguments)
    thread.start()
    push_tick(shared, 1)
    push(shared.ring, frames(5), 5, 0)
    while looked_at(shared) < TICK_FRAMES + 1:
        time.sleep(0.001)
    time.sleep(0.05)
    seen = looked_at(shared)
    shared.end()
    thread.join()
    assert seen == TICK_FRAMES + 1
    assert looked_at(shared) == TICK_FRAMES + 6


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("limits", [Limits(part_bytes=5000), Limits(0, part_s=400e-9)])
def test_a_log_goes_on_in_a_further_part_and_no_tick_is_cut(
    tmp_path, shared, monkeypatch, ending, limits
):
    monkeypatch.setattr(recording, "PAUSE_S", 0.001)
    log = tmp_path / f"run{ending}"
    marks = recorded(shared, log, limits, 1500)
    found = ticks_in(log)
    assert len(found) == marks.parts > 2
    assert [tick for file in found for tick in file] == [(n, TICK_FRAMES) for n in range(1, 1501)]


def test_a_recorder_that_comes_late_keeps_the_bounds_of_its_log_too(tmp_path, shared):
    log = tmp_path / "run.blf"
    for number in range(1, 3001):
        push_tick(shared, number)
    shared.end()
    marks = record(shared.file, log, None, Limits(total_bytes=60_000))
    found = ticks_in(log)
    assert marks.parts > 2
    assert sum(file.stat().st_size for file in parts(log)) <= 60_000
    ticks = [tick for file in found for tick in file]
    assert ticks == [(number, TICK_FRAMES) for number in range(ticks[0][0], 3001)]


def test_the_oldest_parts_make_room_for_the_newest(tmp_path, shared, monkeypatch):
    monkeypatch.setattr(recording, "PAUSE_S", 0.001)
    log = tmp_path / "run.blf"
    marks = recorded(shared, log, Limits(total_bytes=40_000), 3000)
    kept = parts(log)
    assert marks.dropped > 0
    assert kept == [part(log, n) for n in range(marks.dropped + 1, marks.parts + 1)]
    assert 20_000 < sum(file.stat().st_size for file in kept) <= 40_000
    found = [number for file in kept for number, _ in ticks_in_file(file)]
    assert found == list(range(found[0], 3001))


@pytest.mark.parametrize("name", ["run.xyz", "run", "none/run.blf", "none/run.log", "."])
def test_a_log_that_cannot_be_written_is_refused_by_name(tmp_path, name):
    with pytest.raises(InputError) as caught:
        new_log(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_new_log_has_no_parts_of_an_older_one(tmp_path):
    log = tmp_path / "run.blf"
    for number in (1, 2, 3):
        part(log, number).touch()
    other = tmp_path / "run.2.mf4"
    other.touch()
    assert parts(log) == [log, tmp_path / "run.2.blf", tmp_path / "run.3.blf"]
    assert new_log(log) is None  # nothing was in them
    assert parts(log) == [log]
    assert other.exists()


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_new_log_puts_the_one_before_it_aside(tmp_path, ending):
    log = tmp_path / f"run{ending}"
    for n in (1, 2):
        log.unlink(missing_ok=True)
        for number in (2, 3):
            part(log, number).write_text(f"{n}, {number}")
        card_file(log).write_text(f"card {n}")

        aside = new_log(log)

        assert aside == tmp_path / f"run~{n}{ending}"
        assert [file.read_text() for file in parts(aside)] == [f"{n}, 2", f"{n}, 3"]
        assert card_file(aside).read_text() == f"card {n}"
        assert parts(log) == [log]
        assert not log.stat().st_size
        assert not card_file(log).exists()


def test_a_device_in_a_log_s_place_stays_there(tmp_path):
    log = tmp_path / "run.blf"
    log.symlink_to("/dev/full")

    assert new_log(log) is None

    assert log.is_symlink()


@pytest.mark.parametrize("name", ["run.blf", "run.mf4", "run.log.gz"])
def test_a_log_that_is_being_written_is_nobody_else_s(tmp_path, monkeypatch, name):
    monkeypatch.setattr(log_file, "ENDING_S", 0.02)
    log = tmp_path / name
    new_log(log)
    writing = open_log_file(part(log, 2), None)

    with pytest.raises(InputError, match="is being written by another recorder"):
        new_log(log)

    writing.close()
    new_log(log)


def test_parts_are_those_that_are_left_in_the_order_of_their_numbers(tmp_path):
    log = tmp_path / "run.log.gz"
    assert parts(log) == [log]
    for number in (10, 9, 12):
        part(log, number).touch()
    assert parts(log) == [tmp_path / f"run-{number}.log.gz" for number in (9, 10, 12)]


def test_whole_ticks_end_with_a_marker_that_went_out():
    made = frames(6)
    assert whole_ticks(made) == 0
    made.can_id[[1, 3, 5]] = TICK_ID
    made.reserved[[1, 3]] = TX  # the last one is somebody else's frame of that number
    assert whole_ticks(made) == 4


def recorder_at_work(command: list[str], log: Path, number: int) -> subprocess.Popen:
    """A recorder that has begun the ``number``-th part, however long this machine took."""
    process = subprocess.Popen(command)
    while not part(log, number).exists():
        assert process.poll() is None
        time.sleep(0.01)
    return process


@pytest.mark.compiled  # processes, which a mode of compiling does not change
@pytest.mark.timed
@pytest.mark.parametrize("ending", [".blf", ".mf4"])
def test_a_recorder_killed_again_and_again_loses_no_tick(tmp_path, shared, ending):
    log, ticks = tmp_path / f"run{ending}", 3000
    command = recorder_command(shared.file, log)
    process = recorder_at_work(command, log, 1)
    for number in range(1, ticks + 1):
        push_tick(shared, number)
        if number % 40 == 0:
            time.sleep(0.02)
        if number in (1000, 2000):
            process.send_signal(signal.SIGKILL)
            process.wait()
            process = recorder_at_work(command, log, 1 + number // 1000)
    shared.end()
    assert process.wait(30) == 0
    found = ticks_in(log)
    assert len(found) == 3
    assert {count for file in found for _, count in file} == {TICK_FRAMES}
    assert sorted({number for file in found for number, _ in file}) == list(range(1, ticks + 1))
    marks = read_marks(marks_file(shared.file), os.getpid())
    assert marks == Marks(ticks * (TICK_FRAMES + 1), 0, 3)


HOST = """
import sys, time
from tianyuan.firmware.ring import push
from tianyuan.firmware.ring_file import ring_file
from tianyuan.firmware.shared_ring import SharedRing
from tests.firmware.test_recorder import push_tick
with SharedRing("lost", 1 << 16) as shared:
    push_tick(shared, time.monotonic_ns())
    print("ready", flush=True)
    while True:
        push_tick(shared, time.monotonic_ns())
        time.sleep(0.004)
"""
RECORDER = """
import sys
from pathlib import Path
from tianyuan.firmware.recorder import record
record(Path(sys.argv[1]), Path(sys.argv[2]))
"""


@pytest.mark.compiled
@pytest.mark.timed
def test_a_log_opens_up_to_the_last_second_when_everything_is_killed_at_once(tmp_path, rings):
    host = subprocess.Popen([sys.executable, "-c", HOST], stdout=subprocess.PIPE, text=True)
    assert host.stdout is not None
    assert host.stdout.readline() == "ready\n"
    logs = [tmp_path / f"run{ending}" for ending in ENDINGS]
    all_of_them = [host] + [
        subprocess.Popen([sys.executable, "-c", RECORDER, str(ring_file("lost")), str(log)])
        for log in logs
    ]
    while not all(log.exists() and log.stat().st_size > 10_000 for log in logs):
        time.sleep(0.05)
    time.sleep(1.5)
    died_ns = time.monotonic_ns()
    for process in all_of_them:
        process.kill()
    for process in all_of_them:
        process.wait()
    for log in logs:
        ticks = ticks_in_file(log)
        assert 0.0 <= (died_ns - ticks[-1][0]) * 1e-9 < 1.0, log
        assert {count for _, count in ticks[1:]} == {TICK_FRAMES}


def test_marks_of_another_host_do_not_count(tmp_path):
    write_marks(tmp_path / "marks", 17, Marks(5, 2, 1))
    assert read_marks(tmp_path / "marks", 17) == Marks(5, 2, 1)
    assert read_marks(tmp_path / "marks", 18) == Marks()
    (tmp_path / "marks").write_bytes(b"cut")
    assert read_marks(tmp_path / "marks", 17) == Marks()


class Disk:
    """What parts are written to; ``full``, it fails as the system does."""

    full = False


@pytest.fixture
def disk(monkeypatch) -> Disk:
    disk, really = Disk(), Segments.append

    def append(opened: Segments, made: np.ndarray, wall_ns: int) -> None:
        if disk.full:
            raise OSError(28, "No space left on device")
        really(opened, made, wall_ns)

    monkeypatch.setattr(Segments, "append", append)
    monkeypatch.setattr(recording, "PATIENCE_S", (0.05, 0.1))
    monkeypatch.setattr(recording, "PAUSE_S", 0.02)
    return disk


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_disk_that_was_full_for_a_while_costs_nothing_that_the_ring_still_has(
    tmp_path, shared, disk, ending
):
    log = tmp_path / f"run{ending}"
    thread = threading.Thread(target=record, args=(shared.file, log))
    thread.start()
    for number in range(1, 301):
        push_tick(shared, number)
        time.sleep(0.004)
        disk.full = 100 <= number < 200
    shared.end()
    thread.join()
    found = ticks_in(log)
    assert all(found)  # no part has nothing in it
    assert sorted({number for file in found for number, _ in file}) == list(range(1, 301))


def test_a_recorder_that_finds_nothing_left_adds_no_part(tmp_path, shared):
    log, noted = tmp_path / "run.log", marks_file(shared.file)
    push_tick(shared, 1)
    shared.end()
    assert record(shared.file, log, noted).parts == 1
    assert record(shared.file, log, noted).parts == 1
    assert parts(log) == [log]


def test_a_disk_that_stays_full_is_counted_and_told(tmp_path, shared, disk, capsys):
    disk.full = True
    for number in range(1, 11):
        push_tick(shared, number)
    shared.end()
    marks = record(shared.file, tmp_path / "run.log", marks_file(shared.file))
    assert marks.lost == marks.read == 10 * (TICK_FRAMES + 1)
    assert capsys.readouterr().err.count("run.log: No space left on device; trying again") == 1


@pytest.mark.timed
def test_an_idle_recorder_sleeps(tmp_path, shared):
    thread = threading.Thread(target=record, args=(shared.file, tmp_path / "run.blf"))
    thread.start()
    time.sleep(0.1)
    before = time.process_time()
    time.sleep(0.5)
    assert time.process_time() - before < 0.1
    shared.end()
    thread.join()
