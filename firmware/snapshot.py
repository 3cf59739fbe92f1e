"""The host's whole state, now and then, among the frames of the log: where a replay may begin.

What the host knows depends on all that came since it started. Where a log's oldest parts were
dropped, or frames are missing, nobody could tell any more; so once a second the loop adds its
state, in frames of the host's own channel that no bus carries. Each has the number of its piece,
how many there are and what the state is laid out like; then seven words. The first word of all is
the time of the last tick.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from tianyuan.control.kernels import kernel
from tianyuan.dbc.frame import FDF, WORDS, frames
from tianyuan.firmware.host_record import HOST_CHANNEL, SNAPSHOT_ID
from tianyuan.firmware.tables import Memory

EACH: Final = 7  # words of the state in a frame, behind one that says which they are
_HEAD: Final = np.dtype([("piece", "<u2"), ("pieces", "<u2"), ("layout", "<u4")])
_LENGTH: Final = 8 + 8 * EACH
_FIRST: Final = 2  # word of a frame


class Snapshot(NamedTuple):
    """The state after a tick: its layout and its words (n,) int64, without the time."""

    layout: int
    t_ns: int
    words: np.ndarray


def _parts(sensors: np.recarray, memory: Memory, command: np.recarray) -> Sequence[np.ndarray]:
    """What ``tick`` changes, in the order of ``fill``."""
    return sensors, command, *memory


def layout(sensors: np.recarray, memory: Memory, command: np.recarray) -> int:
    """A number that tells apart what states are laid out like."""
    every = [(str(part.dtype.descr), part.shape) for part in _parts(sensors, memory, command)]
    return zlib.crc32(repr(every).encode())


def blank(sensors: np.recarray, memory: Memory, command: np.recarray) -> np.recarray:
    """The frames that such a state needs, for ``fill``."""
    words = 1 + sum(part.nbytes // 8 for part in _parts(sensors, memory, command))
    made = frames(-(-words // EACH))
    made.can_id, made.length, made["flags"], made.channel = SNAPSHOT_ID, _LENGTH, FDF, HOST_CHANNEL
    head = np.zeros(made.size, _HEAD)
    head["piece"], head["pieces"] = np.arange(made.size), made.size
    head["layout"] = layout(sensors, memory, command)
    made.payload[:, : _HEAD.itemsize] = head.view(np.uint8).reshape(made.size, -1)
    return made


@kernel
def _lay(part, words, at):
    for i in range(part.size):
        k = at + i
        words[(k // EACH) * WORDS + _FIRST + k % EACH] = part[i]
    return at + part.size


@kernel
def fill(sensors, memory, command, made, t_ns):
    """Write the state after the tick at ``t_ns`` into the frames of ``blank``."""
    words = made.view(np.int64)
    words[_FIRST] = t_ns
    at = _lay(sensors.view(np.int64), words, 1)
    at = _lay(command.view(np.int64), words, at)
    at = _lay(memory.driver.view(np.int64), words, at)
    at = _lay(memory.received.view(np.int64), words, at)
    at = _lay(memory.sent.view(np.int64), words, at)
    at = _lay(memory.due_ns, words, at)
    at = _lay(memory.host.view(np.int64), words, at)
    at = _lay(memory.host_sent.view(np.int64), words, at)
    at = _lay(memory.host_due_ns, words, at)
    at = _lay(memory.refused, words, at)
    at = _lay(memory.heartbeat.view(np.int64), words, at)
    at = _lay(memory.heartbeat_ns, words, at)
    _lay(memory.buses.view(np.int64), words, at)
    for k in range(made.size):
        words[k * WORDS + WORDS - 1] = t_ns


def find(found: np.ndarray) -> tuple[Snapshot | None, int, int]:
    """The first whole state among frames (n,) that have SNAPSHOT_ID, and where it begins and ends.

    Without one: None, and from where on a part of one may be there, twice.
    """
    head = found["payload"][:, : _HEAD.itemsize].copy().view(_HEAD)[:, 0]
    for begin in np.flatnonzero(head["piece"] == 0).tolist():
        pieces = int(head["pieces"][begin])
        own = head[begin : begin + pieces]
        if own.size < pieces and (own["piece"] == np.arange(own.size)).all():
            return None, begin, begin
        if pieces and (own["piece"] == np.arange(own.size)).all():
            words = found["payload"][begin : begin + pieces, _HEAD.itemsize :].copy()
            words = words.reshape(-1).view(np.int64)
            return Snapshot(int(own["layout"][0]), int(words[0]), words[1:]), begin, begin + pieces
    return None, found.size, found.size


def restore(snapshot: Snapshot, sensors: np.recarray, memory: Memory, command: np.recarray) -> bool:
    """Put a state back; tells whether it is one that is laid out like this."""
    if snapshot.layout != layout(sensors, memory, command):
        return False
    at = 0
    for part in _parts(sensors, memory, command):
        words = part.view(np.ndarray).view(np.int64)
        words[:] = snapshot.words[at : at + words.size]
        at += words.size
    return True
