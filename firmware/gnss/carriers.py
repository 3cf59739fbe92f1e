"""Which messages of a car's bus a satellite receiver fills, and what their signals can carry."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np

from tianyuan.control.errors import InputError
from tianyuan.control.records import CHANNEL_NAMES, CHANNELS
from tianyuan.dbc.codec import Codec
from tianyuan.firmware.car_file import Car
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


def carriers(car: Car, bus: Wire) -> list[Carrier]:
    """The messages of a car that a receiver fills; ``bus`` is ``wire(car)``.

    Raises InputError for a car without any, and for a message that another node fills, too.
    """
    bound: dict[str, set[str]] = {}
    for entry in entries(car, "sensors"):
        bound.setdefault(entry.wired.message, set()).add(entry.channel)
    found = []
    for index, message in enumerate(bus.sensor_messages):
        channels = bound.get(message.name, set())
        if not channels & (POSITION | VELOCITY):
            continue
        others = sorted(channels - POSITION - VELOCITY)
        if others:
            raise InputError(
                f"{car.file}: sensors.{others[0]}: message {message.name} also carries what a "
                "satellite receiver says; one node has to fill the whole of it"
            )
        found.append(Carrier(index, message.name, frozenset(channels)))
    if not found:
        raise InputError(f"{car.file}: sensors: no gnss_… channel; nothing to publish")
    return found


def bounds(codec: Codec, channel: str) -> tuple[float, float]:
    """What the signals of a channel can carry, in the channel's unit."""
    rows = codec.signals[codec.signals.slot == SLOT[channel]]
    if not len(rows):
        return -math.inf, math.inf
    ends = np.sort([rows.low * rows.scale, rows.high * rows.scale], axis=0) + rows.offset
    return float(ends[0].max()), float(ends[1].min())
