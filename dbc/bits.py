"""Raw values in and out of a frame's words: the innermost kernels of the codec.

A frame is the ten words from ``words[base]`` on, its header first. All arithmetic is on
signed 64-bit words, whose shifts and masks mean the same compiled and in plain numpy; a
raw value above 2^63 - 1, and that of a float, is its bit pattern.
"""

from __future__ import annotations

import numpy as np

from tianyuan.control.kernels import inlined

_MAX = 0x7FFF_FFFF_FFFF_FFFF


@inlined
def reversed_bytes(word):
    """Reverse the bytes of a word, which the compiler makes one instruction of."""
    word = ((word >> 8) & 0x00FF00FF00FF00FF) | ((word & 0x00FF00FF00FF00FF) << 8)
    word = ((word >> 16) & 0x0000FFFF0000FFFF) | ((word & 0x0000FFFF0000FFFF) << 16)
    return ((word >> 32) & 0xFFFFFFFF) | (word << 32)


@inlined
def _top(row, word):
    """Bring a signal's most significant bit to the top of its word."""
    if row.swap:
        word = reversed_bytes(word)
    return word << np.int64(row.left)


@inlined
def _bottom(row, top):
    """Bring a signal's least significant bit, from the top of a word, to bit 0."""
    return (top >> np.int64(row.spare)) & row.mask


@inlined
def extract(row, words, base):
    """Read the raw value of any signal."""
    top = _top(row, words[base + row.word])
    if row.spills:
        beside = words[base + row.beside]
        if row.swap:
            beside = reversed_bytes(beside)
        # Down by 1 and by 63 - left, as the shift of a signed word keeps its sign.
        top |= ((beside >> 1) & _MAX) >> (63 - np.int64(row.left))
    return _bottom(row, top)


@inlined
def upper_part(row, raw):
    """Place a raw value in its signal's own word, all other bits zero."""
    left = np.int64(row.left)
    top = raw << np.int64(row.spare)
    part = (top >> left) & ((_MAX >> left) << 1 | 1)
    return reversed_bytes(part) if row.swap else part


@inlined
def lower_part(row, raw):
    """Place what does not fit there in the word beside: zero unless the signal spills."""
    part = ((raw << np.int64(row.spare)) << 1) << (63 - np.int64(row.left))
    return reversed_bytes(part) if row.swap else part


@inlined
def insert(row, raw, words, base):
    """Write a raw value where the frame's bits are zero."""
    words[base + row.word] |= upper_part(row, raw)
    if row.spills:
        words[base + row.beside] |= lower_part(row, raw)


@inlined
def clear(row, words, base):
    """Make a signal's bits zero."""
    ones = np.int64(-1)
    words[base + row.word] &= ~upper_part(row, ones)
    if row.spills:
        words[base + row.beside] &= ~lower_part(row, ones)
