"""The wires: what is sent on them, and who hears it.

A node starts when the bus is free; of those that start together, the lowest identifier goes on
and the others wait for its end. Nothing interrupts a frame but an error, after which every
sender tries again.

        start          frame            done        free
          |-----------------------------|  3 bits   |
          |<-------- received ---------->|<- idle ->|-- next start
"""

from __future__ import annotations

from typing import Final

import numpy as np

from tianyuan.control.kernels import kernel
from tianyuan.hil.bus.arbitration import arbitrate, earliest_ns, first_dominant
from tianyuan.hil.bus.controller import (
    SUSPENDED,
    has_received,
    has_sent,
    receiving_failed,
    recover,
    sending_failed,
)
from tianyuan.hil.bus.log import is_full, note
from tianyuan.hil.bus.outcome import bits_ns, ends_ns, outcome_of
from tianyuan.hil.bus.queues import pop, takes_part
from tianyuan.hil.bus.records import (
    ABORTED,
    COLLIDED,
    FRAME_HEARD,
    HOST,
    INTRUDER,
    MAIN,
    NODES,
    OFF,
    PASSIVE,
    SENT,
    WIRES,
)
from tianyuan.hil.bus.traffic import extra_ns, make_extra, pay

SECONDARY: Final = np.int64(1)  # what an error costs a receiver
PRIMARY: Final = np.int64(9)  # and the first to see it, whose flag the others answer


@kernel
def _begin(bus, w, start_ns):
    """Somebody starts to send at ``start_ns``."""
    wire = bus.wires[w]
    arbitrate(bus, w, start_ns)
    wire.outcome = outcome_of(bus, w, start_ns)
    wire.done_ns, wire.free_ns = ends_ns(bus, w, start_ns)
    wire.busy_ns += wire.free_ns - start_ns
    if w == MAIN:
        pay(bus, start_ns, wire.free_ns - start_ns)


@kernel
def _suspend(bus, who, wire):
    """An error-passive sender lets the others start first."""
    node = bus.nodes[who]
    if node.state == PASSIVE:
        node.ready_ns = wire.free_ns + bits_ns(wire, SUSPENDED)


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
    if rival >= 0 and first_dominant(bus, wire) == 0:
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
        start_ns = earliest_ns(bus, w)
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
