"""From a car file and a line to the tables and the memory that ``tick`` works on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from cantools.database.can import Message

from tianyuan.control.errors import InputError
from tianyuan.control.records import (
    CHANNEL_NAMES,
    CHANNELS,
    COMMAND,
    COMMAND_NAMES,
    NO_HEARTBEAT,
    SENSORS,
    STATE,
    Permit,
    record,
)
from tianyuan.dbc.codec import RECEIVED, SENT, Binding, Codec, Protection, build, records
from tianyuan.dbc.errors import DbcError
from tianyuan.dbc.read import read
from tianyuan.dbc.units import channel_unit, conversion
from tianyuan.firmware.car_file import Car, Signal
from tianyuan.firmware.host_record import CYCLE_NS, EVERY_TICK, HOST, SIGNALS
from tianyuan.rooms import room

NS_PER_MS = 1_000_000
MOST_FEEDS = 4  # messages that together feed one group of channels


class Tables(NamedTuple):
    """What ``tick`` reads and never writes."""

    driver: np.recarray  # PARAMS
    sensors: Codec  # messages in, to the channels of SENSORS
    feeds: np.ndarray  # (groups, MOST_FEEDS) messages of each group, -1 where there are no more
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


class Wire(NamedTuple):
    """The two codecs of a car: what the host decodes with one, the rig encodes, and the reverse."""

    sensors: Codec
    sensor_messages: tuple[Message, ...]
    commands: Codec
    command_messages: tuple[Message, ...]
    feeds: np.ndarray


def messages_of(car: Car) -> dict[str, Message]:
    """Every message of the car's DBC files, by name; raises InputError for one that is in two."""
    named: dict[str, Message] = {}
    for file in car.dbc_files():
        for message in read(file).messages:
            if message.name in named:
                raise InputError(f"{file}: message {message.name}: in two of the car's DBC files")
            named[message.name] = message
    return named


def bind(
    car: Car, table: str, messages: Mapping[str, Message], slots: tuple[str, ...]
) -> list[Binding]:
    """The bindings of a car file's table, by the channels' places among ``slots``."""
    named: Mapping[str, Signal] = getattr(car, table)
    return [_binding(car, table, channel, named[channel], messages, slots) for channel in named]


def _binding(
    car: Car,
    table: str,
    channel: str,
    wired: Signal,
    messages: Mapping[str, Message],
    slots: tuple[str, ...],
) -> Binding:
    message_name, signal_name = wired.signal.split(".")
    where = f"{car.file}: {table}.{channel} = {wired.signal!r}"
    if message_name not in messages:
        raise InputError(f"{where}: no message {message_name} in {', '.join(car.car.dbc)}")
    message = messages[message_name]
    if signal_name not in message.signal_tree and signal_name not in {
        signal.name for signal in message.signals
    }:
        known = ", ".join(signal.name for signal in message.signals)
        raise InputError(f"{where}: no signal {signal_name} in {message_name}; it has {known}")
    unit = message.get_signal_by_name(signal_name).unit
    try:
        factor, offset = conversion(unit, channel_unit(channel), channel)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    return Binding(
        message_name, signal_name, slots.index(channel), factor / wired.ratio, offset / wired.ratio
    )


def messages_used(
    bindings: Iterable[Binding], messages: Mapping[str, Message]
) -> tuple[Message, ...]:
    """The messages that the bindings name, in the order of their identifiers."""
    names = dict.fromkeys(binding.message for binding in bindings)
    return tuple(sorted((messages[name] for name in names), key=lambda m: m.frame_id))


def protections(
    car: Car, messages: Iterable[Message], windowed: bool = True
) -> dict[str, Protection]:
    """The end-to-end protection of these messages, where the car file gives them one."""
    return {
        message.name: car.protection[message.name].protection(message.cycle_time, windowed)
        for message in messages
        if message.name in car.protection
    }


def codec_of(
    car: Car, messages: Sequence[Message], bindings: Sequence[Binding], windowed: bool = True
) -> Codec:
    """The codec of a car's messages; a DbcError has the car file with it."""
    try:
        return build(messages, bindings, protections(car, messages, windowed))
    except DbcError as error:
        raise error.at(str(car.file)) from None


def _feeds(bindings: list[Binding], messages: tuple[Message, ...]) -> np.ndarray:
    """Messages that feed each group: a group is as old as the oldest of them."""
    order = {message.name: index for index, message in enumerate(messages)}
    table = np.full((len(CHANNELS), MOST_FEEDS), -1, np.int64)
    for row, channels in zip(table, CHANNELS.values(), strict=True):
        slots = {CHANNEL_NAMES.index(channel) for channel in channels}
        feeding = sorted({order[b.message] for b in bindings if b.slot in slots})
        if len(feeding) > MOST_FEEDS:
            raise InputError(
                f"channels {', '.join(channels)}: fed by {len(feeding)} messages; "
                f"{MOST_FEEDS} is the most"
            )
        row[: len(feeding)] = feeding
    return table


def wire(car: Car) -> Wire:
    """The codecs of a car's bus, and which messages feed which group of channels."""
    messages = messages_of(car)
    for name in car.protection:
        if name not in messages:
            raise InputError(f"{car.file}: protection.{name}: no such message in {car.car.dbc}")
    inward = bind(car, "sensors", messages, CHANNEL_NAMES)
    outward = bind(car, "commands", messages, COMMAND_NAMES)
    received, sent = messages_used(inward, messages), messages_used(outward, messages)
    return Wire(
        codec_of(car, received, inward),
        received,
        codec_of(car, sent, outward),
        sent,
        _feeds(inward, received),
    )


def host_codec() -> tuple[Codec, tuple[Message, ...]]:
    """The codec of the messages about the host, over the fields of HOST."""
    messages = {message.name: message for message in read(room("dbc") / "host.dbc").messages}
    bindings = []
    for slot, wired in enumerate(SIGNALS.values()):
        message, signal = wired.split(".")
        bindings.append(Binding(message, signal, slot))
    used = messages_used(bindings, messages)
    return build(used, bindings), used


def cycles_ns(messages: tuple[Message, ...], car: Car) -> np.ndarray:
    """The cycle of each message the car is sent; raises InputError for one that has none."""
    cycles = []
    for message in messages:
        if not message.cycle_time:
            raise InputError(
                f"{car.file}: commands: {message.name} has no cycle time; give its DBC file "
                'the attribute "GenMsgCycleTime"'
            )
        cycles.append(message.cycle_time * NS_PER_MS)
    return np.array(cycles, np.int64)


def tables(car: Car, params: np.recarray) -> Tables:
    """All that ``tick`` reads, for a car and its completed PARAMS."""
    bus = wire(car)
    host, host_messages = host_codec()
    every = [0 if message.name in EVERY_TICK else CYCLE_NS for message in host_messages]
    return Tables(
        params,
        bus.sensors,
        bus.feeds,
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
