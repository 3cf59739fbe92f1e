"""Raw values in and out of a frame's words: the innermost kernels of the codec.

All arithmetic is on signed 64-bit words, whose shifts and masks mean the same compiled
and in plain numpy. A raw value above 2^63 - 1, and that of a float, is its bit pattern.
"""

from __future__ import annotations

import numpy as np
from tianyuan.dbc.kernels import inlined
from tianyuan.dbc.records import SPILLS

_MAX = 0x7FFF_FFFF_FFFF_FFFF


@inlined
def reversed_bytes(word):
    """The word with its bytes in reverse order; the compiler makes one instruction of it."""
    word = ((word >> 8) & 0x00FF00FF00FF00FF) | ((word & 0x00FF00FF00FF00FF) << 8)
    word = ((word >> 16) & 0x0000FFFF0000FFFF) | ((word & 0x0000FFFF0000FFFF) << 16)
    return ((word >> 32) & 0xFFFFFFFF) | (word << 32)


@inlined
def extract(row, frame):
    """The raw value of a signal in the ten words of a frame."""
    top = frame[row.word]
    if row.swap:
        top = reversed_bytes(top)
    left = np.int64(row.left)
    top = top << left
    if row.shape & SPILLS:
        beside = frame[row.beside]
        if row.swap:
            beside = reversed_bytes(beside)
        # Down by 1 and by 63 - left, as the shift of a signed word keeps its sign.
        top |= ((beside >> 1) & _MAX) >> (63 - left)
    return (top >> np.int64(row.spare)) & row.mask


@inlined
def upper_part(row, raw):
    """What a raw value puts into the signal's own word."""
    left = np.int64(row.left)
    top = raw << np.int64(row.spare)
    part = (top >> left) & ((_MAX >> left) << 1 | 1)
    return reversed_bytes(part) if row.swap else part


@inlined
def lower_part(row, raw):
    """What a raw value puts into the word beside: nothing, unless the signal spills over."""
    part = ((raw << np.int64(row.spare)) << 1) << (63 - np.int64(row.left))
    return reversed_bytes(part) if row.swap else part
