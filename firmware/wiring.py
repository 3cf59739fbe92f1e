"""Which signals of a car's bus feed which channels and the reverse: from names to a codec.

Every function here that raises names one mistake; ``check.py`` calls the same ones, entry
by entry, to find all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from cantools.database.can import Message

from tianyuan.control.errors import InputError
from tianyuan.control.records import CHANNEL_NAMES, COMMAND, COMMAND_NAMES, ECHOES, SENSORS
from tianyuan.dbc import layout
from tianyuan.dbc.codec import Binding, Codec, Condition, Protection, build
from tianyuan.dbc.errors import DbcError
from tianyuan.firmware.car_entries import suggestion
from tianyuan.firmware.car_messages import Messages, find
from tianyuan.firmware.car_shape import Car, Signal
from tianyuan.firmware.listed import default_of, pairs_of, raw_of, raws_of
from tianyuan.firmware.scale import period_of, scale
from tianyuan.firmware.timing import cycle_ms


class Entry(NamedTuple):
    """An entry of a car file's table: its key there, its channel and its signal."""

    key: str
    channel: str
    wired: Signal


class Wiring(NamedTuple):
    """What one codec is made of: bindings, conditions, and messages that nothing feeds."""

    bindings: list[Binding]
    conditions: list[Condition]
    bare: list[str]


def name_mistakes(car: Car, messages: Messages) -> Iterator[str]:
    """The names of [protection] and [messages] that no message has."""
    for table in ("protection", "messages"):
        for name in getattr(car, table):
            if name not in messages.named:
                hint = suggestion(name, messages.named)
                yield f"{table}.{name}: no such message in {car.dbc_names()}{hint}"


def entries(car: Car, table: str) -> Iterator[Entry]:
    """The entries of [sensors], [commands] or [guard]."""
    for channel, wired in getattr(car, table).items():
        several = wired if isinstance(wired, list) else [wired]
        for k, each in enumerate(several):
            place = f"[{k}]" if len(several) > 1 else ""
            yield Entry(f"{table}.{channel}{place}", channel, each)


def binding(car: Car, entry: Entry, messages: Messages, slot: int) -> Binding:
    """The binding of an entry to its channel's slot."""
    wired = entry.wired
    message, signal = find(car, entry.key, wired.signal, messages)
    try:
        unavailable = raws_of(message, signal, wired.unavailable)
        if wired.values is not None:
            table = entry.key.partition(".")[0]
            key = f"{table}.{entry.channel}"
            gears = len(car.parameters["vehicle"].get("gear_ratio", ()))
            pairs = pairs_of(key, wired, message, signal, gears)
            default = default_of(key, wired)
            return Binding(message.name, signal.name, slot, 1.0, 0.0, pairs, default, unavailable)
        factor, offset = scale(entry.channel, wired, signal)
    except InputError as error:
        raise InputError(f"{car.file}: {entry.key} = {wired.signal!r}: {error}") from None
    period = period_of(entry.channel, signal, factor, offset)
    return Binding(
        message.name, signal.name, slot, factor, offset, unavailable=unavailable, period=period
    )


def conditions(car: Car, entry: Entry, messages: Messages) -> list[Condition]:
    """The validity conditions of an entry."""
    made = []
    for each in entry.wired.valid:
        where = f"{entry.key}.valid.signal"
        message, signal = find(car, where, each.signal, messages)
        try:
            raws = raws_of(message, signal, each.one_of)
        except InputError as error:
            raise InputError(f"{car.file}: {entry.key}.valid.is: {error}") from None
        made.append(Condition(entry.wired.message, message.name, signal.name, raws, True))
    return made


def echo_bindings(
    car: Car, place: int, out: str, source: str, messages: Messages
) -> tuple[Binding, Binding]:
    """What an echo hears, by its place among SENSORS, and says, by its place among COMMAND."""
    if place >= len(ECHOES):
        raise InputError(
            f"{car.file}: echo.{out}: {len(ECHOES)} echoes are the most; leave some out"
        )
    find(car, "echo", out, messages)
    find(car, f"echo.{out}", source, messages)
    heard, said = ((dtype.names or ()).index(ECHOES[place]) for dtype in (SENSORS, COMMAND))
    to, of = out.split("."), source.split(".")
    return Binding(of[0], of[1], heard), Binding(to[0], to[1], said)


