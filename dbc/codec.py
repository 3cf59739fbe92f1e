"""Decode and encode: one compiled function each over the tables of any DBC file.

``frames`` is an array of FRAME, or the same memory viewed as 64-bit words. Both functions
allocate nothing and raise nothing. ``values`` is f8, indexed by the slots of the codec's
bindings; ``received`` and ``sent`` are record arrays with one record a message.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tianyuan.dbc import e2e
from tianyuan.dbc.bits import extract, lower_part, upper_part
from tianyuan.dbc.frame import FDF, WORDS
from tianyuan.dbc.lookup import find
from tianyuan.dbc.records import Status
from tianyuan.dbc.scaling import to_channel, to_raw

_OK = int(Status.OK)
_WRONG_LENGTH = int(Status.WRONG_LENGTH)
_WRONG_CRC = int(Status.WRONG_CRC)
_NOT_FINITE = int(Status.NOT_FINITE)
_CHANNEL = 0x00FF_0000_0000_0000  # the header's byte that names the port


@njit(cache=True)
def decode(codec, frames, i, received, values):
    """Take frame ``i`` in: its message's index, or why it was refused, a negative Status.

    A refused frame writes no value and is counted in its message's record, which keeps
    the time of the last accepted frame. A float that is NaN or infinite refuses its whole
    frame. A signal that its multiplexor does not select keeps its value.

    An 8-byte frame must have exactly its message's length; a CAN FD frame may also have
    the next length there is. With protection, the first frame is taken as it comes; then
    a counter that stands still is REPEATED and one that is more than ``max_delta`` on is
    WRONG_SEQUENCE. Both refuse the frame, but the latter's counter is the one to go on
    from, as AUTOSAR's profile 1 resynchronises; 15 is no counter and never is.
    """
    words = frames.view(np.int64)
    base = i * WORDS
    m = find(codec.lookup, words[base])
    if m < 0:
        return m
    status = _accept(codec, m, words, base, received)
    record = received[m]
    record.status = status
    if status < 0:
        record.errors += 1
        return status
    _write_all(codec, m, words, base, values)
    record.t_ns = words[base + WORDS - 1]
    record.count += 1
    return m


@njit(cache=True)
def decode_raw(codec, frames, i, raws, present):
    """Raw values of frame ``i``, by slot: its message's index or a negative Status.

    ``raws`` is i8: an unsigned 64-bit value and a float are their bit patterns, a float's
    extended like a signed number. ``present`` is u1 and tells which of the message's
    slots were written. Protection is not checked, and no record is kept.
    """
    words = frames.view(np.int64)
    base = i * WORDS
    m = find(codec.lookup, words[base])
    if m < 0:
        return m
    message = codec.messages[m]
    if not _has_length(message, words[base]):
        return _WRONG_LENGTH
    _write_raws(codec.signals, message.first, message.received, words, base, raws, present)
    for g in range(message.groups_first, message.groups_end):
        group = codec.groups[g]
        if _selected(codec, g, words, base):
            _write_raws(codec.signals, group.first, group.received, words, base, raws, present)
        else:
            for s in range(group.first, group.received):
                present[codec.signals[s].slot] = 0
    return m


@njit(cache=True)
def encode(codec, m, sent, values, frames, i):
    """Make message ``m`` of ``values`` into frame ``i``: 0, or a negative Status.

    Writes the whole frame but for its channel, with time 0, CRC and counter in place. A
    value outside its signal's bits or declared range is sent as the nearest end of it. A
    value that is NaN or infinite is NOT_FINITE: the counter stays, and the frame must not
    be sent, whatever it holds by then.
    """
    words = frames.view(np.int64)
    base = i * WORDS
    message = codec.messages[m]
    words[base] = message.header | (words[base] & _CHANNEL)
    for word in range(8):
        words[base + 1 + word] = codec.initial[m, word]
    words[base + WORDS - 1] = 0
    if not _put(codec.signals, message.first, message.sent, values, words, base):
        return _NOT_FINITE
    for g in range(message.groups_first, message.groups_end):
        if _selected(codec, g, words, base):
            group = codec.groups[g]
            if not _put(codec.signals, group.first, group.sent, values, words, base):
                return _NOT_FINITE
            _put_initial(codec.signals, group.received, group.end, words, base)
    if message.counter >= 0:
        _protect(codec.signals, message, sent[m], words, base)
    sent[m].count += 1
    return _OK


@njit(cache=True)
def _accept(codec, m, words, base, received):
    """Status of a known frame: length, protection, then finite values."""
    message = codec.messages[m]
    if not _has_length(message, words[base]):
        return _WRONG_LENGTH
    if message.counter >= 0:
        status = _check(codec.signals, message, received[m], words, base)
        if status < 0:
            return status
    if message.floats and not _finite(codec, m, words, base):
        return _NOT_FINITE
    return _OK


@njit(cache=True)
def _has_length(message, header):
    length = (header >> 32) & 0xFF
    fd = (header >> 40) & FDF
    return length == message.length or (fd != 0 and length == message.padded)


@njit(cache=True)
def _check(signals, message, record, words, base):
    """Status of a frame's protection; a right CRC makes its counter the last one."""
    crc_byte = message.crc_byte
    expected = e2e.p1_crc(message.crc_start, words, base, message.length, crc_byte)
    if expected != e2e.octet(words, base, crc_byte):
        return _WRONG_CRC
    counter = extract(signals[message.counter], words, base)
    status = _OK
    if record.count > 0 or counter >= e2e.COUNTERS:
        status = e2e.p1_sequence(record.counter, counter, message.max_delta)
    if counter < e2e.COUNTERS:
        record.counter = counter
    return status


