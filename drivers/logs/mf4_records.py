"""Records of an MF4, (n, bytes) uint8, into frames.

A payload is within its record, or outside of it behind its length, a u32.
"""

from __future__ import annotations

from typing import Final

from tianyuan.control.kernels import kernel
from tianyuan.drivers.logs.text import put

LENGTH_BYTES: Final = 4
NO_GROUP, OF_ANY_LENGTH = -1, 0  # instead of the bytes of a group's records


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
        stored = _number(data, at, LENGTH_BYTES)
        if stored > end - LENGTH_BYTES - at:
            return n
        for j in range(min(stored, lengths[n], 64)):
            octets[n, 8 + j] = data[at + LENGTH_BYTES + j]
    return offsets.size


@kernel
def walk(stream, id_bytes, sizes, counts):
    """Count the bytes of each group's records in a stream (n,) uint8 of all groups' records.

    A record stands behind the number of its group; ``sizes`` has the records' bytes by group.
    Returns where the last whole record ends, -1 if one is of no group.
    """
    at = 0
    while at + id_bytes <= stream.size:
        group, size = _record(stream, at, id_bytes, sizes)
        if group < 0:
            return -1
        if size < 0 or size > stream.size - at - id_bytes:
            break
        counts[group] += size
        at += id_bytes + size
    return at


@kernel
def part(stream, id_bytes, sizes, begins, parted):
    """Write the records that ``walk`` went through, each group's from where it begins."""
    at = 0
    while at < stream.size:
        group, size = _record(stream, at, id_bytes, sizes)
        at += id_bytes
        into = begins[group]
        for j in range(size):
            parted[into + j] = stream[at + j]
        begins[group] = into + size
        at += size


@kernel
def _record(stream, at, id_bytes, sizes):
    """The group of the record at ``at``, -1 if there is none, and its bytes, -1 if unknown yet."""
    group = _number(stream, at, id_bytes)
    if group < 0 or group >= sizes.size or sizes[group] == NO_GROUP:
        return -1, -1
    if sizes[group] != OF_ANY_LENGTH:
        return group, sizes[group]
    at += id_bytes
    if stream.size - at < LENGTH_BYTES:
        return group, -1
    return group, LENGTH_BYTES + _number(stream, at, LENGTH_BYTES)


@kernel
def _number(octets, at, count):
    """An unsigned number of ``count`` bytes, the lowest first."""
    number = 0
    for j in range(count):
        number |= int(octets[at + j]) << (8 * j)
    return number
