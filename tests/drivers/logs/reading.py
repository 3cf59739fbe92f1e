"""How the tests of logs read them, with python-can as their oracle."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import can
import numpy as np

from tianyuan.control.errors import InputError
from tianyuan.dbc.frame import TX, frames
from tianyuan.drivers.logs.log import Log
from tianyuan.drivers.messages import write_frame

FIELDS = ("can_id", "length", "flags", "reserved", "payload")


def all_frames(log: Log) -> np.recarray:
    """Every frame of a log in one array."""
    return np.concatenate([frames(0), *log.blocks()]).view(np.recarray)


def frames_of(messages: Iterable[can.Message]) -> np.recarray:
    """Python-can's messages as frames; a classic frame has eight bytes at most."""
    messages = list(messages)
    made = frames(len(messages))
    for at, message in enumerate(messages):
        if not message.is_fd:
            message.dlc = min(message.dlc, 8)
        identifier = message.arbitration_id
        if not message.is_extended_id:  # a published log has larger ones, which none can have
            message.arbitration_id &= 0x7FF
        write_frame(message, made, at)
        made[at].can_id |= identifier
        made[at].t_ns = round(message.timestamp * 1e9)
        made[at].reserved = 0 if message.is_rx else TX
    return made


def kinds(log: Log) -> dict[str, int]:
    """What was wrong with a log, and how often."""
    return {note.kind: note.times for note in log.notes.all()}


def assert_same(read: np.recarray, expected: np.recarray, within_ns: int = 0) -> None:
    """Frame by frame the same, but for the channels' numbers."""
    assert read.size == expected.size
    for field in FIELDS:
        assert (read[field] == expected[field]).all(), field
    assert (abs(read.t_ns - expected.t_ns) <= within_ns).all()


def assert_cuts_harmless(
    whole: Path, cut: Path, last: int = 10_000, step: int = 1, one_stream: bool = True
) -> None:
    """However a log is cut in its last bytes, what is read is how the whole log begins.

    At least as much of it as a shorter log gave, and without an exception but one line. A log
    of several streams, each cut elsewhere, has all the same no frame that the whole one lacks.
    """
    content = whole.read_bytes()
    frames_whole = all_frames(Log(whole))
    expected, known = frames_whole.tobytes(), {frame.tobytes() for frame in frames_whole}
    least = 0
    for size in [*range(max(len(content) - last, 0), len(content), step), len(content)]:
        cut.write_bytes(content[:size])
        try:
            frames_read = all_frames(Log(cut))
        except InputError as error:
            frames_read = frames(0)
            assert "\n" not in str(error)
        read = frames_read.tobytes()
        if one_stream:
            assert expected.startswith(read), f"cut at byte {size}"
        else:
            assert {frame.tobytes() for frame in frames_read} <= known, f"cut at byte {size}"
        assert len(read) >= least, f"cut at byte {size}"
        least = len(read)
    assert least == len(expected)
