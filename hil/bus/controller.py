"""A CAN controller's error counters and states, by ISO 11898-1:2015, 12.1.4, and what it tells.

Both counters start at 0. An error costs a sender 8 and a receiver 1, a frame gains either 1
back. Above 95 the controller warns, above 127 it is error-passive, above 255 (sender) bus-off:
it then takes no part until it is restarted and 128 times 11 recessive bits have gone by.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from tianyuan.control.kernels import kernel
from tianyuan.hil.bus.log import tell
from tianyuan.hil.bus.queues import flush
from tianyuan.hil.bus.records import ACTIVE, MAIN, NEVER, OFF, PASSIVE, UNACKNOWLEDGED, WARNING

SPOILT: Final = 8  # what an error costs its sender
MOST_REC: Final = 255
REC_AGAIN: Final = 127  # what a frame received leaves of a counter above 127, 119 to 127
BITS_OFF: Final = 128 * 11
SUSPENDED: Final = np.int64(8)  # bits that an error-passive sender lets the others start in
_WARNED, _PASSIVE, _OFF = 95, 127, 255
# linux/can/error.h: bits of the identifier, and of byte 1 of the payload.
CONTROLLER, BUS_OFF, RESTARTED = np.int64(0x04), np.int64(0x40), np.int64(0x100)
PROTOCOL, ACKNOWLEDGE, BUS_ERROR = 0x08, 0x20, 0x80
_RX_WARNING, _TX_WARNING, _RX_PASSIVE, _TX_PASSIVE, _BACK = 0x04, 0x08, 0x10, 0x20, 0x40
# Byte 2 of the payload, where the sender or a receiver met a bus error; byte 3, where in the frame.
_SENDING, AT_ACK = 0x80, 0x19
_BIT, _STUFF = 0x01, 0x04
NOTHING = np.int64(0)
_SECOND = 1_000_000_000


@kernel
def _level(counter):
    if counter > _PASSIVE:
        return PASSIVE
    return WARNING if counter > _WARNED else ACTIVE


@kernel
def settle(bus, who, t_ns):
    """Take the state that a node's counters ask for, and tell where that is another."""
    node = bus.nodes[who]
    sending, hearing = _level(node.tec), _level(node.rec)
    state = OFF if node.tec > _OFF else max(sending, hearing)
    if node.state in (state, OFF):
        return
    node.state = state
    if state == OFF:
        tell(bus, who, BUS_OFF, NOTHING, t_ns)
        flush(bus, who)
        plan_restart(bus, who, t_ns)
        return
    detail = _BACK if state == ACTIVE else 0
    if sending == state and state != ACTIVE:
        detail |= _TX_PASSIVE if state == PASSIVE else _TX_WARNING
    if hearing == state and state != ACTIVE:
        detail |= _RX_PASSIVE if state == PASSIVE else _RX_WARNING
    tell(bus, who, CONTROLLER, detail << 8, t_ns)


@kernel
def plan_restart(bus, who, t_ns):
    """Restart after bus-off by itself, where the node does that."""
    node = bus.nodes[who]
    node.told_ns = node.back_ns = NEVER
    if node.restart_ns >= 0 and node.forced_off == 0:
        restart(bus, who, t_ns + node.restart_ns)


@kernel
def restart(bus, who, t_ns):
    """Restart at ``t_ns``; the node is back 128 times 11 recessive bits later.

    Those of a busy bus come between frames and take longer; that is left out.
    """
    node = bus.nodes[who]
    node.told_ns = t_ns
    node.back_ns = t_ns + BITS_OFF * _SECOND // bus.wires[MAIN].bitrate


@kernel
def recover(bus, who, t_ns):
    """A node that is bus-off tells of its restart, and later takes part again."""
    node = bus.nodes[who]
    if t_ns >= node.told_ns:
        tell(bus, who, RESTARTED, NOTHING, node.told_ns)
        node.told_ns = NEVER
    if t_ns >= node.back_ns:
        reset(bus, who)


@kernel
def reset(bus, who):
    """A controller as it starts."""
    node = bus.nodes[who]
    node.tec, node.rec = node.least_tec, 0
    node.state = _level(node.tec)
    node.back_ns = node.told_ns = NEVER
    node.ready_ns = 0


@kernel
def has_sent(bus, who, t_ns):
    """Count a frame that a node has sent."""
    node = bus.nodes[who]
    if node.tec > node.least_tec:
        node.tec -= 1
        settle(bus, who, t_ns)


@kernel
def has_received(bus, who, t_ns):
    """Count a frame that a node has received."""
    node = bus.nodes[who]
    if node.rec > 0:
        node.rec = REC_AGAIN if node.rec > _PASSIVE else node.rec - 1
        settle(bus, who, t_ns)


@kernel
def sending_failed(bus, who, outcome, t_ns):
    """Count an error of a sender's, and tell of it.

    One that is error-passive already and hears nobody acknowledge does not count that: so a
    node alone on its bus is never bus-off.
    """
    node = bus.nodes[who]
    if outcome != UNACKNOWLEDGED:
        tell(bus, who, PROTOCOL | BUS_ERROR, (_SENDING | _BIT) << 16, t_ns)
        node.tec += SPOILT
    else:
        place = _SENDING << 16 | AT_ACK << 24
        tell(bus, who, PROTOCOL | BUS_ERROR | ACKNOWLEDGE, place, t_ns)
        if node.state < PASSIVE:
            node.tec += SPOILT
    settle(bus, who, t_ns)


@kernel
def receiving_failed(bus, who, cost, t_ns):
    """Count an error of a receiver's, and tell of it."""
    node = bus.nodes[who]
    node.rec = min(node.rec + cost, MOST_REC)
    tell(bus, who, PROTOCOL | BUS_ERROR, _STUFF << 16, t_ns)
    settle(bus, who, t_ns)
