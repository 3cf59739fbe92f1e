"""All that is wrong with how a car file uses its DBC files, a line each.

``tables.wire`` raises the first of these lines, ``check.py`` gathers all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tianyuan.control.errors import InputError
from tianyuan.control.records import CHANNEL_NAMES, COMMAND_NAMES, GROUPS
from tianyuan.dbc import layout
from tianyuan.dbc.multiplex import blocks
from tianyuan.dbc.names import message_problems
from tianyuan.dbc.protection import guards
from tianyuan.firmware import timing
from tianyuan.firmware.car_messages import Messages
from tianyuan.firmware.car_shape import WIRED, Car
from tianyuan.firmware.guard.records import GUARD_NAMES
from tianyuan.firmware.ranges import narrow
from tianyuan.firmware.selected import unselected
from tianyuan.firmware.wiring import (
    Entry,
    binding,
    conditions,
    constant,
    echo_bindings,
    entries,
    heard,
    name_mistakes,
    protections,
    said,
)

NEEDED = {
    "sensors": (
        "gnss_x_m", "gnss_y_m", "gnss_speed_mps", "gnss_heading_rad",
        "imu_ax_mps2", "imu_ay_mps2", "imu_yaw_rate_radps",
    ),
    "commands": ("steer_rad", "throttle", "brake_bar"),
}  # fmt: skip
SLOTS = {"sensors": CHANNEL_NAMES, "commands": COMMAND_NAMES, "guard": GUARD_NAMES}


def caught(call: Callable[..., Any], *arguments: Any) -> Iterator[str]:
    """What a call complains about, if it does."""
    try:
        call(*arguments)
    except InputError as error:
        yield str(error)


def mistakes(car: Car, messages: Messages, unread: bool = False) -> Iterator[str]:
    """Everything that is wrong; a message missing is not where a DBC file is ``unread``."""
    if not unread:
        yield from (f"{car.file}: {line}" for line in name_mistakes(car, messages))
    for table in WIRED:
        for entry in entries(car, table):
            yield from _entry_mistakes(car, table, entry, messages, unread)
    for place, (out, source) in enumerate(car.echo.items()):
        if not _unknown(unread, messages, out, source):
            found = list(caught(echo_bindings, car, place, out, source, messages))
            yield from found or _unsent(car, f"echo.{out}", out, messages)
    for name, value in car.constants.items():
        if not _unknown(unread, messages, name):
            yield from caught(constant, car, name, value, messages)
    yield from _missing(car)
    yield from _doubles(car)
    yield from _message_mistakes(car, messages)


def _missing(car: Car) -> Iterator[str]:
    """Channels without which no car drives."""
    for table, channels in NEEDED.items():
        for channel in channels:
            if channel not in getattr(car, table):
                yield f"{car.file}: {table}.{channel}: missing; no car drives without it, add it"


def _unknown(unread: bool, messages: Messages, *signals: str) -> bool:
    """Whether a signal's message may be in a DBC file that could not be read."""
    return unread and any(name.partition(".")[0] not in messages.named for name in signals)


def _entry_mistakes(
    car: Car, table: str, entry: Entry, messages: Messages, unread: bool
) -> Iterator[str]:
    names = [entry.wired.signal, *(each.signal for each in entry.wired.valid)]
    if _unknown(unread, messages, *names):
        return
    found = list(caught(binding, car, entry, messages, SLOTS[table].index(entry.channel)))
    yield from found
    yield from caught(conditions, car, entry, messages)
    if found:
        return
    message = messages.named[entry.wired.message]
    signal = message.get_signal_by_name(entry.wired.name)
    yield from caught(layout.check, message, signal)
    if table == "commands":
        yield from (f"{car.file}: {line}" for line in narrow(car, entry, message, signal))
    if table != "sensors":
        key = f"{entry.key} = {entry.wired.signal!r}"
        yield from _unsent(car, key, entry.wired.signal, messages)


def _unsent(car: Car, key: str, name: str, messages: Messages) -> Iterator[str]:
    """What keeps a signal that the host says out of every frame."""
    message = messages.named[name.partition(".")[0]]
    signal = message.get_signal_by_name(name.partition(".")[2])
    for line in unselected(car, message, signal, messages):
        yield f"{car.file}: {key}: {line}"


def _doubles(car: Car) -> Iterator[str]:
    """A signal that two would say."""
    spoken: dict[str, str] = {}
    keys = [(each.wired.signal, each.key) for each in entries(car, "commands")]
    keys += [(each.wired.signal, each.key) for each in entries(car, "guard")]
    keys += [(out, f"echo.{out}") for out in car.echo]
    keys += [(name, f"constants.{name}") for name in car.constants]
    for signal, key in keys:
        other = spoken.setdefault(signal, key)
        if other != key:
            yield f"{car.file}: {key}: {signal} is sent by {other}, too; leave one out"
    fed = {each.wired.signal for each in entries(car, "sensors")}
    for name in car.constants:
        if name in fed:
            yield f"{car.file}: constants.{name}: a channel of [sensors] feeds it; leave it out"
    for name in said(car):
        if name in heard(car):
            yield (
                f"{car.file}: commands: {name} is heard by [sensors], too; a message has one sender"
            )


def _message_mistakes(car: Car, messages: Messages) -> Iterator[str]:
    """What is wrong with the messages themselves, of those that the car uses."""
    names = [name for name in (*said(car), *heard(car)) if name in messages.named]
    used = messages.of(names)
    yield from (str(problem) for problem in message_problems(used, messages.channels))
    for message in used:
        yield from caught(blocks, message)
    for name, guarded in protections(car, messages.named.values()).items():
        for line in caught(guards, [messages.named[name]], {name: guarded}):
            yield f"{car.file}: protection.{name}: {line}"
    for name in said(car):
        if name in messages.named and not timing.cycle_ms(car, messages.named[name]):
            yield timing.no_cycle(car, name)
    for group in GROUPS:
        yield from caught(timing.check_group, car, group)
        yield from _late(car, group, messages)


def _late(car: Car, group: str, messages: Messages) -> Iterator[str]:
    """Messages that would be lost before they can come."""
    for name in timing.sources(car, group):
        cycle = timing.cycle_ms(car, messages.named[name]) if name in messages.named else 0
        limit_ms = timing.timeout_s(car, group, name) * 1e3
        if cycle > limit_ms:
            yield (
                f"{car.file}: messages.{name}: comes every {cycle} ms and is lost to {group} after "
                f"{limit_ms:g} ms; say {{ timeout_ms = {3 * cycle} }} there"
            )
