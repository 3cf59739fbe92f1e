"""Who sends next: the lowest identifier of those that are ready when the bus is free."""

from __future__ import annotations

from tianyuan.control.kernels import kernel
from tianyuan.dbc.frame import BRS, FDF
from tianyuan.hil.bus.queues import head, takes_part
from tianyuan.hil.bus.records import NEVER, NODES


@kernel
def _may_start(bus, who, w):
    node = bus.nodes[who]
    return node.queued > 0 and node.stuck == 0 and takes_part(bus, who, w)


@kernel
def _ready_ns(bus, who, slot):
    return max(bus.slots[who, slot].since_ns, bus.nodes[who].ready_ns)


@kernel
def earliest_ns(bus, w):
    """When the next frame starts; NEVER without one."""
    ready_ns = NEVER
    for who in range(NODES):
        if _may_start(bus, who, w):
            ready_ns = min(ready_ns, _ready_ns(bus, who, head(bus, who)))
    return max(ready_ns, bus.wires[w].free_ns)


@kernel
def arbitrate(bus, w, start_ns):
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
def first_dominant(bus, wire):
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
