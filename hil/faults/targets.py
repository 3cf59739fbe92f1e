"""What of a car the entries of faults name: its messages, and the signals of its channels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tianyuan.control.errors import InputError
from tianyuan.control.records import CHANNEL_NAMES, COMMAND_NAMES, GROUPS
from tianyuan.dbc.codec import Codec
from tianyuan.firmware.car_entries import suggestion
from tianyuan.firmware.tables import Wire
from tianyuan.hil.faults.entry import FaultEntry

Rows = Iterator[dict[str, Any]]  # of FAULTS, the fields that are not zero


class Targets:
    """One car's messages and signals, and the seed of the run."""

    def __init__(self, wire: Wire, seed: int) -> None:
        self.wire = wire
        self.seed = seed
        self.names = [message.name for message in wire.sensor_messages]

    def seed_of(self, entry: FaultEntry) -> int:
        """The entry's own, or the run's."""
        return self.seed if entry.seed is None else entry.seed

    def messages(self, entry: FaultEntry) -> list[int]:
        """The sensor messages that an entry names by message, group or "all"."""
        told = str(entry.parameters["message"])
        if told == "all":
            return list(range(len(self.names)))
        if told in GROUPS:
            feeding = self.wire.feeds[GROUPS.index(told)]
            if found := [int(message) for message in feeding if message >= 0]:
                return found
            raise InputError(f"{entry.fault}.message = {told!r}: this car has no message of it")
        if told in self.names:
            return [self.names.index(told)]
        known = [*self.names, *GROUPS, "all"]
        hint = suggestion(told, known) or f"; one of {', '.join(known)}"
        raise InputError(f"{entry.fault}.message = {told!r}: no such message{hint}")

    def carrier(self, entry: FaultEntry, channel: str) -> tuple[int, int]:
        """The message and the row of the signal that carry a channel of SENSORS."""
        slot = CHANNEL_NAMES.index(channel)
        found = next(signals_of(self.wire.sensors, slot), None)
        if found is None:
            raise InputError(f"{entry.fault}: this car has no signal for {channel}")
        return found

    def commanding(self, entry: FaultEntry, channel: str) -> int:
        """The command message that carries a channel of COMMAND."""
        found = next(signals_of(self.wire.commands, COMMAND_NAMES.index(channel)), None)
        if found is None:
            raise InputError(f"{entry.fault}: this car has no signal for {channel}")
        return found[0]


def signals_of(codec: Codec, slot: int) -> Iterator[tuple[int, int]]:
    """Message and row of each signal that is sent of a slot."""
    for m, message in enumerate(codec.messages):
        spans = [(message.first, message.sent)]
        groups = codec.groups[message.groups_first : message.groups_end]
        spans += [(group.first, group.sent) for group in groups]
        for first, end in spans:
            for s in range(int(first), int(end)):
                if codec.signals[s].slot == slot:
                    yield m, s


def ns(ms: float | str) -> int:
    """Milliseconds in nanoseconds."""
    return round(float(ms) * 1e6)
