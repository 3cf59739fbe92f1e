"""Raw values in and out of a frame's words: the innermost kernels of the codec.

All arithmetic is on signed 64-bit words, whose shifts and masks mean the same compiled
and in plain numpy. A raw value above 2^63 - 1, and that of a float, is its bit pattern.
"""

from __future__ import annotations

import numpy as np
from numba import njit

_MAX = 0x7FFF_FFFF_FFFF_FFFF


@njit(cache=True)
def reversed_bytes(word):
    """The word with its bytes in reverse order; the compiler makes one instruction of it."""
    word = ((word >> 8) & 0x00FF00FF00FF00FF) | ((word & 0x00FF00FF00FF00FF) << 8)
    word = ((word >> 16) & 0x0000FFFF0000FFFF) | ((word & 0x0000FFFF0000FFFF) << 16)
    return ((word >> 32) & 0xFFFFFFFF) | (word << 32)


@njit(cache=True)
def extract(row, words, base):
    """The raw value of a signal in the frame at word ``base``."""
    upper = words[base + np.int64(row.word)]
    lower = words[base + np.int64(row.beside)]
    if row.swap:
        upper = reversed_bytes(upper)
        lower = reversed_bytes(lower)
    left = np.int64(row.left)
    # Down by 1 and by 63 - left, as a shift by the whole 64 would be undefined.
    filled = (upper << left) | (((lower >> 1) & _MAX) >> (63 - left))
    return (filled >> np.int64(row.spare)) & row.mask


@njit(cache=True)
def upper_part(row, raw):
    """What a raw value puts into the signal's own word."""
    left = np.int64(row.left)
    top = raw << np.int64(row.spare)
    part = (top >> left) & ((_MAX >> left) << 1 | 1)
    return reversed_bytes(part) if row.swap else part


@njit(cache=True)
def lower_part(row, raw):
    """What a raw value puts into the word beside: nothing, unless the signal spills over."""
    part = ((raw << np.int64(row.spare)) << 1) << (63 - np.int64(row.left))
    return reversed_bytes(part) if row.swap else part
