"""What becomes of a transmission, and when the bus is free again.

Errors: the bit at fault, up to 12 bits of error flags, 8 of their delimiter, 3 of intermission.
"""

from __future__ import annotations

from typing import Final

from tianyuan.control.kernels import kernel
from tianyuan.hil.bus.arbitration import first_dominant
from tianyuan.hil.bus.frame_length import AFTER_ACK, INTERMISSION
from tianyuan.hil.bus.queues import takes_part
from tianyuan.hil.bus.records import (
    BIT_ERROR,
    COLLIDED,
    HOST,
    NODES,
    PASSIVE,
    RIG,
    SENT,
    STUB,
    UNACKNOWLEDGED,
)
from tianyuan.hil.noise import uniform

FLAG: Final = 6
DELIMITER: Final = 8
_SPOILT, _PLACE = 0x3000, 0x4000  # channels of the noise, one a bus from here on
_SECOND = 1_000_000_000


@kernel
def bits_ns(wire, bits):
    """How long so many bits take, of the nominal bit rate."""
    return bits * _SECOND // wire.bitrate


@kernel
def _collide(bus, wire):
    """What becomes of two frames of one identifier: the one that sees the error spoils both.

    One that is error-passive cannot spoil the other's, which then goes on (Cho and Shin, "Error
    Handling of In-vehicle Networks Makes Them Vulnerable", CCS 2016).
    """
    first = first_dominant(bus, wire)
    if first > 0:
        wire.sender, wire.rival = wire.rival, wire.sender
        wire.slot, wire.rival_slot = wire.rival_slot, wire.slot
    passive = bus.nodes[wire.rival].state >= PASSIVE
    return SENT if first == 0 or passive else COLLIDED


@kernel
def _acknowledged(bus, w, sender):
    """Whether anybody who works hears the sender's frame; the rig is many control units."""
    if sender == RIG:
        return True
    if sender == HOST and bus.faults[0].nobody_acknowledges != 0:
        return False
    for who in range(NODES):
        if who != sender and takes_part(bus, who, w):
            return True
    return False


@kernel
def outcome_of(bus, w, start_ns):
    """What will become of the frame on the wire."""
    wire, f = bus.wires[w], bus.faults[0]
    if wire.rival >= 0:
        outcome = _collide(bus, wire)
        if outcome == COLLIDED:
            return outcome
    if f.wrong_bit_rate != 0 and takes_part(bus, HOST, w):
        disturbs = bus.nodes[HOST].state < PASSIVE
        if wire.sender == HOST or disturbs:
            return BIT_ERROR
    if not _acknowledged(bus, w, wire.sender):
        return UNACKNOWLEDGED
    if f.bit_error_rate > 0.0:
        bits = bus.slots[wire.sender, wire.slot].took_ns * wire.bitrate / _SECOND
        whole = (1.0 - min(f.bit_error_rate, 1.0)) ** bits
        if uniform(bus.seed, _SPOILT + 2 * bus.channel + w, start_ns) >= whole:
            return BIT_ERROR
    return SENT


@kernel
def ends_ns(bus, w, start_ns):
    """When the outcome takes effect, and when the bus is free again."""
    wire = bus.wires[w]
    took_ns = bus.slots[wire.sender, wire.slot].took_ns
    intermission_ns = bits_ns(wire, INTERMISSION)
    if wire.outcome == SENT:
        return start_ns + took_ns - intermission_ns, start_ns + took_ns
    into_ns = took_ns - bits_ns(wire, AFTER_ACK)
    flags = 2 * FLAG
    if wire.outcome == UNACKNOWLEDGED:
        flags = FLAG if w == STUB else flags
    else:
        into_ns = int(into_ns * uniform(bus.seed, _PLACE + 2 * bus.channel + w, start_ns))
    done_ns = start_ns + into_ns + bits_ns(wire, flags + DELIMITER)
    return done_ns, done_ns + intermission_ns
