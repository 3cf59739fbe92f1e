"""What became of the frames of a run: loads of the buses, latencies of the messages, losses."""

from __future__ import annotations

from typing import Final

import numpy as np
from pydantic import BaseModel, ConfigDict

from tianyuan.dbc.header import key
from tianyuan.firmware.car_messages import messages_of
from tianyuan.firmware.car_shape import Car
from tianyuan.hil.bus.records import BIN_NS, BINS, GUARD, HOST, INTRUDER, MAIN, RIG, Net

NODE_NAMES: Final = {"host": HOST, "guard": GUARD, "rig": RIG, "intruder": INTRUDER}
OTHERS: Final = "other frames"


class MessageFigures(BaseModel):
    """Latencies of a message, from its sender's queue to the end of its reception."""

    model_config = ConfigDict(frozen=True)

    name: str
    frames: int
    min_us: float
    median_us: float  # upper edge of its bin, of 10 microseconds
    max_us: float


class NodeFigures(BaseModel):
    """Frames of one node on one bus."""

    model_config = ConfigDict(frozen=True)

    name: str
    sent: int
    retried: int
    replaced: int  # by a newer one of their identifier, before they left
    dropped: int  # for want of room, of age, of an interface, or because the controller was reset
    received: int
    overrun: int  # found the receive queue full


class BusFigures(BaseModel):
    """One bus of the car over a run."""

    model_config = ConfigDict(frozen=True)

    name: str
    load: float  # share of the time
    frames: int
    spoilt: int  # transmissions that came to nothing
    nodes: list[NodeFigures]
    messages: list[MessageFigures]


def histogram(net: Net, name: str, car: Car) -> tuple[np.ndarray, np.ndarray]:
    """Edges in microseconds and counts of a message's latencies; the last bin has no end."""
    messages = messages_of(car)
    wanted = key(messages.named[name], messages.channels[name])
    (row,) = net.latencies[net.latencies.key == wanted]
    return np.arange(BINS + 1) * (BIN_NS / 1000.0), row.bins.copy()


def figures(net: Net, car: Car) -> list[BusFigures]:
    """What became of the frames on each of a car's buses; nothing for a run without the model."""
    if not net.buses.size:
        return []
    messages = messages_of(car)
    names = {key(m, messages.channels[name]): name for name, m in messages.named.items()}
    return [_bus(net, k, name, names) for k, name in enumerate(car.buses)]


def _bus(net: Net, k: int, name: str, names: dict[int, str]) -> BusFigures:
    bus = net.buses[k]
    wire = bus.wires[MAIN]
    kept = [row for row in net.latencies[:-1] if row.frames and int(row.key) >> 32 == k]
    rows = [_message(names[int(row.key)], row) for row in kept]
    if k == 0 and net.latencies[-1].frames:
        rows.append(_message(OTHERS, net.latencies[-1]))
    return BusFigures(
        name=name,
        load=float(wire.busy_ns) / max(float(wire.now_ns - wire.began_ns), 1.0),
        frames=int(wire.carried),
        spoilt=int(wire.spoilt),
        nodes=[_node(net, k, label, who) for label, who in NODE_NAMES.items()],
        messages=rows,
    )


def _message(name: str, row: np.record) -> MessageFigures:
    median = int(np.searchsorted(np.cumsum(row.bins), row.frames / 2))
    longest_us = float(row.most_ns) / 1000.0
    return MessageFigures(
        name=name,
        frames=int(row.frames),
        min_us=float(row.least_ns) / 1000.0,
        median_us=min((median + 1) * BIN_NS / 1000.0, longest_us),
        max_us=longest_us,
    )


def _node(net: Net, k: int, label: str, who: np.int64) -> NodeFigures:
    node = net.buses[k].nodes[who]
    port = {HOST: net.host, GUARD: net.guard}.get(who)
    waited, replaced = (int(port.dropped[k]), int(port.replaced[k])) if port is not None else (0, 0)
    return NodeFigures(
        name=label,
        sent=int(node.sent),
        retried=int(node.retried),
        replaced=int(node.replaced) + replaced,
        dropped=int(node.dropped) + waited - replaced,
        received=int(node.received),
        overrun=int(node.overrun),
    )
