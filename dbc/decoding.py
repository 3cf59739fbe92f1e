"""Decode: a frame's bits to channel values."""

from __future__ import annotations

import numpy as np

from tianyuan.control.kernels import inlined, kernel
from tianyuan.dbc import e2e
from tianyuan.dbc.bits import extract
from tianyuan.dbc.frame import ERROR, FDF, REMOTE, WORDS
from tianyuan.dbc.lookup import find, key_of
from tianyuan.dbc.machine import GENERATED, call
from tianyuan.dbc.records import NO_PARENT, Status
from tianyuan.dbc.scaling import listed_value, number, to_channel
from tianyuan.dbc.selection import selected

_OK = int(Status.OK)
_UNKNOWN_ID = int(Status.UNKNOWN_ID)
_NOT_DATA = int(Status.NOT_DATA)
_WRONG_LENGTH = int(Status.WRONG_LENGTH)
_WRONG_CRC = int(Status.WRONG_CRC)
_NOT_FINITE = int(Status.NOT_FINITE)
_NOT_AVAILABLE = int(Status.NOT_AVAILABLE)
_NO_DATA = REMOTE | ERROR
_WORDS = np.uint64(WORDS)
_TIME = np.uint64(WORDS - 1)


@inlined
def decode(codec, frames, i, received, values):
    """Take frame ``i`` in: return its message's index, or a negative Status if refused.

    A refused frame writes no value and is counted in its message's record, which keeps
    the time of the last accepted frame. A float that is NaN or infinite refuses its whole
    frame, and so does a condition that does not hold: NOT_AVAILABLE. A signal that its
    multiplexor does not select keeps its value.

    A frame must have exactly its message's length; a CAN FD frame may also have the next
    length there is. With protection, the first frame is taken as it comes; then a counter
    that stands still is REPEATED and one that is more than ``max_delta`` on is
    WRONG_SEQUENCE. Both refuse the frame, but the latter's counter is the one to go on
    from, as AUTOSAR's profile 1 resynchronises; 15 is no counter and never is.
    """
    words = frames.view(np.int64)
    base = np.uint64(i) * _WORDS
    key = key_of(words[base])
    message = codec.lookup[find(codec.lookup, key)]
    if message.key < 0:
        return _NOT_DATA if key & _NO_DATA else _UNKNOWN_ID
    m = message.index
    record = received[np.uint64(m)]
    status = _OK
    if not _has_length(message, words[base]):
        status = _WRONG_LENGTH
    elif message.guarded:
        if message.counter >= 0:
            status = _sequence(codec.signals, message, record, words, base, values)
        if status == _OK and message.floats and not _finite(codec, message, words, base):
            status = _NOT_FINITE
        if status == _OK and message.checked and not _holds(codec, message, received, words, base):
            status = _NOT_AVAILABLE
    record.status = status
    if status < 0:
        record.errors += 1
        return status
    if GENERATED:
        call(message.unpack, words, base, values)
    else:
        _write(codec, message.first, message.plain, words, base, values)
    if message.rest:
        _write_rest(codec, message, words, base, values)
        record.gates = _gates(codec, message, words, base)
    record.t_ns = words[base + _TIME]
    record.count += 1
    return m


@kernel
def decode_raw(codec, frames, i, raws, present):
    """Read frame ``i``'s raw values by slot: return its message's index or a Status.

    ``raws`` is i8: an unsigned 64-bit value and a float are their bit patterns, a float's
    extended like a signed number. ``present`` is u1 and tells which of the message's
    slots were written. Protection is not checked, and no record is kept.
    """
    words = frames.view(np.int64)
    base = np.uint64(i) * _WORDS
    key = key_of(words[base])
    message = codec.lookup[find(codec.lookup, key)]
    if message.key < 0:
        return _NOT_DATA if key & _NO_DATA else _UNKNOWN_ID
    m = message.index
    if not _has_length(message, words[base]):
        return _WRONG_LENGTH
    _write_raws(codec.signals, message.first, message.received, words, base, raws, present)
    for g in range(message.groups_first, message.groups_end):
        group = codec.groups[g]
        if selected(codec, g, words, base):
            _write_raws(codec.signals, group.first, group.received, words, base, raws, present)
        else:
            for s in range(group.first, group.received):
                present[codec.signals[s].slot] = 0
    return m


