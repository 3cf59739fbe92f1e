"""The objects in a BLF log: frames out of bytes, by a kernel.

An object begins with LOBJ, the length of its header (u16) and its version (u16), its own length
and its type (u32 each); then flags, which tell the unit of time, and the time (u64). Between
objects lie up to eight bytes of padding. Layouts are those of python-can's ``io/blf.py``, which
has them from Toby Lorenz's Vector BLF.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from tianyuan.control.kernels import kernel
from tianyuan.dbc.frame import BRS, ERROR, EXTENDED, EXTENDED_MASK, FDF, REMOTE, STANDARD_MASK
from tianyuan.drivers.logs.text import DONE, FULL, NEW_NAME, clear, put

BASE_BYTES: Final = 16  # of a header, before flags and time
LONGEST: Final = 1 << 20  # bytes of an object that is no container: longer ones are damaged
PADDING: Final = 8
TYPES: Final = 256  # counted apart; the last one also stands for all above it
GARBAGE, DAMAGED, TOO_LONG, NO_IDENTIFIER = 0, 1, 2, 3
FAULTS: Final = (
    "garbage bytes",
    "damaged object",
    "length that no frame has",
    "identifier above 0x7ff, not extended",
)
_L, _O, _B, _J = b"LOBJ"
_CAN_MESSAGE, _CAN_MESSAGE2, _CAN_ERROR_EXT = 1, 86, 73
_CAN_FD_MESSAGE, _CAN_FD_MESSAGE_64 = 100, 101
_FRAMES: Final = (
    _CAN_MESSAGE,
    _CAN_MESSAGE2,
    _CAN_ERROR_EXT,
    _CAN_FD_MESSAGE,
    _CAN_FD_MESSAGE_64,
)
_TEN_MICROSECONDS: Final = 1  # of the flags; otherwise nanoseconds
_LATEST: Final = 1 << 62  # ns: a time beyond it is damaged
_SENT, _REMOTE_BIT = 0x01, 0x80
_ESI: Final = 0x02  # of a frame's flags
# Bytes of each kind before its payload.
_CLASSIC_HEAD, _ERROR_HEAD, _FD_HEAD, _FD_64_HEAD = 8, 24, 20, 40

CURSOR: Final = np.dtype(
    [
        ("at", "i8"),  # in the bytes
        ("frames", "i8"),  # written of the array
        ("objects", "i8"),  # met so far
        ("number", "i8"),  # of the bus that has no channel yet
        ("start_ns", "i8"),  # of the log, since 1970: times are from there
        ("is_lost", "i8"),  # within garbage that has been counted
        ("times", "i8", (len(FAULTS),)),  # of each fault
        ("first", "i8", (len(FAULTS),)),  # the number of objects before it
        ("other", "i8", (TYPES,)),  # objects that are no frames, by type
    ]
)


@kernel
def parse(data, end, out, channels, cursor):
    """Read objects of ``data[cursor.at:end]`` that are whole, until ``out`` is full.

    ``channels`` (65536,) has the channel of each of the log's buses, -1 of one that is new: at
    its first frame this stops.
    """
    while _to_object(data, end, cursor):
        if cursor.frames == out.words.shape[0]:
            return FULL
        at = cursor.at
        size, kind = _u32(data, at + 8), _u32(data, at + 12)
        if size < BASE_BYTES or size > LONGEST:
            _blame(cursor, DAMAGED)
            cursor.at += 4
            continue
        if at + size > end:
            return DONE
        header = _header(data, at)
        if kind not in _FRAMES:
            cursor.other[min(kind, TYPES - 1)] += 1
        elif header == 0 or size < header + _head_of(kind):
            _blame(cursor, DAMAGED)
        elif not _take(data, at, at + header, at + size, kind, out, channels, cursor):
            return NEW_NAME
        cursor.objects += 1
        cursor.at += size
    return DONE


@kernel
def _to_object(data, end, cursor):
    """Go to the next object: whether its header is there."""
    begin = cursor.at
    at = begin
    while at + BASE_BYTES <= end:
        if data[at] == _L and data[at + 1] == _O and data[at + 2] == _B and data[at + 3] == _J:
            cursor.at = at
            cursor.is_lost = 0
            return True
        if at - begin == PADDING and cursor.is_lost == 0:
            _blame(cursor, GARBAGE)
            cursor.is_lost = 1
        at += 1
    if cursor.is_lost:
        cursor.at = max(at, begin)
    return False


@kernel
def _blame(cursor, fault):
    if cursor.times[fault] == 0:
        cursor.first[fault] = cursor.objects
    cursor.times[fault] += 1


@kernel
def _u16(data, at):
    return np.int64(data[at]) | np.int64(data[at + 1]) << 8


@kernel
def _u32(data, at):
    return _u16(data, at) | _u16(data, at + 2) << 16


@kernel
def _header(data, at):
    """Bytes of the whole header of the object ``at``, 0 if its version is not known."""
    version = _u16(data, at + 6)
    if version == 1:
        return 32
    return 40 if version == 2 else 0


@kernel
def _head_of(kind):
    """Bytes that a frame of this kind has before its payload."""
    if kind == _CAN_ERROR_EXT:
        return _ERROR_HEAD
    if kind == _CAN_FD_MESSAGE:
        return _FD_HEAD
    return _FD_64_HEAD if kind == _CAN_FD_MESSAGE_64 else _CLASSIC_HEAD


@kernel
def _time_ns(data, at, start_ns):
    """When the object ``at`` was, -1 if that cannot be."""
    low, high = _u32(data, at + 24), _u32(data, at + 28)
    unit = 10_000 if _u32(data, at + 16) == _TEN_MICROSECONDS else 1
    if high >= _LATEST // unit >> 32:
        return -1
    return start_ns + (high << 32 | low) * unit


@kernel
def _length_of(dlc):
    """Bytes of a CAN FD frame with this DLC; 64 of one that cannot be."""
    if dlc <= 8:
        return dlc
    if dlc > 15:
        return 64
    return 8 + 4 * (dlc - 8) if dlc <= 12 else 16 * (dlc - 11)


@kernel
def _take(data, at, body, end, kind, out, channels, cursor):
    """Write the frame whose object begins ``at``, or count why it is none: False if its bus is new.

    An identifier that is too large without the extended bit is given as it is, and a length that
    no frame can have becomes the longest: as python-can reads them.
    """
    number, dlc, flags, can_id = _u16(data, body), np.int64(data[body + 3]), 0, 0
    sent = data[body + 2] & _SENT
    remote = data[body + 2] & _REMOTE_BIT != 0
    identifier = _u32(data, body + 4)
    payload = body + _head_of(kind)
    there = end - payload
    if kind == _CAN_ERROR_EXT:
        sent, remote = 0, False
        can_id, dlc, identifier = ERROR, np.int64(data[body + 10]), _u32(data, body + 16)
    elif kind == _CAN_FD_MESSAGE:
        flags = _fd_flags(np.int64(data[body + 13]))
        there = min(there, np.int64(data[body + 14]))
    elif kind == _CAN_FD_MESSAGE_64:
        bits = _u32(data, body + 12)
        number, dlc, flags = np.int64(data[body]), np.int64(data[body + 1]), _fd_flags(bits >> 12)
        sent, remote = min(data[body + 34], 1), bits & 0x10 != 0
        after = np.int64(data[body + 35])  # where something else follows the payload, from ``at``
        there = min(there if after == 0 else at + after - payload, np.int64(data[body + 2]))
    t_ns = _time_ns(data, at, cursor.start_ns)
    if t_ns < 0:
        _blame(cursor, DAMAGED)
        return True
    if channels[number] < 0:
        cursor.number = number
        return False
    if dlc > 15:
        _blame(cursor, TOO_LONG)
    if identifier & EXTENDED == 0 and can_id == 0 and identifier & EXTENDED_MASK > STANDARD_MASK:
        _blame(cursor, NO_IDENTIFIER)
    can_id |= identifier & (EXTENDED | EXTENDED_MASK) | (REMOTE if remote else 0)
    length = _length_of(dlc) if flags else min(dlc, 8)
    n = cursor.frames
    clear(out, n)
    for j in range(0 if remote else min(there, length)):
        out.octets[n, 8 + j] = data[payload + j]
    put(out, n, can_id, length, flags, channels[number], sent, t_ns)
    cursor.frames += 1
    return True


@kernel
def _fd_flags(bits):
    """A frame's flags of BLF's EDL, BRS and ESI, in this order from bit 0; 0 if it is classic."""
    if bits & 1 == 0:
        return 0
    return FDF | (BRS if bits & 2 else 0) | (_ESI if bits & 4 else 0)
