"""What comes of a bus's wires, noted until it is handed on to the receive queues."""

from __future__ import annotations

from tianyuan.control.kernels import kernel
from tianyuan.dbc.frame import ERROR, WORDS
from tianyuan.hil.bus.records import CONTROLLER_SAID, LOG, LOG_ROOM

_TIME = WORDS - 1


@kernel
def is_full(bus):
    """Whether there may be too little room for what one more transmission brings."""
    return bus.logged > LOG - LOG_ROOM


@kernel
def note(bus, to, said, words, since_ns, t_ns):
    """Note a frame for the nodes whose bits ``to`` has."""
    entry = bus.log[bus.logged]
    bus.logged += 1
    entry.to, entry.said, entry.since_ns = to, said, since_ns
    for w in range(_TIME):
        entry.words[w] = words[w]
    entry.words[_TIME] = t_ns


@kernel
def tell(bus, who, error, detail, t_ns):
    """Note a controller's word on its bus, as Linux gives it: an error frame for its node.

    ``error`` are bits of the identifier, ``detail`` the payload's eight bytes, lowest first.
    """
    node, words = bus.nodes[who], bus.scratch
    words[0] = ERROR | error | 8 << 32 | bus.channel << 48
    words[1] = detail | min(node.tec, 255) << 48 | min(node.rec, 255) << 56
    for w in range(2, WORDS):
        words[w] = 0
    if not is_full(bus):
        note(bus, 1 << who, CONTROLLER_SAID, words, t_ns, t_ns)
