"""GVRET CSV, SavvyCAN's own: microseconds, identifier, extended, (direction,) bus, length, bytes.

``166064000,0000021A,false,0,8,FE,36,12,FE,69,05,07,AD,``: newer versions have Rx or Tx before the
bus. CAN FD is not marked, so a frame of more than eight bytes is one.
Source: SavvyCAN, framefileio.cpp.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from tianyuan.control.kernels import kernel
from tianyuan.dbc.frame import EXTENDED, EXTENDED_MASK, FDF, STANDARD_MASK, TX
from tianyuan.drivers.logs.channels import Channels
from tianyuan.drivers.logs.notes import Notes
from tianyuan.drivers.logs.numbers import decimal, digit, hexadecimal, octet, skip_blanks
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

_COMMA: Final = ord(",")
_MICROSECOND_NS: Final = 1000
_LATEST_US: Final = 9_000_000_000_000_000
_RETURN: Final = ord("\r")
_TRUE: Final = ord("t")  # true begins so, and Tx, and the title's Time Stamp
_ONE: Final = ord("1")
_SMALL: Final = 0x20  # this bit makes a letter a small one


def read(source: Source, channels: Channels, notes: Notes) -> Iterator[np.recarray]:
    """Blocks of a GVRET log's frames."""
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


@kernel
def _line(text, at, end, out, names, cursor):
    at = skip_blanks(text, at, end)
    if at == end or octet(text, at) == _RETURN or octet(text, at) | _SMALL == _TRUE:
        return NOTHING
    time_us, at = decimal(text, at, end)
    if time_us < 0 or time_us > _LATEST_US:
        return NO_FRAME
    can_id, at = hexadecimal(text, _after_comma(text, at, end), end)
    at = _after_comma(text, at, end)
    if can_id < 0 or at >= end:
        return NO_FRAME
    extended = octet(text, at) | _SMALL == _TRUE or octet(text, at) == _ONE
    at = _after_comma(text, _comma(text, at, end), end)
    sent = 0
    if at < end and digit(text, at) >= 10:
        sent = TX if octet(text, at) | _SMALL == _TRUE else 0
        at = _after_comma(text, _comma(text, at, end), end)
    name_at, name_end = at, at
    while name_end < end and digit(text, name_end) < 10:
        name_end += 1
    length, at = decimal(text, _after_comma(text, name_end, end), end)
    if name_end == name_at or name_end - name_at > LONGEST_NAME or length < 0:
        return NO_FRAME
    if can_id > (EXTENDED_MASK if extended else STANDARD_MASK):
        return NO_FRAME
    if length > 64:
        return TOO_LONG
    channel = channel_of(text, name_at, name_end, names)
    if channel < 0:
        cursor.name_at = name_at
        cursor.name_end = name_end
        return UNKNOWN_BUS
    n = cursor.frames
    clear(out, n)
    for j in range(length):
        value, at = hexadecimal(text, _after_comma(text, at, end), end)
        if value < 0 or value > 0xFF:
            return NO_FRAME
        out.octets[n, 8 + j] = value
    can_id |= EXTENDED if extended else 0
    flags = FDF if length > 8 else 0
    put(out, n, can_id, length, flags, channel, sent, time_us * _MICROSECOND_NS)
    return FRAME_READ


@kernel
def _comma(text, at, end):
    """The first comma from ``at``."""
    while at < end and octet(text, at) != _COMMA:
        at += 1
    return at


@kernel
def _after_comma(text, at, end):
    """Where the next field begins if there is a comma at ``at``, otherwise the end."""
    at = skip_blanks(text, at, end)
    return skip_blanks(text, at + 1, end) if at < end and octet(text, at) == _COMMA else end
