"""Which frames of a log are which message: its streams, found out as its channels come up."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np

from tianyuan.dbc import lookup
from tianyuan.dbc.errors import DbcError
from tianyuan.dbc.header import key
from tianyuan.dbc.records import LOOKUP, MESSAGE
from tianyuan.hil.decoding.databases import Database
from tianyuan.hil.decoding.layout import Layout, layout_of


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
        self._streams: list[Stream | None] = []
        self._channels: set[int] = set()
        self._keys: dict[int, int] = {}
        self.table = self._built()

    @property
    def size(self) -> int:
        """How many streams there are: those whose frames may yet come among them."""
        return len(self._streams)

    def stream(self, number: int) -> Stream | None:
        """A stream that has frames, named when it is first asked for.

        None is a message that is not wanted, or that no columns can be made of.
        """
        stream = self._streams[number]
        if stream is not None and not stream.name:
            self._streams[number] = stream = self._named(stream)
        return stream

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
            for m, message in enumerate(database.messages):
                if message.length > 64 or key(message, number) in self._keys:
                    continue  # no frame is as long; or an earlier database says what it is
                found = self._layout(d, m)
                self._keys[key(message, number)] = len(self._streams)
                self._streams.append(None if found is None else Stream("", channel, found))

    def _named(self, stream: Stream) -> Stream:
        message = stream.layout.message
        plain = f"{message.name}@{stream.channel}"
        for name in (message.name, plain, f"{plain}:{message.frame_id:x}"):
            made = stream._replace(name=name)
            known = self._names.setdefault(name, made)
            if known.layout is stream.layout and known.channel == stream.channel:
                return made
        return stream._replace(name=f"{plain}:{message.frame_id:x}")

    def _layout(self, d: int, m: int) -> Layout | None:
        """The message's layout, made once; None where it cannot be decoded or is not wanted."""
        if (d, m) not in self._layouts:
            message = self._databases[d].messages[m]
            wanted = None if self._wanted is None else self._wanted.get(message.name, ())
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
        keys = list(self._keys)
        table = lookup.build(keys, np.zeros(len(keys), MESSAGE))
        slim = np.zeros(table.size, [(name, LOOKUP[name]) for name in ("key", "index")])
        slim["key"], slim["index"] = table.key, table.index
        found = slim["key"] >= 0
        slim["index"][found] = [self._keys[each] for each in slim["key"][found].tolist()]
        return slim.view(np.recarray)


def channel_name(channels: Sequence[str], number: int) -> str:
    """What a log calls one of its channels."""
    return channels[number] if number < len(channels) else f"can{number}"


def _by_message(wanted: Collection[str]) -> dict[str, set[str]]:
    """The wanted signals by message, with what ``@`` adds to its name left out."""
    found: dict[str, set[str]] = {}
    for each in wanted:
        message, _, signal = each.partition(".")
        found.setdefault(message.partition("@")[0], set()).add(signal)
    return found
