"""Decode: a frame's bits to channel values."""

from __future__ import annotations

import numpy as np

from tianyuan.control.kernels import inlined, kernel
from tianyuan.dbc import e2e
from tianyuan.dbc.bits import extract
from tianyuan.dbc.frame import ERROR, FDF, REMOTE, WORDS
from tianyuan.dbc.holding import gates, holds
from tianyuan.dbc.lookup import find, key_of
from tianyuan.dbc.machine import GENERATED, call
from tianyuan.dbc.protection_records import State
from tianyuan.dbc.receiving import note, take
from tianyuan.dbc.records import Status
from tianyuan.dbc.scaling import listed_value, number, to_channel
from tianyuan.dbc.selection import selected

_OK = int(Status.OK)
_UNKNOWN_ID = int(Status.UNKNOWN_ID)
_NOT_DATA = int(Status.NOT_DATA)
_WRONG_LENGTH = int(Status.WRONG_LENGTH)
_NOT_FINITE = int(Status.NOT_FINITE)
_NOT_AVAILABLE = int(Status.NOT_AVAILABLE)
_INVALID = int(Status.INVALID)
_VALID = int(State.VALID)
_NO_DATA = REMOTE | ERROR
_WORDS = np.uint64(WORDS)
_TIME = np.uint64(WORDS - 1)


@inlined
def decode(codec, frames, i, received, values):
    """Take frame ``i`` in: return its message's index, or a negative Status if refused.

    A refused frame writes no value and is counted in its message's record, which keeps
    the time of the last frame accepted. A float that is NaN or infinite refuses its whole
    frame, and so does a condition that does not hold: NOT_AVAILABLE. A signal that its
    multiplexor does not select keeps its value.

    A frame must have exactly its message's length; a CAN FD frame may also have the next
    length there is. A protected frame must have the right CRC and its counter must be on, but
    not too far (``receiving.py``); the first one is taken as it comes. Frames of a message
    that its window finds INVALID are refused. Those before it is VALID are not, but they are
    not to be relied on: the record's time is that of the last one since.
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
        if message.counter >= 0:
            note(codec.protected[message.protected], record, status, words[base + _TIME])
    elif message.guarded:
        status = _check(codec, message, record, received, words, base, values)
    if status < 0:
        if status != _INVALID:  # which is the message's; the record keeps the frame's own
            record.status = status
        record.errors += 1
        return status
    record.status = status
    if GENERATED:
        call(message.unpack, words, base, values)
    else:
        _write(codec, message.first, message.plain, words, base, values)
    if message.rest:
        _write_rest(codec, message, words, base, values)
        record.gates = gates(codec, message, words, base)
    if message.counter < 0 or record.state == _VALID:
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
def _check(codec, message, record, received, words, base, values):
    """Find the status of a frame of which more than the length is to be checked."""
    status = _OK
    if message.counter >= 0:
        status = _protection(codec, message, record, words, base, values)
    if status >= 0 and message.floats and not _finite(codec, message, words, base):
        status = _NOT_FINITE
    if status >= 0 and message.checked and not holds(codec, message, received, words, base):
        status = _NOT_AVAILABLE
    return status


@inlined
def _has_length(message, header):
    length = (header >> 32) & 0xFF
    fd = (header >> 40) & FDF
    return length == message.length or (fd != 0 and length == message.padded)


@inlined
def _protection(codec, message, record, words, base, values):
    """Find the status of a frame's protection.

    The usual case is done with here: nothing but good frames in the window, and one more.
    """
    if GENERATED:
        off = call(message.crc, words, base, values)
    else:
        off = e2e.mismatch(codec, codec.protected[message.protected], words, base)
    counter = extract(codec.signals[message.counter], words, base)
    if off == 0 and record.streak >= message.calm:
        last = record.counter
        if counter == last + 1 and counter <= message.last_count:
            record.counter = counter
            return _OK
        if counter == message.first_count and last == message.last_count:
            record.counter = counter
            return _OK
    row = codec.protected[message.protected]
    return take(row, record, counter, off, words[base + _TIME])


@inlined
def _value(codec, row, words, base):
    """Read the channel value of any signal."""
    raw = extract(row, words, base)
    if row.listed != row.listed_end:
        return listed_value(codec.values, row, raw)
    return to_channel(row, number(row.kind, raw))


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
