"""Encode: channel values to a whole frame."""

from __future__ import annotations

import numpy as np

from tianyuan.control.kernels import inlined, kernel
from tianyuan.dbc import e2e
from tianyuan.dbc.bits import clear, extract, insert
from tianyuan.dbc.frame import WORDS
from tianyuan.dbc.machine import GENERATED, call, seal
from tianyuan.dbc.records import Status
from tianyuan.dbc.scaling import listed_place, to_raw
from tianyuan.dbc.selection import selected

_OK = int(Status.OK)
_NOT_FINITE = int(Status.NOT_FINITE)
_WORDS = np.uint64(WORDS)
_PAYLOAD = np.uint64(1)


@inlined
def encode(codec, m, sent, values, frames, i):
    """Make message ``m`` of ``values`` into frame ``i``: return 0, or a negative Status.

    Writes the whole frame, with time 0, CRC and counter in place. A value outside its
    signal's bits or declared range is sent as the nearest end of it. A value that is NaN or
    infinite, or that a list of values does not know, is NOT_FINITE: the counter stays, and
    the frame must not be sent, whatever it holds by then.
    """
    words = frames.view(np.int64)
    base = np.uint64(i) * _WORDS
    message = codec.messages[np.uint64(m)]
    if GENERATED:
        if call(message.pack, words, base, values) == 0:
            return _NOT_FINITE
    elif not _begin(codec, m, message, values, words, base):
        return _NOT_FINITE
    if message.rest and not _put_rest(codec, message, values, words, base):
        return _NOT_FINITE
    record = sent[np.uint64(m)]
    if message.counter >= 0:
        _protect(codec, message, record, words, base)
    record.count += 1
    return _OK


@kernel
def _begin(codec, m, message, values, words, base):
    """Lay the initial frame out and put the plain signals in, as the message's code does."""
    first = np.uint64(m) * _WORDS
    for word in range(_WORDS):
        words[base + word] = codec.initial[first + word]
    return _put(codec, message.first, message.plain, values, words, base)


@kernel
def _put(codec, first, end, values, words, base):
    """Put any signals in; return False if one is not finite, or not in its list."""
    for s in range(first, end):
        row = codec.signals[s]
        value = values[row.slot]
        if not np.isfinite(value):
            return False
        if row.listed == row.listed_end:
            raw = to_raw(row, value)
        else:
            k = listed_place(codec.values, row, value)
            if k < 0 and row.substitute == 0:
                return False
            raw = codec.values[k].raw if k >= 0 else row.raw_low
        insert(row, raw, words, base)
    return True


@kernel
def _put_rest(codec, message, values, words, base):
    """Put in what is not plain, then the groups that the values so far select, and so on down."""
    if not _put(codec, message.plain, message.sent, values, words, base):
        return False
    for g in range(message.groups_first, message.groups_end):
        if selected(codec, g, words, base):
            group = codec.groups[g]
            if not _put(codec, group.first, group.sent, values, words, base):
                return False
            for s in range(group.received, group.end):
                row = codec.signals[s]
                insert(row, row.raw_low, words, base)
    return True


@inlined
def _protect(codec, message, record, words, base):
    """Put the counter into the frame, then the CRC, and step the counter."""
    counter = max(record.counter, message.first_count)
    if GENERATED:
        seal(message.seal, words, base, counter)
    else:
        _seal(codec, codec.protected[message.protected], counter, words, base)
    record.counter = e2e.next_counter(counter, message.first_count, message.last_count)


@kernel
def _seal(codec, row, counter, words, base):
    """Put counter and CRC where the frame's bits are zero, as the message's code does."""
    insert(codec.signals[row.counter], counter, words, base)
    crc = e2e.mismatch(codec, row, words, base)
    for k in range(row.crc_bytes):
        place = row.crc_byte + k
        part = (crc >> (8 * k)) & 0xFF
        words[base + _PAYLOAD + np.uint64(place >> 3)] |= part << ((place & 7) * 8)


@kernel
def counter_of(codec, m, frames, i):
    """The counter in frame ``i``, one of message ``m``; -1 for a message without."""
    message = codec.messages[m]
    if message.counter < 0:
        return np.int64(-1)
    return extract(codec.signals[message.counter], frames.view(np.int64), i * WORDS)


@kernel
def reseal(codec, m, counter, frames, i):
    """Put a counter, and the CRC that is right with it, into a frame that was changed by hand."""
    words, base = frames.view(np.int64), np.uint64(i) * _WORDS
    message = codec.messages[m]
    if message.counter < 0:
        return
    row = codec.protected[message.protected]
    clear(codec.signals[row.counter], words, base)
    for k in range(row.crc_bytes):
        place = np.int64(row.crc_byte + k)
        octet = np.int64(0xFF) << ((place & 7) * 8)
        words[base + _PAYLOAD + np.uint64(place >> 3)] &= ~octet
    if GENERATED:
        seal(message.seal, words, base, counter)
    else:
        _seal(codec, row, counter, words, base)


@kernel
def put_raw(codec, m, s, raw, frames, i):
    """Put any raw value at all into signal ``s`` of frame ``i``; counter kept, CRC made anew."""
    words, base = frames.view(np.int64), np.uint64(i) * _WORDS
    clear(codec.signals[s], words, base)
    insert(codec.signals[s], raw, words, base)
    reseal(codec, m, counter_of(codec, m, frames, i), frames, i)
