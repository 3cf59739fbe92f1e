"""Vector's text log: ``2.501 1  6F9x  Rx  d 8 05 0C …``, and CANFD lines with what they add.

Numbers are hexadecimal, unless its head says otherwise: then python-can reads it. Lines of other
events, statistics and comments are passed over. Times are from the log's beginning.
Source: python-can, ``io/asc.py``, and the published logs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import numpy as np

from tianyuan.control.kernels import kernel
from tianyuan.dbc.frame import BRS, ERROR, EXTENDED, EXTENDED_MASK, FDF, REMOTE, STANDARD_MASK, TX
from tianyuan.drivers.logs import by_python_can
from tianyuan.drivers.logs.channels import Channels
from tianyuan.drivers.logs.notes import Notes
from tianyuan.drivers.logs.numbers import (
    decimal,
    digit,
    hexadecimal,
    octet,
    seconds_as_ns,
    skip_blanks,
    skip_word,
)
from tianyuan.drivers.logs.source import Source
from tianyuan.drivers.logs.text import (
    DONE,
    FRAME_READ,
    FULL,
    LONGEST_NAME,
    NEW_NAME,
    NO_FRAME,
    NOTHING,
    TOO_LONG,
    UNKNOWN_BUS,
    booked,
    channel_of,
    clear,
    line_end,
    parsed,
    put,
)

_DECIMAL: Final = re.compile(rb"^base\s+dec", re.MULTILINE | re.IGNORECASE)
_RETURN: Final = ord("\r")
_SMALL: Final = 0x20  # this bit makes a letter a small one
_ESI: Final = 0x02
# What lines without a time begin with: date, base, begin, internal, no, end, a comment.
_OTHER: Final = tuple(b"dbine/")
_R, _T, _X, _E, _C = b"rtxec"
_EVENT_LETTERS: Final = 10  # of ErrorFrame
_NO_ID: Final = -1


def read(source: Source, channels: Channels, notes: Notes) -> Iterator[np.recarray]:
    """Blocks of an ASC log's frames."""
    if _DECIMAL.search(source.head):
        return by_python_can.read_asc(source, channels, notes)
    return parsed(parse, source, channels, notes, bus_name)


def bus_name(number: str) -> str:
    """The name of a bus, whose numbers begin with 1 here."""
    return f"can{max(int(number) - 1, 0)}"


@kernel
def parse(text, end, out, names, cursor):
    """See ``text.py``."""
    while cursor.at < end:
        if cursor.frames == out.words.shape[0]:
            return FULL
        stop = line_end(text, cursor.at, end)
        if not booked(_line(text, cursor.at, stop, out, names, cursor), stop, cursor):
            return NEW_NAME
    return DONE


@kernel
def _line(text, at, end, out, names, cursor):
    while end > at and (octet(text, end - 1) == _RETURN or octet(text, end - 1) == 0x20):
        end -= 1
    at = skip_blanks(text, at, end)
    if at == end:
        return NOTHING
    if digit(text, at) >= 10:
        return NOTHING if octet(text, at) | _SMALL in _OTHER else NO_FRAME
    t_ns, at = seconds_as_ns(text, at, end)
    begin = skip_blanks(text, at, end)
    if t_ns < 0 or begin in (at, end):
        return NO_FRAME
    stop = skip_word(text, begin, end)
    fd = (
        stop - begin == 5
        and octet(text, begin) | _SMALL == _C
        and octet(text, stop - 2) | _SMALL == ord("f")
    )
    if fd:
        begin = skip_blanks(text, stop, end)
    _, stop = decimal(text, begin, end)
    at = skip_blanks(text, stop, end)
    if stop == begin or at in (stop, end):
        return NO_FRAME if fd else NOTHING
    way = skip_blanks(text, skip_word(text, at, end), end)
    if not fd and not _is_error(text, at, end) and _direction(text, way, end) < 0:
        return NOTHING  # statistics and the like
    channel = channel_of(text, begin, stop, names)
    if channel < 0:
        if stop - begin > LONGEST_NAME:
            return NO_FRAME
        cursor.name_at = begin
        cursor.name_end = stop
        return UNKNOWN_BUS
    clear(out, cursor.frames)
    if fd:
        return _fd(text, at, end, out, cursor.frames, channel, t_ns)
    return _classic(text, at, end, out, cursor.frames, channel, t_ns)


