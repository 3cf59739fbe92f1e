"""Encode: channel values to a whole frame."""

from __future__ import annotations

import numpy as np

from tianyuan.control.kernels import inlined, kernel
from tianyuan.dbc import e2e
from tianyuan.dbc.bits import insert, upper_part
from tianyuan.dbc.frame import WORDS
from tianyuan.dbc.records import Status
from tianyuan.dbc.scaling import to_raw
from tianyuan.dbc.selection import selected

_OK = int(Status.OK)
_NOT_FINITE = int(Status.NOT_FINITE)
_WORDS = np.uint64(WORDS)
_PAYLOAD = np.uint64(1)
_CHANNEL = 0x00FF_0000_0000_0000  # the header's byte that names the port
_UNSURE = 2.0**-51


@inlined
def encode(codec, m, sent, values, frames, i):
    """Make message ``m`` of ``values`` into frame ``i``: return 0, or a negative Status.

    Writes the whole frame but for its channel, with time 0, CRC and counter in place. A
    value outside its signal's bits or declared range is sent as the nearest end of it. A
    value that is NaN or infinite is NOT_FINITE: the counter stays, and the frame must not
    be sent, whatever it holds by then.
    """
    words = frames.view(np.int64)
    base = np.uint64(i) * _WORDS
    message = codec.messages[m]
    channel = words[base] & _CHANNEL
    first = np.uint64(m) * _WORDS
    for word in range(_WORDS):
        words[base + word] = codec.initial[first + word]
    words[base] |= channel
    if not _put_plain(codec.signals, message.first, message.plain, values, words, base):
        return _NOT_FINITE
    if message.plain < message.sent and not _put(
        codec.signals, message.plain, message.sent, values, words, base
    ):
        return _NOT_FINITE
    if message.groups_first < message.groups_end and not _put_groups(
        codec, message, values, words, base
    ):
        return _NOT_FINITE
    if message.counter >= 0:
        _protect(codec.signals, message, sent[m], words, base)
    sent[m].count += 1
    return _OK


@inlined
def _put_plain(signals, first, end, values, words, base):
    """Put plain signals in, each word written once; return False if one is not finite.

    A product with the inverse instead of a division is off by less than 2^-51 of itself,
    so it rounds to the same raw value unless it is that near to a tie. NaN and infinity
    are near to everything.
    """
    at = _PAYLOAD
    gathered = np.int64(0)
    for s in range(first, end):
        row = signals[s]
        value = values[row.slot]
        near = (value - row.offset) * row.inverse
        whole = np.rint(near)
        if abs(near - whole) < 0.5 - abs(near) * _UNSURE:
            whole = min(max(whole, row.low), row.high)
            raw = np.int64(whole)
        elif np.isfinite(value):
            raw = to_raw(row, value)
        else:
            return False
        if row.word != at:
            words[base + at] |= gathered
            at = np.uint64(row.word)
            gathered = np.int64(0)
        gathered |= upper_part(row, raw)
    words[base + at] |= gathered
    return True


@kernel
def _put(signals, first, end, values, words, base):
    """Put any signals in; return False if one is not finite."""
    for s in range(first, end):
        row = signals[s]
        value = values[row.slot]
        if not np.isfinite(value):
            return False
        insert(row, to_raw(row, value), words, base)
    return True


@kernel
def _put_groups(codec, message, values, words, base):
    """Put in the groups that the values put in so far select, and so on down."""
    for g in range(message.groups_first, message.groups_end):
        if selected(codec, g, words, base):
            group = codec.groups[g]
            if not _put(codec.signals, group.first, group.sent, values, words, base):
                return False
            for s in range(group.received, group.end):
                row = codec.signals[s]
                insert(row, row.raw_low, words, base)
    return True


@kernel
def _protect(signals, message, record, words, base):
    """Put the counter into the frame, then the CRC, and step the counter."""
    insert(signals[message.counter], record.counter, words, base)
    crc_byte = message.crc_byte
    crc = e2e.p1_crc(message.crc_start, words, base, message.length, crc_byte)
    words[base + _PAYLOAD + np.uint64(crc_byte >> 3)] |= crc << ((crc_byte & 7) * 8)
    record.counter = e2e.p1_next(record.counter)
