"""Records of an MF4, (n, bytes) uint8, into frames.

A payload is within its record, or outside of it behind its length, a u32.
"""

from __future__ import annotations

from typing import Final

from tianyuan.control.kernels import kernel
from tianyuan.drivers.logs.text import put

LENGTH_BYTES: Final = 4


@kernel
def unsigned(records, start, mask, values):
    """Read a field from bit ``start`` of the records, little-endian, into ``values`` (n,) int64.

    ``mask`` has its bits, of which none is beyond the eighth byte that it touches.
    """
    first, shift = start >> 3, start & 7
    count = min(8, records.shape[1] - first)
    for n in range(values.size):
        word = 0
        for j in range(count):
            word |= int(records[n, first + j]) << (8 * j)
        values[n] = (word >> shift) & mask


@kernel
def heads(can_ids, lengths, flags, channels, sent, t_ns, out):
    """Write all of the frames but their payloads; ``out`` are their views."""
    for n in range(t_ns.size):
        put(out, n, can_ids[n], lengths[n], flags[n], channels[n], sent[n], t_ns[n])


@kernel
def copy(data, at, size, lengths, octets):
    """Write payloads, ``size`` bytes from ``at`` of records, into frames (n, 80) uint8.

    Each as far as ``lengths`` (n,) says.
    """
    for n in range(lengths.size):
        for j in range(min(lengths[n], size, 64)):
            octets[n, 8 + j] = data[n, at + j]


@kernel
def take(data, end, offsets, lengths, octets):
    """Write the payloads at ``offsets`` (n,) of ``data`` into frames (n, 80) uint8.

    Returns the first frame whose payload is not within ``end`` bytes, n if all are. A payload is
    no longer than ``lengths`` (n,) says, nor than a frame can hold.
    """
    for n in range(offsets.size):
        at = offsets[n]
        if at < 0 or at > end - LENGTH_BYTES:
            return n
        stored = 0
        for j in range(LENGTH_BYTES):
            stored += int(data[at + j]) << (8 * j)
        if stored > end - LENGTH_BYTES - at:
            return n
        for j in range(min(stored, lengths[n], 64)):
            octets[n, 8 + j] = data[at + LENGTH_BYTES + j]
    return offsets.size
