"""Which messages of a car's bus a satellite receiver fills, and what their signals can carry."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np

from tianyuan.control.errors import InputError
from tianyuan.control.records import CHANNEL_NAMES, CHANNELS
from tianyuan.dbc.codec import Codec
from tianyuan.firmware.car_file import Car
from tianyuan.firmware.car_messages import messages_of
from tianyuan.firmware.tables import Wire
from tianyuan.firmware.wiring import entries

POSITION: Final = frozenset(CHANNELS["position"])
VELOCITY: Final = frozenset(CHANNELS["velocity"])
SLOT: Final = {name: CHANNEL_NAMES.index(name) for name in (*POSITION, *VELOCITY)}


class Carrier(NamedTuple):
    """A message that carries what a receiver says."""

    place: int  # among the codec's messages
    name: str
    channels: frozenset[str]


def carriers(car: Car, wired: Wire) -> tuple[list[Carrier], int]:
    """The messages of a car that a receiver fills, and the channel of the bus they are on.

    ``wired`` is ``wire(car)``. Raises InputError for a car without any, for a message that
    another node fills, too, and for messages on more than one bus.
    """
    messages = messages_of(car)
    bound: dict[str, set[str]] = {}
    for entry in entries(car, "sensors"):
        bound.setdefault(entry.wired.message, set()).add(entry.channel)
    found = []
    for index, message in enumerate(wired.sensor_messages):
        filled = bound.get(message.name, set())
        if not filled & (POSITION | VELOCITY):
            continue
        others = sorted(filled - POSITION - VELOCITY)
        if others:
            raise InputError(
                f"{car.file}: sensors.{others[0]}: message {message.name} also carries what a "
                "satellite receiver says; one node has to fill the whole of it"
            )
        found.append(Carrier(index, message.name, frozenset(filled)))
    if not found:
        raise InputError(f"{car.file}: sensors: no gnss_… channel; nothing to publish")
    channels = {messages.channels[carrier.name] for carrier in found}
    if len(channels) > 1:
        names = ", ".join(carrier.name for carrier in found)
        raise InputError(f"{car.file}: buses: {names}: on more than one bus; a receiver is on one")
    return found, channels.pop()


def bounds(codec: Codec, channel: str) -> tuple[float, float]:
    """What the signals of a channel can carry, in the channel's unit."""
    rows = codec.signals[codec.signals.slot == SLOT[channel]]
    if not len(rows):
        return -math.inf, math.inf
    ends = np.sort([rows.low * rows.scale, rows.high * rows.scale], axis=0) + rows.offset
    return float(ends[0].max()), float(ends[1].min())