@inlined
def _has_length(message, header):
    length = (header >> 32) & 0xFF
    fd = (header >> 40) & FDF
    return length == message.length or (fd != 0 and length == message.padded)


@inlined
def _sequence(signals, message, record, words, base, values):
    """Find the status of a frame's protection; a right CRC makes its counter the last."""
    crc_byte = message.crc_byte
    if GENERATED:
        expected = call(message.crc, words, base, values)
    else:
        expected = e2e.crc8(message.crc_start, words, base, message.length, crc_byte)
    if expected != e2e.octet(words, base, crc_byte):
        return _WRONG_CRC
    counter = extract(signals[message.counter], words, base)
    status = _OK
    if record.count > 0 or counter >= e2e.COUNTERS:
        status = e2e.p1_sequence(record.counter, counter, message.max_delta)
    if counter < e2e.COUNTERS:
        record.counter = counter
    return status


@inlined
def _value(codec, row, words, base):
    """Read the channel value of any signal."""
    raw = extract(row, words, base)
    if row.listed != row.listed_end:
        return listed_value(codec.values, row, raw)
    return to_channel(row, number(row.kind, raw))


@kernel
def _condition(codec, c, words, base):
    """Tell whether a condition holds in the frame, which may not hold its signal."""
    check = codec.checks[c]
    if check.group != NO_PARENT and not selected(codec, check.group, words, base):
        return True
    raw = extract(codec.signals[check.signal], words, base)
    r = check.ranges_first
    while r < check.ranges_end and not codec.ranges[r].low <= raw <= codec.ranges[r].high:
        r += 1
    return (r < check.ranges_end) == (check.within != 0)


@kernel
def _holds(codec, message, received, words, base):
    """Tell whether all that the message needs holds, in the frame and of other messages."""
    for c in range(message.checks_first, message.checks_end):
        if not _condition(codec, c, words, base):
            return False
    for n in range(message.needs_first, message.needs_end):
        need = codec.needs[n]
        if (received[need.message].gates >> need.bit) & 1 == 0:
            return False
    return True


@kernel
def _gates(codec, message, words, base):
    """Gather what holds in the frame of the conditions that other messages need."""
    gates = np.int64(0)
    for c in range(message.checks_end, message.gates_end):
        if _condition(codec, c, words, base):
            gates |= np.int64(1) << np.int64(c - message.checks_end)
    return gates


@kernel
def _write(codec, first, end, words, base, values):
    for s in range(first, end):
        row = codec.signals[s]
        values[row.slot] = _value(codec, row, words, base)


@kernel
def _write_rest(codec, message, words, base, values):
    """Write the values of what is not plain, and of the groups that the frame holds."""
    _write(codec, message.plain, message.received, words, base, values)
    for g in range(message.groups_first, message.groups_end):
        if selected(codec, g, words, base):
            group = codec.groups[g]
            _write(codec, group.first, group.received, words, base, values)


@kernel
def _write_raws(signals, first, end, words, base, raws, present):
    for s in range(first, end):
        row = signals[s]
        raws[row.slot] = extract(row, words, base)
        present[row.slot] = 1


@kernel
def _finite(codec, message, words, base):
    """Tell whether all the values that the frame would write are finite."""
    finite = _finite_rows(codec, message.first, message.received, words, base)
    for g in range(message.groups_first, message.groups_end):
        if finite and selected(codec, g, words, base):
            group = codec.groups[g]
            finite = _finite_rows(codec, group.first, group.received, words, base)
    return finite


@kernel
def _finite_rows(codec, first, end, words, base):
    finite = True
    for s in range(first, end):
        finite &= np.isfinite(_value(codec, codec.signals[s], words, base))
    return finite
