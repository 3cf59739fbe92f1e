"""The kernels: frames sorted by what they are, and the columns of one message unpacked.

A block of frames is an array of FRAME, or the same memory as 64-bit words, ten a frame.
"""

from __future__ import annotations

import numpy as np

from tianyuan.control.kernels import kernel
from tianyuan.dbc.bits import extract
from tianyuan.dbc.frame import WORDS
from tianyuan.dbc.lookup import find, key_of
from tianyuan.dbc.records import NO_PARENT
from tianyuan.dbc.scaling import number, to_channel

_WORDS = np.uint64(WORDS)
_TIME = np.uint64(WORDS - 1)
UNSELECTED, SHORT = 1, 2


@kernel
def fill(table, keys):
    """Put keys, none of them twice, into an empty table: each row's index is its key's place."""
    for i in range(keys.size):
        at = find(table, keys[i])
        table[at].key = keys[i]
        table[at].index = i


@kernel
def tally(table, words, stream_of, counts, unknown, most):
    """Find each frame's stream and count the streams' frames; return how many were not counted.

    ``table`` gives a stream by can_id and channel. Frames without one have -1 and are counted
    in the table ``unknown``, as far as there are not more than ``most`` kinds of them.
    """
    kinds = 0
    for r in range(unknown.size):
        kinds += unknown[r].key >= 0
    uncounted = 0
    for i in range(stream_of.size):
        key = key_of(words[np.uint64(i) * _WORDS])
        row = table[find(table, key)]
        if row.key >= 0:
            stream_of[i] = row.index
            counts[row.index] += 1
            continue
        stream_of[i] = -1
        at = find(unknown, key)
        if unknown[at].key < 0 and kinds < most:
            unknown[at].key = key
            kinds += 1
        if unknown[at].key == key:
            unknown[at].index += 1
        else:
            uncounted += 1
    return uncounted


@kernel
def sort(stream_of, ends, order):
    """Order the frames by stream, keeping their order within each.

    ``ends`` has where each stream begins in ``order``, and afterwards where it ends.
    """
    for i in range(stream_of.size):
        stream = stream_of[i]
        if stream >= 0:
            order[ends[stream]] = i
            ends[stream] += 1


@kernel
def accept(tables, words, order, partial, t_ns, present, refused):
    """Drop from ``order`` the frames that cannot be decoded; return how many are left.

    A frame is refused as cantools does: if it is shorter than its message, or if a multiplexor
    in it selects nothing. ``partial`` keeps it all the same. ``present`` (groups, n) u1 tells
    which groups of signals are in each frame left; ``t_ns`` are their times; ``refused`` counts
    by UNSELECTED and SHORT.
    """
    kept = 0
    for k in range(order.size):
        base = np.uint64(order[k]) * _WORDS
        length = (words[base] >> 32) & 0xFF
        if length < tables.length[0]:
            refused[SHORT] += 1
            if not partial:
                continue
        if tables.groups.size > 1 and not _select(tables, words, base, length, present, kept):
            refused[UNSELECTED] += 1
            if not partial:
                continue
        t_ns[kept] = words[base + _TIME]
        order[kept] = order[k]
        kept += 1
    return kept


@kernel
def _select(tables, words, base, length, present, k):
    """Note which groups a frame holds; tell whether each multiplexor in it selects one."""
    present[0, k] = 1
    wrong = False
    for g in range(1, tables.groups.size):
        group = tables.groups[g]
        if not present[group.parent, k] or tables.columns[group.selector].bytes > length:
            present[g, k] = 0
            continue
        raw = extract(tables.signals[group.selector], words, base)
        present[g, k] = _within(tables.ranges, group, raw)
        selects = False
        for other in range(1, tables.groups.size):
            one = tables.groups[other]
            if one.selector == group.selector and _within(tables.ranges, one, raw):
                selects = True
        wrong |= not selects
    return not wrong


@kernel
def _within(ranges, group, raw):
    for r in range(group.ranges_first, group.ranges_end):
        if ranges[r].low <= raw <= ranges[r].high:
            return True
    return False


@kernel
def unpack(tables, words, order, groups_present, partial, values, present):
    """Write the columns of the frames in ``order``.

    ``values`` is i8 (columns, n), the words of doubles or whole numbers; those of a frame that
    lacks the signal are zero, and so is ``present`` u1 (columns, n), where it has rows.
    """
    for g in range(tables.groups.size):
        group = tables.groups[g]
        for s in range(group.first, group.end):
            row, column = tables.signals[s], tables.columns[s]
            if not column.wanted:
                continue
            told = present.size > 0
            for k in range(order.size):
                base = np.uint64(order[k]) * _WORDS
                held = group.parent == NO_PARENT or groups_present[g, k] != 0
                if partial and column.bytes > (words[base] >> 32) & 0xFF:
                    held = False
                word = np.int64(0)
                if held:
                    raw = extract(row, words, base)
                    if column.whole:
                        word = raw * column.factor + column.shift
                    else:
                        plain = to_channel(row, number(row.kind, raw))
                        word = np.float64(plain).view(np.int64)
                values[row.slot, k] = word
                if told:
                    present[row.slot, k] = held
