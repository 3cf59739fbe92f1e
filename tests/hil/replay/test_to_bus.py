"""A log onto a bus: all of its frames, in its order and spacing, and what is left out is told."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import can
import numpy as np
import pytest

from tianyuan.control.errors import InputError
from tianyuan.drivers.local_can import LocalBus
from tianyuan.hil.replay.to_bus import Tape, play_log, player


@pytest.fixture
def bus() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="replay-") as folder:
        yield f"{folder}/a"


def written(file: Path, count: int = 40, step_s: float = 0.005) -> Path:
    with can.Logger(str(file)) as out:
        for i in range(count):
            out.on_message_received(
                can.Message(
                    arbitration_id=0x100 + i % 3, data=i.to_bytes(2, "little"),
                    timestamp=1000.0 + i * step_s, is_rx=i % 4 != 0, channel=0,
                    is_extended_id=i % 3 == 1,
                )
            )  # fmt: skip
        other = can.Message(arbitration_id=7, timestamp=1000.0 + count * step_s, channel=2)
        out.on_message_received(other)
        wrong = can.Message(is_error_frame=True, timestamp=other.timestamp, channel=0)
        out.on_message_received(wrong)
    return file


def heard(listener: LocalBus, count: int) -> list[can.Message]:
    found = []
    while len(found) < count and (message := listener.recv(60.0)) is not None:
        found.append(message)
    return found


@pytest.mark.parametrize("interface", ["tianyuan", "python-can"])
def test_all_frames_arrive_in_order_with_their_spacing(bus, tmp_path, interface):
    log = written(tmp_path / "a.blf")
    with LocalBus(bus) as listener:
        settings = {} if interface == "tianyuan" else {"label": "by-python-can"}
        onto = player([bus], "tianyuan", settings)
        tape = Tape(log, 1, "all")
        found: list[can.Message] = []
        thread = threading.Thread(target=lambda: found.extend(heard(listener, 40)))
        thread.start()
        began_s = time.time()
        told = play_log(tape, onto, speed=2.0)
        thread.join()
        onto.close()
    assert [int.from_bytes(m.data, "little") for m in found] == list(range(40))
    assert [m.is_extended_id for m in found] == [i % 3 == 1 for i in range(40)]
    assert told.sent == 40
    assert told.seconds == pytest.approx(39 * 0.005 / 2.0)
    assert (told.late_ns >= 0).all()
    assert {why: told.left_out[why] for why in told.left_out} == {
        "of can2, for which no bus is given": 1, "error frames": 1
    }  # fmt: skip
    # Never early by the listener's own clock, however late the first was.
    assert found[-1].timestamp - began_s > 39 * 0.005 / 2.0 - 0.001


def test_only_those_that_came_in_or_went_out_are_sent_if_asked(tmp_path):
    log = written(tmp_path / "a.blf")
    came, went = (
        np.concatenate([block.can_id for block in Tape(log, 1, way).blocks()])
        for way in ("in", "out")
    )
    assert (came.size, went.size) == (30, 10)


def test_the_player_stops_when_asked(bus, tmp_path):
    log = written(tmp_path / "a.blf", count=100, step_s=1.0)
    onto, stop = player([bus], "tianyuan", {}), threading.Event()
    stop.set()
    began = time.monotonic()
    told = play_log(Tape(log, 1, "all"), onto, stop=stop)
    onto.close()
    assert told.sent == 0
    assert time.monotonic() - began < 30.0


def test_an_adapter_that_is_not_there_is_told_in_a_line():
    with pytest.raises(InputError, match="no-such-interface"):
        player(["a"], "no-such-interface", {})
