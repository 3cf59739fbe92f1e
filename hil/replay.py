"""Replay: a drive's recorded frames through the same compiled tick, compared bit for bit.

A log holds, tick by tick, the frames that came in, the frames that went out and the marker
with the tick's integer time. The loop's own reports travel in the host's frames; they are
told to the tick again, so every frame that went out must come out again.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import can
import numpy as np
from can.io.blf import BLFParseError

from tianyuan.control.errors import InputError
from tianyuan.dbc.codec import RECEIVED, decode, records
from tianyuan.dbc.frame import BRS, ERROR, EXTENDED, FDF, FRAME, REMOTE, frames
from tianyuan.firmware.host import Host
from tianyuan.firmware.host_record import HOST, HOST_CHANNEL, TICK_ID
from tianyuan.firmware.log_file import parts

# What python-can's readers raise on files that are no logs, in no class of their own.
_GARBLED = (
    ArithmeticError, AttributeError, BLFParseError, LookupError, OSError, TypeError, ValueError,
    can.CanError, struct.error, zlib.error,
)  # fmt: skip
COMPARED = ("can_id", "length", "flags", "channel", "payload")


class Mismatch(NamedTuple):
    """The first frame that came out otherwise: its tick, and both as text."""

    tick: int
    recorded: str
    replayed: str


class Outcome(NamedTuple):
    """Ticks replayed, frames that differ, and the first of them."""

    ticks: int
    mismatches: int
    first_mismatch: Mismatch | None
    seconds: float  # of driving


def _fill(frame: Any, message: can.Message) -> None:
    frame.can_id = (
        message.arbitration_id
        | (EXTENDED if message.is_extended_id else 0)
        | (REMOTE if message.is_remote_frame else 0)
        | (ERROR if message.is_error_frame else 0)
    )
    frame.length = message.dlc
    frame["flags"] = (FDF if message.is_fd else 0) | (BRS if message.bitrate_switch else 0)
    frame.channel = int(str(message.channel).removeprefix("can") or 0)
    data = np.frombuffer(bytes(message.data), np.uint8)
    frame.payload[: data.size] = data


def read_ticks(log: Path) -> Iterator[tuple[int, np.recarray, np.recarray]]:
    """Each tick of a log: its time, the frames that came in and the frames that went out.

    A tick cut off at the end of the log, or of a part of it whose recorder died, is dropped;
    so is one that the recorder after it wrote again. Raises InputError for a log that cannot
    be read.
    """
    last_ns = 0
    files = parts(log)
    for file in files:
        for t_ns, came, went in _ticks_of(file, whole=file == files[-1]):
            if t_ns > last_ns:
                yield t_ns, came, went
                last_ns = t_ns


def _ticks_of(file: Path, whole: bool) -> Iterator[tuple[int, np.recarray, np.recarray]]:
    came, went = list[can.Message](), list[can.Message]()
    for message in _messages(file, whole):
        (came if message.is_rx else went).append(message)
        if message.arbitration_id == TICK_ID and not message.is_rx:
            t_ns = int.from_bytes(message.data, "little", signed=True)
            yield t_ns, _frames(came, t_ns), _frames(went, t_ns)
            came, went = [], []


def _messages(file: Path, whole: bool) -> Iterator[can.Message]:
    """The messages in a file, which only a recorder that ended by itself left ``whole``."""
    try:
        with can.LogReader(str(file)) as reader:
            yield from reader
    except _GARBLED as error:
        if not whole:
            return
        why = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{file}: cannot be read as a log: {why}") from None


def _frames(messages: list[can.Message], t_ns: int) -> np.recarray:
    made = frames(len(messages))
    for frame, message in zip(made, messages, strict=True):
        _fill(frame, message)
        frame.t_ns = t_ns
    return made


def _text(frame: np.void | None) -> str:
    if frame is None:
        return "no frame"
    data = frame["payload"][: int(frame["length"])].tobytes().hex()
    return f"{int(frame['can_id']):x}#{data} on {int(frame['channel'])}"


def _differ(recorded: np.ndarray, replayed: np.ndarray) -> list[tuple[Any, Any]]:
    pairs = []
    for i in range(max(recorded.size, replayed.size)):
        one = recorded[i] if i < recorded.size else None
        other = replayed[i] if i < replayed.size else None
        if one is None or other is None or any(np.any(one[n] != other[n]) for n in COMPARED):
            pairs.append((one, other))
    return pairs


class _Told:
    """What the loop told the tick, read back from the host's own frames."""

    FIELDS = (
        "wake_us", "receive_us", "tick_us", "send_us", "overruns", "shutdown", "overruns_in_a_row",
        "interface_down", "unsent_in_a_row",
    )  # fmt: skip

    def __init__(self, host: Host) -> None:
        self._host = host
        self._values = np.zeros(len(HOST.names or ()))
        self._received = records(host.tables.host, RECEIVED)

    def tell(self, went: np.recarray) -> None:
        for i in range(went.size):
            if went[i].channel == HOST_CHANNEL:
                decode(self._host.tables.host, went, i, self._received, self._values)
        names = list(HOST.names or ())
        for field in self.FIELDS:
            self._host.memory.host[field][0] = self._values[names.index(field)]


def replay(log: Path, host: Host, progress: Callable[[int], None] | None = None) -> Outcome:
    """Feed a log's frames to ``host``, fresh from ``make_host``, and compare what comes out."""
    told = _Told(host)
    ticks = mismatches = 0
    first: Mismatch | None = None
    began_ns = ended_ns = 0
    for t_ns, came, went in read_ticks(log):
        if came.size > host.frames_in.size:
            raise InputError(
                f"{log}: {came.size} frames came in tick {ticks}, above {host.frames_in.size}; "
                f"no log of `tianyuan drive`"
            )
        told.tell(went)
        host.frames_in[: came.size] = came
        n_out = host.tick(came.size, t_ns)
        wrong = _differ(went, host.frames_out[:n_out].view(FRAME))
        mismatches += len(wrong)
        if wrong and first is None:
            first = Mismatch(ticks, _text(wrong[0][0]), _text(wrong[0][1]))
        began_ns, ended_ns = began_ns or t_ns, t_ns
        ticks += 1
        if progress is not None:
            progress(ticks)
    if ticks == 0:
        raise InputError(f"{log}: holds no tick of ours; record it with `tianyuan drive --log`")
    return Outcome(ticks, mismatches, first, (ended_ns - began_ns) * 1e-9)