def constant(
    car: Car, name: str, value: float | str, messages: Messages
) -> tuple[tuple[str, str], float]:
    """The raw value of a constant, by message and signal."""
    message, signal = find(car, "constants", name, messages)
    where = f"{car.file}: constants.{name} = {value!r}"
    try:
        if isinstance(value, str):
            return (message.name, signal.name), raw_of(message, signal, value)
        raw = signal.conversion.numeric_scaled_to_raw(value)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    low, high = layout.limits(signal)
    if not low <= raw <= high:
        ends = [signal.conversion.raw_to_scaled(end, decode_choices=False) for end in (low, high)]
        raise InputError(f"{where}: outside {ends[0]} to {ends[1]}; correct the number")
    return (message.name, signal.name), raw


def constants_of(car: Car, messages: Messages) -> dict[tuple[str, str], float]:
    """Every constant of the car, as raw values."""
    return dict(constant(car, name, value, messages) for name, value in car.constants.items())


def bind(car: Car, table: str, messages: Messages, slots: tuple[str, ...]) -> Wiring:
    """The wiring of a car file's table, by the channels' places among ``slots``."""
    made = Wiring([], [], [])
    for entry in entries(car, table):
        made.bindings.append(binding(car, entry, messages, slots.index(entry.channel)))
        made.conditions.extend(conditions(car, entry, messages))
    return made


def sensor_wiring(car: Car, messages: Messages) -> Wiring:
    """What the host hears: the channels of SENSORS and what it echoes."""
    made = bind(car, "sensors", messages, CHANNEL_NAMES)
    for place, (out, source) in enumerate(car.echo.items()):
        made.bindings.append(echo_bindings(car, place, out, source, messages)[0])
    return made


def command_wiring(car: Car, messages: Messages) -> Wiring:
    """What the host says: the channels of COMMAND, echoes, and messages of constants alone."""
    made = bind(car, "commands", messages, COMMAND_NAMES)
    for place, (out, source) in enumerate(car.echo.items()):
        made.bindings.append(echo_bindings(car, place, out, source, messages)[1])
    made.bare.extend(said(car))
    return made


def said(car: Car) -> dict[str, None]:
    """The messages that the host sends; one of constants alone is its own, if nobody hears it."""
    named = [entry.wired.message for entry in entries(car, "commands")]
    named += [out.partition(".")[0] for out in car.echo]
    others = {*heard(car), *(each.message for each in car.guard.values())}
    bare = [name.partition(".")[0] for name in car.constants]
    return dict.fromkeys(named + [name for name in bare if name not in others])


def heard(car: Car) -> dict[str, None]:
    """The messages that the host takes: those of channels, of validity and of echoes."""
    named = [each.message for each in car.sensors.values()]
    named += [v.signal.partition(".")[0] for each in car.sensors.values() for v in each.valid]
    return dict.fromkeys(named + [source.partition(".")[0] for source in car.echo.values()])


def protections(
    car: Car, messages: Iterable[Message], windowed: bool = True
) -> dict[str, Protection]:
    """The end-to-end protection of these messages, where the car file gives them one."""
    return {
        message.name: car.protection[message.name].protection(
            cycle_ms(car, message) or None, windowed
        )
        for message in messages
        if message.name in car.protection
    }


def codec_of(
    car: Car, wiring: Wiring, messages: Messages, windowed: bool = True
) -> tuple[Codec, tuple[Message, ...]]:
    """The codec of a wiring, and its messages by bus and identifier.

    ``windowed`` False takes each protected frame by itself. A DbcError has the car file with it.
    """
    names = dict.fromkeys(each.message for each in wiring.bindings)
    names |= dict.fromkeys(each.source for each in wiring.conditions)
    names |= dict.fromkeys(wiring.bare)
    used = messages.of(names)
    constants = {
        signal: raw for signal, raw in constants_of(car, messages).items() if signal[0] in names
    }
    rules, guarded = wiring.conditions, protections(car, used, windowed)
    try:
        codec = build(used, wiring.bindings, guarded, messages.channels, rules, constants)
    except DbcError as error:
        raise error.at(str(car.file)) from None
    return codec, used
