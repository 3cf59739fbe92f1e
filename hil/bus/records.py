"""The records of the buses' model: wires, nodes, their queues, and what became of the frames.

A bus has the nodes HOST, RIG, GUARD and INTRUDER, and two wires: its own, and the stub that a
host whose cable is pulled still speaks on. It is one record, so that the kernels pass it on as
one pointer: they compile several times as fast as with an array for each of its parts.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from tianyuan.dbc.frame import FRAME, WORDS
from tianyuan.hil.bus.faults import BUS_FAULTS

# Numpy's integers where kernels are called with them: numba compiles a kernel anew for each
# literal that it is given.
NODES: Final = 4
HOST, RIG, GUARD, INTRUDER = (np.int64(who) for who in range(NODES))
SLOTS: Final = 64  # frames that a node can have queued on a bus
LOG: Final = 128  # entries before they are handed on
LOG_ROOM: Final = 16  # more than one end of a transmission brings
LATE: Final = 2048  # frames that a fault can hold back at a time
BINS: Final = 1024  # of latencies, each of BIN_NS; the last holds everything longer
BIN_NS: Final = 10_000
TAPPED: Final = 1024  # frames of a millisecond, at least those of seven buses
NEVER: Final = 1 << 62

# What becomes of a transmission.
SENT, BIT_ERROR, UNACKNOWLEDGED, COLLIDED, ABORTED = (np.int64(which) for which in range(5))
# A controller's state, as Linux orders them.
ACTIVE, WARNING, PASSIVE, OFF = range(4)
WIRES: Final = 2  # of a bus
MAIN, STUB = range(WIRES)
FRAME_HEARD, CONTROLLER_SAID = (np.int64(which) for which in range(2))

WIRE: Final = np.dtype(
    [
        ("bitrate", "i8"),
        ("data_bitrate", "i8"),
        ("sender", "i8"),  # node whose frame is on the wire, -1 for none
        ("slot", "i8"),  # of its queue
        ("rival", "i8"),  # node that sends the same identifier at the same time, -1 for none
        ("rival_slot", "i8"),
        ("outcome", "i8"),
        ("done_ns", "i8"),  # when the frame is received, or the error frame over
        ("free_ns", "i8"),  # from when on the next frame may start
        # since the start
        ("carried", "i8"),  # frames that were received
        ("spoilt", "i8"),  # transmissions that were not
        ("busy_ns", "i8"),  # intermissions and error frames included
        ("began_ns", "i8"),
        ("now_ns", "i8"),
        ("paid_ns", "i8"),  # from when on extra traffic is due
    ]
)

NODE: Final = np.dtype(
    [
        ("present", "i8"),
        ("mailboxes", "i8"),  # 1: one an identifier, all of them compete; 0: a queue in order
        ("room", "i8"),  # frames that it queues, the one in the controller's mailbox included
        ("restart_ns", "i8"),  # from bus-off to the restart by itself, -1 for never
        # the controller
        ("tec", "i8"),
        ("rec", "i8"),
        ("least_tec", "i8"),  # held there by a fault
        ("state", "i8"),
        ("ready_ns", "i8"),  # not before: an error-passive sender lets the others start first
        ("back_ns", "i8"),  # when it takes part again after bus-off, NEVER if nothing is planned
        ("told_ns", "i8"),  # when its restart is told, NEVER if nothing is planned
        ("down", "i8"),  # its interface is down
        ("stuck", "i8"),  # it starts no frame
        ("unplugged", "i8"),
        ("forced_off", "i8"),  # by a fault
        # the queue, a ring where it is in order
        ("first", "i8"),
        ("queued", "i8"),
        # since the start
        ("offered", "i8"),
        ("sent", "i8"),
        ("replaced", "i8"),  # in a mailbox, by a newer frame of its identifier
        ("dropped", "i8"),  # found no room, or the controller was reset
        ("retried", "i8"),
        ("received", "i8"),
        ("overrun", "i8"),  # found the receive queue full
    ]
)

SLOT: Final = np.dtype(
    [
        ("order", "i8"),  # in arbitration
        ("since_ns", "i8"),
        ("took_ns", "i8"),  # on the wire, intermission included
        ("words", "i8", (WORDS,)),  # the FRAME
    ]
)

# What came of the wires since it was last handed on: frames received, and what controllers say.
ENTRY: Final = np.dtype(
    [
        ("to", "i8"),  # a bit for each node
        ("said", "i8"),  # 1 for a controller's word
        ("since_ns", "i8"),  # when the frame was queued
        ("words", "i8", (WORDS,)),  # the FRAME, stamped with its reception
    ]
)

# A bus with all that changes on it. The wires: its own, and the stub.
BUS: Final = np.dtype(
    [
        ("channel", "i8"),
        ("seed", "i8"),
        ("faults", BUS_FAULTS, (1,)),
        ("wires", WIRE, (WIRES,)),
        ("nodes", NODE, (NODES,)),
        ("slots", SLOT, (NODES, SLOTS)),
        ("logged", "i8"),
        ("log", ENTRY, (LOG,)),
        ("scratch", "i8", (WORDS,)),
    ]
)

# From the instant that a frame is queued to the end of its reception; one a message of the car,
# sorted by the key, and a last one for all other frames.
LATENCY: Final = np.dtype(
    [
        ("key", "i8"),  # can_id and, above it, channel
        ("frames", "i8"),
        ("least_ns", "i8"),
        ("most_ns", "i8"),
        ("total_ns", "i8"),
        ("bins", "i8", (BINS,)),
    ]
)


# Frames held back on their way to the host, and until when.
HELD: Final = np.dtype(
    [("count", "i8"), ("until_ns", "i8", (LATE,)), ("words", "i8", (LATE, WORDS))]
)
# Frames received in the last millisecond, each stamped with that instant.
TAP: Final = np.dtype([("count", "i8"), ("words", "i8", (TAPPED, WORDS))])


class Net(NamedTuple):
    """The buses of a car, with all of their nodes; without any bus, frames arrive at once."""

    faults: np.recarray  # BUS_FAULTS, one a bus
    buses: np.recarray  # BUS
    host: np.recarray  # PORT, one a bus
    guard: np.recarray  # PORT, one a bus
    latencies: np.recarray  # LATENCY
    held: np.recarray  # HELD
    tap: np.recarray  # TAP


class Ears(NamedTuple):
    """The receive queues, and how many frames wait in those of host, rig and guard."""

    host: np.recarray
    rig: np.recarray
    guard: np.recarray
    waiting: np.ndarray


def tap_of(net: Net) -> np.recarray:
    """What every node could hear in the last millisecond, each stamped with its reception."""
    words: np.ndarray = net.tap["words"][0, : net.tap["count"][0]]
    return words.view(FRAME).reshape(-1).view(np.recarray)