@njit(cache=True)
def _protect(signals, message, record, words, base):
    """Put the counter into the frame, then the CRC, and step the counter."""
    row = signals[message.counter]
    words[base + np.int64(row.word)] |= upper_part(row, record.counter)
    words[base + np.int64(row.beside)] |= lower_part(row, record.counter)
    crc_byte = message.crc_byte
    crc = e2e.p1_crc(message.crc_start, words, base, message.length, crc_byte)
    words[base + 1 + (crc_byte >> 3)] |= crc << ((crc_byte & 7) * 8)
    record.counter = e2e.p1_next(record.counter)


@njit(cache=True)
def _selected(codec, g, words, base):
    """Whether the multiplexors in the frame select group ``g`` and those above it."""
    while g >= 0:
        group = codec.groups[g]
        raw = extract(codec.signals[group.selector], words, base)
        inside = False
        for r in range(group.ranges_first, group.ranges_end):
            inside |= codec.ranges[r].low <= raw <= codec.ranges[r].high
        if not inside:
            return False
        g = group.parent
    return True


@njit(cache=True)
def _write_all(codec, m, words, base, values):
    message = codec.messages[m]
    _write(codec.signals, message.first, message.received, words, base, values)
    for g in range(message.groups_first, message.groups_end):
        if _selected(codec, g, words, base):
            group = codec.groups[g]
            _write(codec.signals, group.first, group.received, words, base, values)


@njit(cache=True)
def _write(signals, first, end, words, base, values):
    for s in range(first, end):
        row = signals[s]
        values[row.slot] = to_channel(row, extract(row, words, base))


@njit(cache=True)
def _write_raws(signals, first, end, words, base, raws, present):
    for s in range(first, end):
        row = signals[s]
        raws[row.slot] = extract(row, words, base)
        present[row.slot] = 1


@njit(cache=True)
def _finite(codec, m, words, base):
    """Whether all the values that the frame would write are finite."""
    message = codec.messages[m]
    if not _finite_rows(codec.signals, message.first, message.received, words, base):
        return False
    for g in range(message.groups_first, message.groups_end):
        group = codec.groups[g]
        if _selected(codec, g, words, base) and not _finite_rows(
            codec.signals, group.first, group.received, words, base
        ):
            return False
    return True


@njit(cache=True)
def _finite_rows(signals, first, end, words, base):
    for s in range(first, end):
        row = signals[s]
        if not np.isfinite(to_channel(row, extract(row, words, base))):
            return False
    return True


@njit(cache=True)
def _put(signals, first, end, values, words, base):
    """Values into the frame's words, each word written once; False if one is not finite."""
    at = np.int64(1)
    gathered = np.int64(0)
    for s in range(first, end):
        row = signals[s]
        value = values[row.slot]
        if not np.isfinite(value):
            return False
        raw = to_raw(row, value)
        if row.word != at:
            words[base + at] |= gathered
            at = np.int64(row.word)
            gathered = np.int64(0)
        gathered |= upper_part(row, raw)
        if row.left > row.spare:
            words[base + np.int64(row.beside)] |= lower_part(row, raw)
    words[base + at] |= gathered
    return True


@njit(cache=True)
def _put_initial(signals, first, end, words, base):
    for s in range(first, end):
        row = signals[s]
        words[base + np.int64(row.word)] |= upper_part(row, row.raw_low)
        words[base + np.int64(row.beside)] |= lower_part(row, row.raw_low)
