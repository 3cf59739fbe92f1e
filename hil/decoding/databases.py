"""The DBC files that a log is decoded with, each on a bus of it or on all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from cantools.database.can import Message

from tianyuan.dbc.header import LENGTHS, can_id
from tianyuan.dbc.read import read
from tianyuan.firmware.car_shape import Car
from tianyuan.firmware.host_record import HOST_CHANNEL
from tianyuan.rooms import room


@dataclass(frozen=True)
class Database:
    """The messages of one DBC file, and the log's channel that they are on; None is every one.

    A channel is said by its name in the log, or by its number.
    """

    messages: Sequence[Message]
    channel: str | None = None
    file: str = ""

    @cached_property
    def can_ids(self) -> np.ndarray:
        """The messages' can_ids (n,) i8; -1 for one that is longer than a frame, or comes again."""
        ids = [can_id(each) if each.length <= LENGTHS[-1] else -1 for each in self.messages]
        first = dict(zip(reversed(ids), reversed(range(len(ids))), strict=True))
        return np.array([each if first[each] == m else -1 for m, each in enumerate(ids)], np.int64)

    def is_on(self, number: int, name: str) -> bool:
        """Whether it describes a channel of a log."""
        return self.channel is None or self.channel in (name, str(number))


def database(said: str | Path) -> Database:
    """The database of ``FILE`` or ``CHANNEL=FILE``; raises DbcError."""
    text = str(said)
    channel, equals, file = text.partition("=")
    if not equals or Path(text).exists():
        return Database(read(text).messages, None, text)
    return Database(read(file).messages, channel, file)


def of_car(car: Car) -> list[Database]:
    """The databases of a car's own logs: those of its buses, and what the host tells of itself."""
    found = []
    files = iter(car.dbc_files())
    for number, bus in enumerate(car.buses.values()):
        for _ in bus.dbc:
            file = next(files)
            found.append(Database(read(file).messages, str(number), str(file)))
    host = room("dbc") / "host.dbc"
    return [*found, Database(read(host).messages, str(HOST_CHANNEL), str(host))]
