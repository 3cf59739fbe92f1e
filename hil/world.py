"""What the rig reads and never writes: line, ground, plant, codecs, faults."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from tianyuan.control.records import CHANNEL_NAMES, GROUPS
from tianyuan.dbc.codec import Codec
from tianyuan.firmware.tables import Wire
from tianyuan.hil.road import Ground

BEATS: Final = 256  # of race control's heartbeat, or as many as its signal can count


class World(NamedTuple):
    """One rig's surroundings, and how it speaks."""

    driver: np.recarray  # PARAMS, for the line's spacing and the car's size
    path: np.recarray  # PATH
    ground: Ground
    plant: np.recarray  # PLANT
    sensor_params: np.recarray
    sensors: Codec
    cycle_ns: np.ndarray  # of the sensor messages
    groups: np.ndarray  # (sensor messages, groups) 1 where a message carries a group
    commands: Codec
    host: Codec  # what the host says about itself, for the telemetry alone
    permit: Codec  # the guard's message; none for a car without a guard
    carriers: np.ndarray  # (3,) the command messages that steer, accelerate and brake, or -1
    beats: int  # that race control's heartbeat counts before it begins again
    seed: int
    statuses: np.ndarray  # (sensor messages,) sum of the Status that each carries
    sky: np.recarray  # SKY
    faults: np.recarray  # FAULTS; none for a run in which nothing goes wrong


def groups_of(wire: Wire) -> np.ndarray:
    """Which groups of channels each sensor message carries."""
    table = np.zeros((len(wire.sensor_messages), len(GROUPS)), np.int64)
    for group, feeding in enumerate(wire.feeds):
        for message in feeding[feeding >= 0]:
            table[message, group] = 1
    return table


def beats_of(sensors: Codec) -> int:
    """How far race control's heartbeat can count on the wire."""
    rows = sensors.signals[sensors.signals.slot == CHANNEL_NAMES.index("race_heartbeat")]
    return min([BEATS, *(int(row.high) + 1 for row in rows)])
