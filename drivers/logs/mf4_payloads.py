"""Payloads of an MF4 into frames: out of its records, or from outside of them.

Outside, each stands behind its length, a u32.
"""

from __future__ import annotations

from typing import Final

from tianyuan.control.kernels import kernel

LENGTH_BYTES: Final = 4


@kernel
def copy(data, lengths, octets):
    """Write payloads (n, bytes) as far as ``lengths`` (n,) says into frames (n, 80) uint8."""
    for n in range(lengths.size):
        for j in range(min(lengths[n], data.shape[1], 64)):
            octets[n, 8 + j] = data[n, j]


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
