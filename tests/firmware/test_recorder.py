"""What the ring held is in the log, in every format, and a bad log path is refused at once."""

from __future__ import annotations

import time

import can
import numpy as np
import pytest

from tianyuan.control.errors import InputError
from tianyuan.dbc.frame import EXTENDED, frames
from tianyuan.firmware.recorder import Recorder, open_log
from tianyuan.firmware.ring import SENT, push, ring


def some(rng, count: int, first_ns: int):
    made = frames(count)
    made.can_id = rng.integers(0, 0x7FF, count)
    made.can_id[::3] = rng.integers(0x800, 0x1FFF_FFFF, len(made.can_id[::3])) | EXTENDED
    made.length = rng.integers(0, 9, count)
    for frame in made:
        frame.payload[: frame.length] = rng.integers(0, 256, int(frame.length))
    made.channel = rng.integers(0, 2, count)
    made.t_ns = first_ns + 100_000 * np.arange(count)
    return made


def channel_of(message: can.Message) -> int:
    return int(str(message.channel).removeprefix("can") or 0)


@pytest.mark.parametrize("ending", [".blf", ".asc", ".log"])
def test_the_log_holds_every_frame_in_order(tmp_path, ending):
    rng, kept, log = np.random.default_rng(1), ring(4096), tmp_path / f"run{ending}"
    recorder = Recorder(kept, log)
    recorder.start()
    pushed = []
    for i in range(40):
        block, mark = some(rng, 25, 1_000_000_000 + i * 2_500_000), SENT * (i % 2)
        push(kept, block, 25, mark)
        pushed += [(frame, mark) for frame in block]
        if i % 10 == 0:
            time.sleep(0.03)
    recorder.stop()
    with can.LogReader(str(log)) as reader:
        read = list(reader)
    assert recorder.lost == 0
    assert len(read) == len(pushed)
    began = read[0].timestamp
    for message, (frame, mark) in zip(read, pushed, strict=True):
        assert message.arbitration_id == frame.can_id & ~np.uint32(EXTENDED)
        assert message.is_extended_id == bool(frame.can_id & EXTENDED)
        assert bytes(message.data) == frame.payload[: frame.length].tobytes()
        assert message.is_rx == (mark != SENT)
        assert channel_of(message) == frame.channel
        assert message.timestamp - began == pytest.approx(
            (frame.t_ns - 1_000_000_000) * 1e-9, abs=1e-3
        )


def test_what_the_recorder_could_not_keep_up_with_is_counted(tmp_path):
    kept, rng = ring(64), np.random.default_rng(2)
    recorder = Recorder(kept, tmp_path / "run.blf")
    push(kept, some(rng, 50, 1), 50, 0)
    push(kept, some(rng, 50, 1), 50, 0)
    recorder.start()
    recorder.stop()
    assert recorder.lost == 36


@pytest.mark.parametrize("name", ["run.xyz", "run", "none/run.blf", "none/run.log", "."])
def test_a_log_that_cannot_be_written_is_refused_by_name(tmp_path, name):
    with pytest.raises(InputError) as caught:
        open_log(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_full_disk_ends_the_log_and_nothing_else(tmp_path, monkeypatch):
    kept, rng = ring(4096), np.random.default_rng(3)
    recorder = Recorder(kept, tmp_path / "run.log")

    def full(_):
        raise OSError(28, "No space left on device")

    recorder.start()
    monkeypatch.setattr(recorder._writer, "on_message_received", full)
    push(kept, some(rng, 50, 1), 50, 0)
    time.sleep(0.1)
    push(kept, some(rng, 50, 1), 50, 0)
    recorder.stop()
    assert recorder.lost == 100


@pytest.mark.timed
def test_an_idle_recorder_sleeps(tmp_path):
    recorder = Recorder(ring(4096), tmp_path / "run.blf")
    recorder.start()
    before = time.process_time()
    time.sleep(0.5)
    assert time.process_time() - before < 0.1
    recorder.stop()
