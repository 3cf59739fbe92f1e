"""The transmit queues: in order as the kernel's, or a mailbox an identifier as a control unit's.

Frames for a Linux host's controller lie in a short queue, and only the first of them, in the
controller's mailbox, takes part in arbitration. The rig stands for many control units, each of
which has a mailbox for a message of its own: all compete, and a newer frame takes the place of
one that has not left.
"""

from __future__ import annotations

from tianyuan.control.kernels import kernel
from tianyuan.dbc.frame import WORDS
from tianyuan.hil.bus.frame_length import lengths, order_of
from tianyuan.hil.bus.records import ABORTED, MAIN, OFF, SLOTS, STUB

_ID = 0xFFFF_FFFF
_CHANNEL, _CHANNELS = 48, 0xFF << 48
_SECOND = 1_000_000_000


@kernel
def _on_wire(bus, who, slot):
    """Whether a slot of a node is just being sent."""
    for w in range(2):
        wire = bus.wires[w]
        if wire.sender == who and wire.slot == slot:
            return True
        if wire.sender >= 0 and wire.rival == who and wire.rival_slot == slot:
            return True
    return False


@kernel
def _free_slot(bus, who, word):
    """Where a frame goes: a mailbox of its identifier, or a further place; -1 without room."""
    node = bus.nodes[who]
    if node.mailboxes != 0:
        for slot in range(node.queued):
            same = (bus.slots[who, slot].words[0] ^ word) & _ID == 0
            if same and not _on_wire(bus, who, slot):
                node.replaced += 1
                return slot
    if node.queued >= node.room:
        return -1
    node.queued += 1
    return (node.first + node.queued - 1) % SLOTS


@kernel
def load(bus, words, at):
    """Lay the frame at word ``at`` out for ``push``."""
    for w in range(WORDS):
        bus.scratch[w] = words[at + w]


@kernel
def push(bus, who, t_ns):
    """Queue the frame in ``scratch`` for a node to send; False, and nothing done, without room.

    A controller that is bus-off is given the frame all the same, and nothing comes of it: the
    kernel has taken the queue away from it and does not tell.
    """
    node = bus.nodes[who]
    if node.state == OFF:
        node.offered += 1
        node.dropped += 1
        return True
    words = bus.scratch
    slot = _free_slot(bus, who, words[0])
    if slot < 0:
        return False
    node.offered += 1
    s, wire = bus.slots[who, slot], bus.wires[MAIN]
    for w in range(WORDS):
        s.words[w] = words[w]
    s.words[0] = (s.words[0] & ~_CHANNELS) | bus.channel << _CHANNEL
    first, second = lengths(words, 0)
    s.took_ns = first * _SECOND // wire.bitrate + second * _SECOND // wire.data_bitrate
    s.order, s.since_ns = order_of(words[0]), t_ns
    return True


@kernel
def head(bus, who):
    """The slot with which a node takes part in arbitration; it must have a frame."""
    node = bus.nodes[who]
    if node.mailboxes == 0:
        return node.first
    best = 0
    for slot in range(1, node.queued):
        s, b = bus.slots[who, slot], bus.slots[who, best]
        if s.order < b.order or (s.order == b.order and s.since_ns < b.since_ns):
            best = slot
    return best


@kernel
def pop(bus, who, slot):
    """Take the frame off that has left."""
    node = bus.nodes[who]
    node.queued -= 1
    if node.mailboxes == 0:
        node.first = (node.first + 1) % SLOTS
    elif slot != node.queued:
        bus.slots[who, slot] = bus.slots[who, node.queued]


@kernel
def abort(bus, who):
    """What a node is just sending is none: its controller was taken away."""
    for w in range(2):
        wire = bus.wires[w]
        if wire.sender == who or (wire.sender >= 0 and wire.rival == who):
            wire.outcome = ABORTED


@kernel
def flush(bus, who):
    """Let go all that a node has queued."""
    node = bus.nodes[who]
    node.dropped += node.queued
    node.queued = node.first = 0
    abort(bus, who)


@kernel
def takes_part(bus, who, w):
    """Whether a node is on wire ``w``, with a controller that works."""
    node = bus.nodes[who]
    if node.present == 0 or node.state == OFF or node.down != 0:
        return False
    return w == (STUB if node.unplugged != 0 else MAIN)
