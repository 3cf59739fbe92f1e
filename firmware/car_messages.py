"""The messages of a car's DBC files, by name, and the signals in them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from cantools.database.can import Message
from cantools.database.can import Signal as DbcSignal

from tianyuan.control.errors import InputError
from tianyuan.dbc.read import read_all
from tianyuan.firmware.car_entries import suggestion
from tianyuan.firmware.car_shape import Car, dbc_file


class Messages(NamedTuple):
    """Every message of a car by its name, and the channel of the bus that it is on."""

    named: dict[str, Message]
    channels: dict[str, int]

    def of(self, names: Iterable[str]) -> tuple[Message, ...]:
        """The messages of these names, by bus and identifier."""
        return tuple(
            sorted(
                (self.named[name] for name in dict.fromkeys(names)),
                key=lambda message: (self.channels[message.name], message.frame_id),
            )
        )


def read_messages(car: Car) -> tuple[Messages, bool, list[str]]:
    """The messages of the car's DBC files, whether one was unreadable, and what is wrong there."""
    found, unread, problems = Messages({}, {}), False, list[str]()
    for channel, (bus, table) in enumerate(car.buses.items()):
        for name in table.dbc:
            try:
                file = dbc_file(car.file, bus, name)
            except InputError as error:
                unread = True
                problems.append(str(error))
                continue
            messages, wrong = read_all(file)
            unread = unread or (bool(wrong) and not messages)
            problems += [str(each) for each in wrong]
            for message in messages:
                if message.name in found.named:
                    problems.append(
                        f"{file}: message {message.name}: in two of the car's DBC files; rename "
                        "one, or leave a file out"
                    )
                    continue
                found.named[message.name] = message
                found.channels[message.name] = channel
    return found, unread, problems


def messages_of(car: Car) -> Messages:
    """The messages of the car's DBC files; raises InputError for whatever is wrong with them."""
    found, _, problems = read_messages(car)
    if problems:
        raise InputError(problems[0])
    return found


def find(car: Car, where: str, name: str, messages: Messages) -> tuple[Message, DbcSignal]:
    """A signal by ``MESSAGE.Signal``; raises InputError naming what there is."""
    message_name, _, signal_name = name.partition(".")
    where = f"{car.file}: {where} = {name!r}"
    if message_name not in messages.named:
        hint = suggestion(message_name, messages.named)
        raise InputError(f"{where}: no message {message_name} in {car.dbc_names()}{hint}")
    message = messages.named[message_name]
    named = {signal.name: signal for signal in message.signals}
    if signal_name not in named:
        raise InputError(
            f"{where}: no signal {signal_name} in {message_name}; it has {', '.join(named)}"
        )
    return message, named[signal_name]
