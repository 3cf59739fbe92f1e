"""Every mistake of a car file and its DBC files at once, and how full its buses get."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from cantools.database.can import Message

from tianyuan.control.errors import InputError
from tianyuan.control.records import GROUPS
from tianyuan.firmware import timing
from tianyuan.firmware.bus_load import Load, load
from tianyuan.firmware.car_file import examine
from tianyuan.firmware.car_messages import Messages, read_messages
from tianyuan.firmware.car_shape import Car
from tianyuan.firmware.commissioning import check_commissioned
from tianyuan.firmware.ranges import narrow
from tianyuan.firmware.selected import unselected
from tianyuan.firmware.wire_mistakes import mistakes
from tianyuan.firmware.wiring import entries, heard, said

FULL: Final = 0.8  # of a bus: above this a message waits long enough to notice
CYCLES: Final = 3  # that a message may miss before it is lost
UNWIRED: Final = {
    "sensors.steer_rad": "the wheel is turned straight when the car arms",
    "sensors.gnss_quality": "a receiver without a solution is not noticed",
    "sensors.estop": "nobody can stop the car from afar",
    "sensors.race_go": "the car never starts",
    "sensors.race_flag": "the car obeys no flag",
    "sensors.race_heartbeat": "a race control that hangs is not noticed",
    "sensors.wheel_rl_mps": "without its IMU the car is driven straight on",
    "commands.mode": "nobody hears of the driver's mode, and the rig never lets the car go",
}


class Findings(NamedTuple):
    """What is wrong with a car, what may be, and the load of its buses."""

    errors: list[str]
    warnings: list[str]
    loads: list[Load]


def check(file: Path) -> Findings:
    """Read a car file and its DBC files, and say all there is to say of them."""
    try:
        examined = examine(file)
    except InputError as error:
        return Findings([str(error)], [], [])
    car = examined.car
    errors = [f"{file}: {line}" for line in examined.mistakes]
    messages, unread, problems = read_messages(car)
    errors += problems
    errors += mistakes(car, messages, unread)
    errors = list(dict.fromkeys(errors))
    loads = [load(car, bus, _on(messages, k)) for k, bus in enumerate(car.buses)]
    errors += _overfull(car, loads)
    warnings = [*_warnings(car, messages), *_full(car, loads)]
    if not errors:
        warnings += _recommissioned(car)
    return Findings(errors, warnings, loads)


def _recommissioned(car: Car) -> Iterator[str]:
    try:
        check_commissioned(car)
    except InputError as error:
        yield str(error)


def _on(messages: Messages, channel: int) -> list[Message]:
    """The messages of a bus."""
    return [each for each in messages.named.values() if messages.channels[each.name] == channel]


def _overfull(car: Car, loads: Iterable[Load]) -> Iterator[str]:
    for each in loads:
        if each.load > 1.0:
            yield (
                f"{car.file}: buses.{each.bus}: its messages take {each.load:.0%} of it; "
                "raise the bit rate or the cycles"
            )


def _full(car: Car, loads: Iterable[Load]) -> Iterator[str]:
    for each in loads:
        if each.load <= 1.0 and each.worst > FULL:
            yield (
                f"{car.file}: buses.{each.bus}: up to {each.worst:.0%} full; messages of low "
                "priority will wait, so give them longer cycles"
            )


def _warnings(car: Car, messages: Messages) -> Iterator[str]:
    yield from _unwired(car)
    yield from _alike(car)
    for name in heard(car):
        if name in messages.named and not timing.cycle_ms(car, messages.named[name]):
            yield (
                f"{car.file}: messages.{name}: the DBC file has no cycle time; say "
                "{ cycle_ms = … } there, or neither load nor timeout is checked"
            )
    for group in GROUPS:
        yield from _hasty(car, group, messages)
    for entry in entries(car, "sensors"):
        message = messages.named.get(entry.wired.message)
        signals = {each.name: each for each in message.signals} if message else {}
        if message and entry.wired.name in signals:
            try:
                lines = list(narrow(car, entry, message, signals[entry.wired.name]))
            except InputError:  # an error of its own already
                continue
            yield from (f"{car.file}: {line}" for line in lines)
            for line in unselected(car, message, signals[entry.wired.name], messages):
                yield f"{car.file}: {entry.key}: on the rig {line}"
    yield from _classic(car, messages)


def _unwired(car: Car) -> Iterator[str]:
    for key, meaning in UNWIRED.items():
        table, _, channel = key.partition(".")
        if channel not in getattr(car, table):
            yield f"{car.file}: {key}: not wired; {meaning}"
    if len(car.parameters["vehicle"].get("gear_ratio", ())) > 1 and "gear" not in car.commands:
        yield f"{car.file}: commands.gear: not wired, and vehicle.gear_ratio has several gears"


# What must not be sent alike, and what it means if it is.
_APART: Final = (
    ("OFF", "READY", "whoever starts the car, as the rig does, cannot tell when it is ready"),
    ("READY", "DRIVING", "whoever hears it, as the rig does, cannot tell that the car drives"),
)


def _alike(car: Car) -> Iterator[str]:
    """Modes of the driver that the others on the bus must be able to tell apart."""
    for entry in entries(car, "commands"):
        if entry.channel != "mode" or entry.wired.values is None:
            continue
        for meant in entry.wired.values.values():
            names = {str(each).upper() for each in meant}
            for one, other, meaning in _APART:
                if names >= {one, other}:
                    yield f"{car.file}: {entry.key}: {one} and {other} are sent alike; {meaning}"


def _hasty(car: Car, group: str, messages: Messages) -> Iterator[str]:
    """Messages that are lost before they have missed a few cycles."""
    for name in timing.sources(car, group):
        cycle = timing.cycle_ms(car, messages.named[name]) if name in messages.named else 0
        limit_ms = timing.timeout_s(car, group, name) * 1e3
        if cycle <= limit_ms < CYCLES * cycle:
            yield (
                f"{car.file}: messages.{name}: comes every {cycle} ms and is lost to {group} "
                f"after {limit_ms:g} ms; say {{ timeout_ms = {CYCLES * cycle} }} to bear a lost one"
            )


def _classic(car: Car, messages: Messages) -> Iterator[str]:
    """CAN FD on a bus that names no rate for it."""
    buses = list(car.buses.items())
    for name in dict.fromkeys((*said(car), *heard(car))):
        if name not in messages.named:
            continue
        message = messages.named[name]
        bus, table = buses[messages.channels[name]]
        if (message.is_fd or message.length > 8) and table.data_bitrate is None:
            yield (
                f"{car.file}: buses.{bus}: {name} is CAN FD; say data_bitrate, and see that every "
                "node on the bus can take it"
            )
