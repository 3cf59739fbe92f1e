"""From a frame's identifier to its message: a hash table with open addressing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit

from tianyuan.dbc.frame import ERROR, REMOTE
from tianyuan.dbc.records import LOOKUP, Status

# The golden ratio in 31 bits: times a 32-bit key it stays below the sign, and the bits
# from 31 on depend on all of the key's (Knuth, The Art of Computer Programming, 6.4).
_MULTIPLIER = 0x4F1BBCDD
_NO_DATA = REMOTE | ERROR
_NOT_DATA = int(Status.NOT_DATA)
_UNKNOWN_ID = int(Status.UNKNOWN_ID)


@njit(cache=True)
def _hash(key, mask):
    return ((key * _MULTIPLIER) >> 31) & mask


def build(keys: Sequence[int]) -> np.recarray:
    """The table that finds the index of each of ``keys``, which are distinct can_ids."""
    size = 4 << len(keys).bit_length()  # at most a quarter full, so most probes hit at once
    table = np.zeros(size, LOOKUP).view(np.recarray)
    table.key[:] = -1
    for index, key in enumerate(keys):
        at = _hash(key, size - 1)
        while table.key[at] >= 0:
            at = (at + 1) & (size - 1)
        table[at] = (key, index)
    return table


@njit(cache=True)
def find(lookup, header):
    """Index of the message of a frame with this first word, or a negative Status.

    An extended and a standard identifier never match: the bit that tells them apart is
    part of the key. Remote and error frames carry no data.
    """
    key = header & 0xFFFFFFFF
    if key & _NO_DATA:
        return _NOT_DATA
    mask = lookup.size - 1
    at = _hash(key, mask)
    while lookup[at].key != key:
        if lookup[at].key < 0:
            return _UNKNOWN_ID
        at = (at + 1) & mask
    return lookup[at].message
