"""The buses of a car as the model has them: all nodes well, nothing queued."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np
from cantools.database.can import Message

from tianyuan.dbc.header import key
from tianyuan.drivers.port_record import closed_ports
from tianyuan.firmware.car_messages import messages_of
from tianyuan.firmware.car_shape import Bus, Car
from tianyuan.hil.bus.faults import bus_faults
from tianyuan.hil.bus.records import (
    BUS,
    GUARD,
    HELD,
    HOST,
    LATENCY,
    NEVER,
    RIG,
    SLOTS,
    TAP,
    Net,
)

TRANSMIT_QUEUE: Final = 10  # frames, the kernel's own for CAN interfaces: txqueuelen
MAILBOX: Final = 1  # of the controller, before that queue
NO_RESTART: Final = -1  # the kernel's own: a controller that is bus-off stays so


def _buses(
    tables: Iterable[Bus], first_ns: int, guarded: bool, transmit_queue: int, restart_ns: int
) -> np.recarray:
    rates = [(bus.bitrate, bus.data_bitrate or bus.bitrate) for bus in tables]
    buses = np.zeros(len(rates), BUS)
    buses["channel"] = range(len(rates))
    wires, nodes = buses["wires"], buses["nodes"]
    wires["bitrate"] = np.array([rate for rate, _ in rates], np.int64)[:, None]
    wires["data_bitrate"] = np.array([rate for _, rate in rates], np.int64)[:, None]
    wires["sender"] = wires["rival"] = -1
    wires["free_ns"] = wires["began_ns"] = wires["now_ns"] = first_ns
    nodes["present"] = 1
    nodes["present"][:, GUARD] = guarded
    nodes["room"] = SLOTS
    nodes["room"][:, [HOST, GUARD]] = min(transmit_queue + MAILBOX, SLOTS)
    nodes["restart_ns"][:, [HOST, GUARD]] = restart_ns
    nodes["mailboxes"][:, RIG] = 1
    nodes["back_ns"] = nodes["told_ns"] = NEVER
    return buses.view(np.recarray)


def _latencies(keys: Iterable[int]) -> np.recarray:
    """A row for each message and one for all other frames, which no key finds."""
    known = sorted(set(keys))
    rows = np.zeros(len(known) + 1, LATENCY).view(np.recarray)
    rows.key = [*known, NEVER]
    return rows


def net_of(
    buses: Mapping[str, Bus],
    keys: Iterable[int] = (),
    *,
    first_ns: int = 0,
    seed: int = 1,
    guarded: bool = True,
    transmit_queue: int = TRANSMIT_QUEUE,
    restart_ns: int = NO_RESTART,
) -> Net:
    """The model of these buses; without any, that of frames that arrive at once.

    ``keys`` are the messages whose latencies are kept apart, as ``dbc.header.key`` gives them;
    ``restart_ns`` is how long after bus-off host and guard restart by themselves.
    """
    count = len(buses)
    made = _buses(buses.values(), first_ns, guarded, transmit_queue, restart_ns)
    made.seed = seed
    return Net(
        bus_faults(count),
        made,
        closed_ports(range(count)),
        closed_ports(range(count)),
        _latencies(keys),
        np.zeros(1 if count else 0, HELD).view(np.recarray),
        np.zeros(1 if count else 0, TAP).view(np.recarray),
    )


def messages_on(car: Car) -> dict[int, Message]:
    """The messages of a car's DBC files, by their key."""
    messages = messages_of(car)
    return {
        key(message, messages.channels[name]): message for name, message in messages.named.items()
    }


def make_net(
    car: Car,
    first_ns: int,
    seed: int,
    transmit_queue: int = TRANSMIT_QUEUE,
    restart_ns: int = NO_RESTART,
) -> Net:
    """The model of a car's buses from ``first_ns`` on; the rest as ``net_of`` has it."""
    return net_of(
        car.buses,
        messages_on(car),
        first_ns=first_ns,
        seed=seed,
        guarded=bool(car.guard),
        transmit_queue=transmit_queue,
        restart_ns=restart_ns,
    )
