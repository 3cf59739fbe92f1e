"""From a car file and a line to the tables and the memory that ``tick`` works on."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from cantools.database.can import Message

from tianyuan.control.errors import InputError
from tianyuan.control.records import COMMAND, NO_HEARTBEAT, SENSORS, STATE, Permit, record
from tianyuan.dbc.codec import RECEIVED, SENT, Binding, Codec, build, records
from tianyuan.dbc.read import read
from tianyuan.firmware.bus_faults import BUS
from tianyuan.firmware.car_messages import Messages, messages_of
from tianyuan.firmware.car_shape import Car
from tianyuan.firmware.host_record import (
    CYCLE_NS,
    EVERY_TICK,
    HOST,
    HOST_CHANNEL,
    MOST_BUSES,
    SIGNALS,
)
from tianyuan.firmware.timing import cycles_ns, feeds
from tianyuan.firmware.wire_mistakes import mistakes
from tianyuan.firmware.wiring import codec_of, command_wiring, sensor_wiring
from tianyuan.rooms import room


class Tables(NamedTuple):
    """What ``tick`` reads and never writes."""

    driver: np.recarray  # PARAMS
    sensors: Codec  # messages in, to the channels of SENSORS
    feeds: np.ndarray  # (groups, MOST_FEEDS) messages of each group, -1 where there are no more
    slack_ns: np.ndarray  # of the same: what each may be late beyond the group's limit
    commands: Codec  # messages out, from the channels of COMMAND
    cycle_ns: np.ndarray  # (messages out,)
    host: Codec  # messages about the host, from HOST
    host_cycle_ns: np.ndarray  # 0 is every tick


class Memory(NamedTuple):
    """What ``tick`` remembers."""

    driver: np.recarray  # STATE
    received: np.recarray  # one record a message in
    sent: np.recarray  # one record a message out
    due_ns: np.ndarray
    host: np.recarray  # HOST
    host_sent: np.recarray
    host_due_ns: np.ndarray
    refused: np.ndarray  # (1,) frames not taken, since the start
    heartbeat: np.ndarray  # (1,) race control's, as last seen
    heartbeat_ns: np.ndarray  # (1,) when it last moved
    buses: np.recarray  # BUS, one a bus of the car


class Wire(NamedTuple):
    """The two codecs of a car: what the host decodes with one, the rig encodes, and the reverse."""

    sensors: Codec
    sensor_messages: tuple[Message, ...]
    commands: Codec
    command_messages: tuple[Message, ...]
    feeds: np.ndarray
    slack_ns: np.ndarray  # what each of them may be late beyond the shortest timeout


def wire(car: Car) -> Wire:
    """The codecs of a car's buses, and which messages feed which group of channels."""
    messages = messages_of(car)
    for mistake in mistakes(car, messages):
        raise InputError(mistake)
    sensors_, received = codec_of(car, sensor_wiring(car, messages), messages)
    commands, sent = codec_of(car, command_wiring(car, messages), messages)
    return Wire(sensors_, received, commands, sent, *feeds(car, received))


def host_codec() -> tuple[Codec, tuple[Message, ...]]:
    """The codec of the messages about the host, over the fields of HOST."""
    named = {message.name: message for message in read(room("dbc") / "host.dbc").messages}
    messages = Messages(named, dict.fromkeys(named, HOST_CHANNEL))
    bindings = []
    for slot, wired in enumerate(SIGNALS.values()):
        message, signal = wired.split(".")
        bindings.append(Binding(message, signal, slot))
    used = messages.of(binding.message for binding in bindings)
    return build(used, bindings, channels=messages.channels), used


def tables(car: Car, params: np.recarray) -> Tables:
    """All that ``tick`` reads, for a car and its completed PARAMS."""
    bus = wire(car)
    host, host_messages = host_codec()
    every = [0 if message.name in EVERY_TICK else CYCLE_NS for message in host_messages]
    return Tables(
        params,
        bus.sensors,
        bus.feeds,
        bus.slack_ns,
        bus.commands,
        cycles_ns(bus.command_messages, car),
        host,
        np.array(every, np.int64),
    )


def memory(plan: Tables) -> Memory:
    """Fresh memory for these tables: a car that is off and has seen nothing."""
    return Memory(
        record(STATE),
        records(plan.sensors, RECEIVED),
        records(plan.commands, SENT),
        np.zeros(plan.commands.messages.size, np.int64),
        record(HOST),
        records(plan.host, SENT),
        np.zeros(plan.host.messages.size, np.int64),
        np.zeros(1, np.int64),
        np.full(1, NO_HEARTBEAT),
        np.zeros(1, np.int64),
        np.zeros(MOST_BUSES, BUS).view(np.recarray),
    )


def sensors() -> np.recarray:
    """SENSORS before the first frame; what no signal feeds must not keep the car from driving."""
    blank = record(SENSORS)
    blank.gnss_quality[0] = 1.0
    blank.gnss_heading_quality[0] = 1.0
    blank.race_heartbeat[0] = NO_HEARTBEAT
    blank.permit[0] = Permit.GRANTED
    return blank


def command() -> np.recarray:
    """COMMAND before the first tick."""
    return record(COMMAND)


def shipped_cars() -> dict[str, Path]:
    """The cars that come with the package, by name."""
    return {file.stem: file for file in sorted((room("firmware") / "cars").glob("*.toml"))}
