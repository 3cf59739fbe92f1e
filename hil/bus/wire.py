"""The wires: who sends next, what becomes of it, and who hears it.

A node starts when the bus is free; of those that start together, the lowest identifier goes on
and the others wait for its end. Nothing interrupts a frame but an error, after which every
sender tries again.

        start          frame            done        free
          |-----------------------------|  3 bits   |
          |<-------- received ---------->|<- idle ->|-- next start

Errors: the bit at fault, up to 12 bits of error flags, 8 of their delimiter, 3 of intermission.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from tianyuan.control.kernels import kernel
from tianyuan.dbc.frame import BRS, FDF
from tianyuan.hil.bus.controller import (
    SUSPENDED,
    has_received,
    has_sent,
    receiving_failed,
    recover,
    sending_failed,
)
from tianyuan.hil.bus.frame_length import AFTER_ACK, INTERMISSION
from tianyuan.hil.bus.log import is_full, note
from tianyuan.hil.bus.queues import head, pop, takes_part
from tianyuan.hil.bus.records import (
    ABORTED,
    BIT_ERROR,
    COLLIDED,
    FRAME_HEARD,
    HOST,
    INTRUDER,
    MAIN,
    NEVER,
    NODES,
    OFF,
    PASSIVE,
    RIG,
    SENT,
    STUB,
    UNACKNOWLEDGED,
    WIRES,
)
from tianyuan.hil.bus.traffic import extra_ns, make_extra, pay
from tianyuan.hil.noise import uniform

FLAG: Final = 6
DELIMITER: Final = 8
SECONDARY: Final = np.int64(1)  # what an error costs a receiver
PRIMARY: Final = np.int64(9)  # and the first to see it, whose flag the others answer
_SPOILT, _PLACE = 0x3000, 0x4000  # channels of the noise, one a bus from here on
_SECOND = 1_000_000_000


@kernel
def _bits_ns(wire, bits):
    return bits * _SECOND // wire.bitrate


@kernel
def _may_start(bus, who, w):
    node = bus.nodes[who]
    return node.queued > 0 and node.stuck == 0 and takes_part(bus, who, w)


@kernel
def _ready_ns(bus, who, slot):
    return max(bus.slots[who, slot].since_ns, bus.nodes[who].ready_ns)


@kernel
def _earliest_ns(bus, w):
    """When the next frame starts; NEVER without one."""
    ready_ns = NEVER
    for who in range(NODES):
        if _may_start(bus, who, w):
            ready_ns = min(ready_ns, _ready_ns(bus, who, head(bus, who)))
    return max(ready_ns, bus.wires[w].free_ns)


@kernel
def _arbitrate(bus, w, start_ns):
    """Put the frame that wins on the wire, and beside it another of the same identifier."""
    wire = bus.wires[w]
    best = NEVER
    for who in range(NODES):
        if not _may_start(bus, who, w):
            continue
        slot = head(bus, who)
        if _ready_ns(bus, who, slot) > start_ns:
            continue
        order = bus.slots[who, slot].order
        if order < best:
            best = order
            wire.sender, wire.slot, wire.rival = who, slot, -1
        elif order == best:
            wire.rival, wire.rival_slot = who, slot


@kernel
def _after_identifier(word):
    """What follows the identifier, in the order of its bits: CAN FD, its bit rate, the length."""
    return ((word >> 40) & (FDF | BRS)) << 8 | ((word >> 32) & 0xFF)


@kernel
def _first_dominant(bus, wire):
    """-1, 0, 1: whether the sender's frame, both, or the rival's has the first dominant bit.

    Both have the same identifier; what follows is compared: format and length, then the data.
    """
    a = bus.slots[wire.sender, wire.slot]
    b = bus.slots[wire.rival, wire.rival_slot]
    head_a, head_b = _after_identifier(a.words[0]), _after_identifier(b.words[0])
    if head_a != head_b:
        return -1 if head_a < head_b else 1
    for i in range((a.words[0] >> 32) & 0xFF):
        shift = 8 * (i & 7)
        one = (a.words[1 + (i >> 3)] >> shift) & 0xFF
        other = (b.words[1 + (i >> 3)] >> shift) & 0xFF
        if one != other:
            return -1 if one < other else 1
    return 0


@kernel
def _collide(bus, wire):
    """What becomes of two frames of one identifier: the one that sees the error spoils both.

    One that is error-passive cannot spoil the other's, which then goes on (Cho and Shin, "Error
    Handling of In-vehicle Networks Makes Them Vulnerable", CCS 2016).
    """
    first = _first_dominant(bus, wire)
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
def _outcome(bus, w, start_ns):
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
def _ends_ns(bus, w, start_ns):
    """When the outcome takes effect, and when the bus is free again."""
    wire = bus.wires[w]
    took_ns = bus.slots[wire.sender, wire.slot].took_ns
    intermission_ns = _bits_ns(wire, INTERMISSION)
    if wire.outcome == SENT:
        return start_ns + took_ns - intermission_ns, start_ns + took_ns
    into_ns = took_ns - _bits_ns(wire, AFTER_ACK)
    flags = 2 * FLAG
    if wire.outcome == UNACKNOWLEDGED:
        flags = FLAG if w == STUB else flags
    else:
        into_ns = int(into_ns * uniform(bus.seed, _PLACE + 2 * bus.channel + w, start_ns))
    done_ns = start_ns + into_ns + _bits_ns(wire, flags + DELIMITER)
    return done_ns, done_ns + intermission_ns


@kernel
def _begin(bus, w, start_ns):
    """Somebody starts to send at ``start_ns``."""
    wire = bus.wires[w]
    _arbitrate(bus, w, start_ns)
    wire.outcome = _outcome(bus, w, start_ns)
    wire.done_ns, wire.free_ns = _ends_ns(bus, w, start_ns)
    wire.busy_ns += wire.free_ns - start_ns
    if w == MAIN:
        pay(bus, start_ns, wire.free_ns - start_ns)


@kernel
def _suspend(bus, who, wire):
    """An error-passive sender lets the others start first."""
    node = bus.nodes[who]
    if node.state == PASSIVE:
        node.ready_ns = wire.free_ns + _bits_ns(wire, SUSPENDED)


@kernel
def _received(bus, w, t_ns):
    """The frame on the wire has come through: those who take part hear it."""
    wire = bus.wires[w]
    sender, rival = wire.sender, wire.rival
    s = bus.slots[sender, wire.slot]
    wire.carried += 1
    to = np.int64(0)
    for who in range(NODES):
        if who in (sender, rival) or not takes_part(bus, who, w):
            continue
        if who == HOST and bus.faults[0].wrong_bit_rate != 0:
            receiving_failed(bus, who, SECONDARY, t_ns)
            continue
        to |= 1 << who
        has_received(bus, who, t_ns)
    note(bus, to, FRAME_HEARD, s.words, s.since_ns, t_ns)
    if rival >= 0 and _first_dominant(bus, wire) == 0:
        _leaves(bus, rival, wire.rival_slot, t_ns)
    elif rival >= 0:
        bus.nodes[rival].retried += 1
        sending_failed(bus, rival, COLLIDED, t_ns)
        _suspend(bus, rival, wire)
    _leaves(bus, sender, wire.slot, t_ns)
    _suspend(bus, sender, wire)


@kernel
def _leaves(bus, who, slot, t_ns):
    """A node has sent its frame."""
    node = bus.nodes[who]
    node.sent += 1
    pop(bus, who, slot)
    has_sent(bus, who, t_ns)


@kernel
def _spoilt(bus, w, t_ns):
    """The frame on the wire has not come through: all count the error, and it is tried again."""
    wire = bus.wires[w]
    sender, rival, outcome = wire.sender, wire.rival, wire.outcome
    wire.spoilt += 1
    for who in range(NODES):
        if who in (sender, rival) or not takes_part(bus, who, w):
            continue
        first = who == HOST and bus.faults[0].wrong_bit_rate != 0
        receiving_failed(bus, who, PRIMARY if first else SECONDARY, t_ns)
    bus.nodes[sender].retried += 1
    sending_failed(bus, sender, outcome, t_ns)
    _suspend(bus, sender, wire)
    if rival >= 0:
        bus.nodes[rival].retried += 1
        sending_failed(bus, rival, COLLIDED, t_ns)
        _suspend(bus, rival, wire)


@kernel
def _end(bus, w):
    wire = bus.wires[w]
    if wire.outcome == SENT:
        _received(bus, w, wire.done_ns)
    elif wire.outcome != ABORTED:
        _spoilt(bus, w, wire.done_ns)
    wire.sender = wire.rival = -1


@kernel
def _recover(bus, t_ns):
    for who in range(NODES):
        if bus.nodes[who].state == OFF:
            recover(bus, who, t_ns)


@kernel
def _run(bus, w, until_ns):
    """All that happens on a wire up to ``until_ns``; who starts then is not decided yet.

    True when that is all; False when the log is to be handed on first.
    """
    wire = bus.wires[w]
    while not is_full(bus):
        if wire.sender >= 0:
            if wire.done_ns > until_ns:
                return True
            _recover(bus, wire.done_ns)
            _end(bus, w)
        start_ns = _earliest_ns(bus, w)
        if w == MAIN and bus.nodes[INTRUDER].queued == 0:
            extra = extra_ns(bus)
            if extra <= start_ns and extra < until_ns:
                make_extra(bus, extra)
                start_ns = extra
        if start_ns >= until_ns:
            return True
        _begin(bus, w, start_ns)
    return False


@kernel
def run(bus, until_ns):
    """All that happens on a bus up to ``until_ns``; False as above."""
    for w in range(WIRES):
        used = w == MAIN or bus.wires[w].sender >= 0 or bus.nodes[HOST].unplugged != 0
        if used and not _run(bus, w, until_ns):
            return False
    _recover(bus, until_ns)
    bus.wires[MAIN].now_ns = until_ns
    return True
