"""From a frame's identifier to its message: a hash table with open addressing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tianyuan.control.kernels import inlined
from tianyuan.dbc.records import LOOKUP

# The golden ratio in 31 bits: times 32 bits it stays below the sign, and the bits from 30 on
# depend on all of an identifier's (Knuth, The Art of Computer Programming, 6.4), neighbours'
# being more than one apart. One of fewer bits would leave the 11 of a standard identifier in a
# few places.
_MULTIPLIER = 0x4F1BBCDD
_FOLD = 11  # what brings a key's channel into the 32 bits, above a standard identifier
_CAN_ID = 0xFFFF_FFFF
_CHANNEL = 0xFF_0000_0000
_ONE = np.uint64(1)


@inlined
def _hash(key, mask):
    folded = (key ^ (key >> _FOLD)) & _CAN_ID
    return np.uint64((folded * _MULTIPLIER) >> 30) & mask


def build(keys: Sequence[int], messages: np.ndarray) -> np.recarray:
    """Make the table that finds each of ``messages`` by its key, unlike any other."""
    size = 4 << len(keys).bit_length()  # at most a quarter full, so most probes hit at once
    mask = np.uint64(size - 1)
    table = np.zeros(size, LOOKUP).view(np.recarray)
    table.key[:] = -1
    for index, key in enumerate(keys):
        at = _hash(key, mask)
        while table.key[at] >= 0:
            at = (at + _ONE) & mask
        table[at] = (key, index, *messages[index])
    return table


@inlined
def key_of(header):
    """Return what a frame is found by, from its header: its can_id and, above it, its channel."""
    return (header & _CAN_ID) | ((header >> 16) & _CHANNEL)


@inlined
def find(lookup, key):
    """Find the row of a key, or else an empty row.

    An extended and a standard identifier never match, nor does a remote or error frame:
    the bits that tell them apart are part of the key.
    """
    mask = np.uint64(lookup.size - 1)
    at = _hash(key, mask)
    while lookup[at].key != key and lookup[at].key >= 0:
        at = (at + _ONE) & mask
    return at