@kernel
def _classic(text, at, end, out, n, channel, t_ns):
    """What follows the bus: identifier, Rx or Tx, then d, DLC and bytes, or r and maybe a DLC."""
    if _is_error(text, at, end):
        put(out, n, ERROR | EXTENDED, 0, 0, channel, 0, t_ns)
        return FRAME_READ
    stop = skip_word(text, at, end)
    way = skip_blanks(text, stop, end)
    sent = _direction(text, way, end)
    can_id = _identifier(text, at, stop)
    at = skip_blanks(text, way + 2, end)
    if can_id == _NO_ID or at >= end:
        return NO_FRAME
    remote = octet(text, at) | _SMALL == _R
    at = skip_blanks(text, skip_word(text, at, end), end)
    dlc, stop = hexadecimal(text, at, end)
    if remote:
        whole = at < end and digit(text, at) < 10 and stop == skip_word(text, at, end)
        put(out, n, can_id | REMOTE, min(dlc, 8) if whole else 0, 0, channel, sent, t_ns)
        return FRAME_READ
    if dlc < 0 or not _bytes(text, stop, end, out, n, min(dlc, 8)):
        return NO_FRAME
    put(out, n, can_id, min(dlc, 8), 0, channel, sent, t_ns)
    return FRAME_READ


@kernel
def _fd(text, at, end, out, n, channel, t_ns):
    """What follows the bus: Rx or Tx, identifier, maybe a name, BRS, ESI, DLC, length, bytes."""
    sent = _direction(text, at, end)
    at = skip_blanks(text, at + 2, end)
    if sent >= 0 and _is_error(text, at, end):
        put(out, n, ERROR | EXTENDED, 0, FDF, channel, sent, t_ns)
        return FRAME_READ
    stop = skip_word(text, at, end)
    can_id = _identifier(text, at, stop)
    if sent < 0 or can_id == _NO_ID:
        return NO_FRAME
    at = skip_blanks(text, stop, end)
    brs, stop = decimal(text, at, end)
    if stop != skip_word(text, at, end):  # its name
        brs, stop = decimal(text, skip_blanks(text, skip_word(text, at, end), end), end)
    esi, stop = decimal(text, skip_blanks(text, stop, end), end)
    dlc, stop = hexadecimal(text, skip_blanks(text, stop, end), end)
    length, stop = decimal(text, skip_blanks(text, stop, end), end)
    if brs < 0 or esi < 0 or dlc < 0 or length < 0:
        return NO_FRAME
    if length > 64 or dlc > 15:
        return TOO_LONG
    flags = FDF | (BRS if brs == 1 else 0) | (_ESI if esi == 1 else 0)
    if length == 0:  # so python-can has it: a remote frame
        put(out, n, can_id | REMOTE, dlc, flags, channel, sent, t_ns)
        return FRAME_READ
    if not _bytes(text, stop, end, out, n, length):
        return NO_FRAME
    put(out, n, can_id, length, flags, channel, sent, t_ns)
    return FRAME_READ


@kernel
def _is_error(text, at, end):
    """Whether the word here is ErrorFrame."""
    stop = skip_word(text, at, end)
    return (
        stop - at == _EVENT_LETTERS
        and octet(text, at) | _SMALL == _E
        and octet(text, at + 5) | _SMALL == ord("f")
        and octet(text, stop - 1) | _SMALL == _E
    )


@kernel
def _direction(text, at, end):
    """0 for Rx, TX for Tx, -1 for another word."""
    if skip_word(text, at, end) - at != 2 or octet(text, at + 1) | _SMALL != _X:
        return -1
    if octet(text, at) | _SMALL == _T:
        return TX
    return 0 if octet(text, at) | _SMALL == _R else -1


@kernel
def _identifier(text, at, end):
    """The identifier that a word is, with its flag: extended if it ends in x."""
    can_id, stop = hexadecimal(text, at, end)
    if stop == end and 0 <= can_id <= STANDARD_MASK:
        return can_id
    if stop + 1 == end and octet(text, stop) | _SMALL == _X and 0 <= can_id <= EXTENDED_MASK:
        return can_id | EXTENDED
    return _NO_ID


@kernel
def _bytes(text, at, end, out, n, count):
    """Write the payload of frame ``n``: False if there are fewer bytes."""
    for j in range(count):
        at = skip_blanks(text, at, end)
        value, stop = hexadecimal(text, at, end)
        if value < 0 or value > 0xFF or stop != skip_word(text, at, end):
            return False
        out.octets[n, 8 + j] = value
        at = stop
    return True
