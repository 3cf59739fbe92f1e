"""Which frames of a log are which message: its streams, found out as its channels come up."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import repeat
from typing import Final, NamedTuple

import numpy as np

from tianyuan.dbc.errors import DbcError
from tianyuan.hil.decoding import kernels
from tianyuan.hil.decoding.databases import Database
from tianyuan.hil.decoding.layout import Layout, layout_of

_KEYED: Final = np.dtype([("key", "i8"), ("index", "i8")])


class Stream(NamedTuple):
    """The frames of one message on one channel.

    It is called as the message, the first that is met. On a further channel ``@`` and the
    channel's name follow.
    """

    name: str
    channel: str
    layout: Layout


class Catalogue:
    """The streams of logs by can_id and channel.

    ``wanted`` are signals as ``MESSAGE.Signal``; None is all. ``problems`` is what could not be
    made of the databases.
    """

    def __init__(
        self, databases: Sequence[Database], wanted: Collection[str] | None = None
    ) -> None:
        self.problems: list[DbcError] = []
        self._databases = databases
        self._wanted = None if wanted is None else _by_message(wanted)
        self._layouts: dict[tuple[int, int], Layout | None] = {}
        self._names: dict[str, Stream] = {}
        self.begin()

    def begin(self) -> None:
        """Begin with another log, whose channels are others. What has a name keeps it."""
        self._places: list[tuple[int, int, str]] = []  # database, message in it, channel
        self._streams: dict[int, Stream | None] = {}
        self._channels: set[int] = set()
        self._keys = np.zeros(0, np.int64)  # in the order of the streams
        self.table = self._built()

    @property
    def size(self) -> int:
        """How many streams there are: those whose frames may yet come among them."""
        return len(self._places)

    def stream(self, number: int) -> Stream | None:
        """A stream that has frames; made, and named, when it is first asked for.

        None is a message that is not wanted, or that no columns can be made of.
        """
        if number not in self._streams:
            d, m, channel = self._places[number]
            layout = self._layout(d, m)
            self._streams[number] = None if layout is None else self._named(channel, layout)
        return self._streams[number]

    def meet(self, channels: Sequence[str], frames: np.ndarray) -> None:
        """Take in channels that the frames are the first of; ``channels`` are the log's names."""
        for number in np.flatnonzero(np.bincount(frames["channel"])).tolist():
            if number not in self._channels:
                self._channels.add(number)
                self._add(number, channel_name(channels, number))
                self.table = self._built()

    def _add(self, number: int, channel: str) -> None:
        for d, database in enumerate(self._databases):
            if not database.is_on(number, channel):
                continue
            keys = database.can_ids | number << 32  # as dbc.header.key makes them of messages
            # What an earlier database says of a frame holds.
            (rows,) = np.nonzero((database.can_ids >= 0) & ~np.isin(keys, self._keys))
            self._keys = np.concatenate([self._keys, keys[rows]])
            self._places += zip(repeat(d), rows.tolist(), repeat(channel))

    def _named(self, channel: str, layout: Layout) -> Stream:
        message = layout.message
        plain = f"{message.name}@{channel}"
        *names, last = message.name, plain, f"{plain}:{message.frame_id:x}"
        for name in names:
            known = self._names.setdefault(name, Stream(name, channel, layout))
            if known.layout is layout and known.channel == channel:
                return known
        return Stream(last, channel, layout)

    def _layout(self, d: int, m: int) -> Layout | None:
        """The message's layout, made once; None where it cannot be decoded or is not wanted."""
        if (d, m) not in self._layouts:
            message = self._databases[d].messages[m]
            wanted = None if self._wanted is None else self._wanted.get(message.name, frozenset())
            made = None
            if wanted is None or wanted:
                try:
                    made = layout_of(message, wanted)
                    self.problems += [each.at(self._databases[d].file) for each in made.left_out]
                except DbcError as error:
                    self.problems.append(error.at(self._databases[d].file))
            self._layouts[d, m] = made
        return self._layouts[d, m]

    def _built(self) -> np.recarray:
        made = table(4 << self._keys.size.bit_length())  # sparse, so most looks hit at once
        kernels.fill(made, self._keys)
        return made


def table(size: int) -> np.recarray:
    """A table without keys, as ``dbc.lookup.find`` looks through it; a power of two of rows."""
    made = np.zeros(size, _KEYED).view(np.recarray)
    made.key = -1
    return made


def channel_name(channels: Sequence[str], number: int) -> str:
    """What a log calls one of its channels."""
    return channels[number] if number < len(channels) else f"can{number}"


def _by_message(wanted: Collection[str]) -> dict[str, frozenset[str]]:
    """The wanted signals by message, with what ``@`` adds to its name left out."""
    found: dict[str, set[str]] = {}
    for each in wanted:
        message, _, signal = each.partition(".")
        found.setdefault(message.partition("@")[0], set()).add(signal)
    return {message: frozenset(signals) for message, signals in found.items()}
