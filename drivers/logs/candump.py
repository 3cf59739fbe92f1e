"""Candump's logs, ``(1436509052.249713) can0 044#2A366C2BBA``, as its ``-L`` and ``-l`` write them.

After ``#`` comes the payload, or R and its length of a remote frame; after ``##`` a digit of
flags and the payload of CAN FD. An identifier of more than three digits is extended, or has the
kernel's flag of an error frame. A last R or T says received or sent.
Source: can-utils, lib.c and candump.c.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from tianyuan.control.kernels import inlined, kernel
from tianyuan.dbc.frame import BRS, ERROR, EXTENDED, EXTENDED_MASK, FDF, REMOTE, STANDARD_MASK, TX
from tianyuan.drivers.logs.channels import Channels
from tianyuan.drivers.logs.notes import Notes
from tianyuan.drivers.logs.numbers import (
    NO_DIGIT,
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
    OTHER_KIND,
    TOO_LONG,
    UNKNOWN_BUS,
    booked,
    channel_of,
    clear,
    line_end,
    parsed,
    put,
)

_OPEN: Final = ord("(")
_CLOSE: Final = ord(")")
_HASH: Final = ord("#")
_RETURN: Final = ord("\r")
_RAW_LENGTH: Final = ord("_")  # before the DLC of a classic frame whose DLC is above 8
_FLAGS: Final = BRS | 0x02
_SHORT_ID: Final = 3  # digits


def read(source: Source, channels: Channels, notes: Notes) -> Iterator[np.recarray]:
    """Blocks of a candump log's frames."""
    return parsed(parse, source, channels, notes)


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


@inlined
def _line(text, at, end, out, names, cursor):
    while end > at and (octet(text, end - 1) == _RETURN or octet(text, end - 1) == 0x20):
        end -= 1
    at = skip_blanks(text, at, end)
    if at == end:
        return NOTHING
    if octet(text, at) != _OPEN:
        return NO_FRAME
    t_ns, at = seconds_as_ns(text, at + 1, end)
    if t_ns < 0 or at >= end or octet(text, at) != _CLOSE:
        return NO_FRAME
    name_at = skip_blanks(text, at + 1, end)
    name_end = skip_word(text, name_at, end)
    at = skip_blanks(text, name_end, end)
    can_id, stop = hexadecimal(text, at, end)
    if can_id < 0 or name_end - name_at > LONGEST_NAME or stop >= end or octet(text, stop) != _HASH:
        return NO_FRAME
    flagged = _with_flags(can_id, stop - at)
    if flagged < 0:
        return NO_FRAME
    channel = channel_of(text, name_at, name_end, names)
    if channel < 0:
        cursor.name_at = name_at
        cursor.name_end = name_end
        return UNKNOWN_BUS
    return _rest(text, stop + 1, end, out, cursor.frames, flagged, channel, t_ns)


@kernel
def _with_flags(can_id, digits):
    """The identifier with the kernel's flags, -1 if there is no such identifier."""
    if digits <= _SHORT_ID:
        return can_id if can_id <= STANDARD_MASK else -1
    if can_id & ERROR:
        return ERROR | (can_id & EXTENDED_MASK)
    return EXTENDED | can_id if can_id <= EXTENDED_MASK else -1


@inlined
def _rest(text, at, end, out, n, can_id, channel, t_ns):
    """Everything after the first #."""
    clear(out, n)
    flags, most = 0, 8
    if at < end and octet(text, at) == _HASH:
        at += 1
        if at < end and octet(text, at) == _HASH:
            return OTHER_KIND  # CAN XL
        if at >= end or digit(text, at) == NO_DIGIT:
            return NO_FRAME
        flags, most = FDF | (digit(text, at) & _FLAGS), 64
        at += 1
    if at < end and (octet(text, at) == ord("R") or octet(text, at) == ord("r")):
        length, at = _remote_length(text, at + 1, end)
        can_id |= REMOTE
    else:
        length, at = _payload(text, at, end, out, n)
    if length < 0:
        return NO_FRAME
    if length > most:
        return TOO_LONG
    if at < end and octet(text, at) == _RAW_LENGTH:
        at += 2
    sent, at = _direction(text, at, end)
    if at != end:
        return NO_FRAME
    put(out, n, can_id, length, flags, channel, sent, t_ns)
    return FRAME_READ


@kernel
def _remote_length(text, at, end):
    """The length that a remote frame asks for; 0 where it says none."""
    if at < end and digit(text, at) < 10:
        return digit(text, at), at + 1
    return 0, at


@inlined
def _payload(text, at, end, out, n):
    """Write the payload of frame ``n``: its length, -1 if a digit is missing, and where it ends.

    What is beyond 64 bytes is only counted.
    """
    length = 0
    while at + 1 < end:
        high, low = digit(text, at), digit(text, at + 1)
        if (high | low) & NO_DIGIT:
            break
        if length < 64:
            out.octets[n, 8 + length] = high << 4 | low
        length += 1
        at += 2
    if at < end and digit(text, at) < NO_DIGIT:
        return -1, at
    return length, at


@kernel
def _direction(text, at, end):
    """TX if the line's last letter says that the frame was sent, and where that ends."""
    letter = skip_blanks(text, at, end)
    if letter == at or letter + 1 != end:
        return 0, at
    if octet(text, letter) == ord("T") or octet(text, letter) == ord("t"):
        return TX, end
    if octet(text, letter) == ord("R") or octet(text, letter) == ord("r"):
        return 0, end
    return 0, at
