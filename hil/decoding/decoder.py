"""A log's blocks decoded: of each, a table for every message in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np

from tianyuan.dbc.frame import ERROR, REMOTE
from tianyuan.drivers.logs.log import Log
from tianyuan.hil.decoding import kernels
from tianyuan.hil.decoding.catalogue import Catalogue, Stream, channel_name, table

MOST_UNKNOWN: Final = 1 << 12  # kinds that are counted apart, so that memory is bounded


class Table(NamedTuple):
    """Frames of one stream, in the log's order.

    ``words`` is i8 (columns, n): view a row as its column's kind. ``present`` is u1, of the same
    shape, or has no rows where every frame has every signal.
    """

    stream: Stream
    places: np.ndarray  # of the frames in their block
    t_ns: np.ndarray
    words: np.ndarray
    present: np.ndarray


class Counts:
    """Frames of a log, by what became of them."""

    def __init__(self) -> None:
        self.frames = 0
        self.decoded = 0
        self.passed_over = 0  # of messages that are not wanted
        self.errors = 0  # error frames
        self.remote = 0
        self.short: dict[str, int] = {}  # by stream
        self.unselected: dict[str, int] = {}
        self.unknown: dict[tuple[str, int], int] = {}  # by channel and can_id
        self.uncounted = 0  # unknown ones, of more kinds than are kept apart

    def add_unknown(self, channels: Sequence[str], kinds: np.recarray) -> None:
        """Add the frames of one log that belong to no message."""
        for key, frames in kinds[kinds.key >= 0].tolist():
            can_id = key & 0xFFFF_FFFF
            if can_id & ERROR:
                self.errors += frames
            elif can_id & REMOTE:
                self.remote += frames
            else:
                named = (channel_name(channels, key >> 32), can_id)
                self.unknown[named] = self.unknown.get(named, 0) + frames


def tables(
    log: Log, catalogue: Catalogue, counts: Counts, partial: bool = False
) -> Iterator[list[Table]]:
    """Decode a log: for each block of it a table of every message in it.

    ``partial`` keeps what is there of frames that cantools would refuse.
    """
    catalogue.begin()
    unknown = table(2 * MOST_UNKNOWN)
    for block in log.blocks():
        catalogue.meet(log.channels, block)
        yield _tables(block, catalogue, unknown, counts, partial)
    counts.add_unknown(log.channels, unknown)


def _tables(
    block: np.recarray, catalogue: Catalogue, unknown: np.recarray, counts: Counts, partial: bool
) -> list[Table]:
    words = np.ascontiguousarray(block).view(np.int64)
    stream_of = np.empty(block.size, np.int32)
    sizes = np.zeros(max(catalogue.size, 1), np.int64)
    counts.frames += block.size
    counts.uncounted += kernels.tally(
        catalogue.table, words, stream_of, sizes, unknown, MOST_UNKNOWN
    )
    ends = np.cumsum(sizes)
    order = np.empty(int(ends[-1]), np.int32)
    kernels.sort(stream_of, ends - sizes, order)
    made = []
    for number in np.flatnonzero(sizes).tolist():
        mine = order[ends[number] - sizes[number] : ends[number]]
        if (stream := catalogue.stream(number)) is None:
            counts.passed_over += mine.size
            continue
        found = _table(words, mine, stream, counts, partial)
        counts.decoded += found.t_ns.size
        if found.t_ns.size:
            made.append(found)
    return made


def _table(
    words: np.ndarray, order: np.ndarray, stream: Stream, counts: Counts, partial: bool
) -> Table:
    layout = stream.layout
    t_ns, refused = np.empty(order.size, np.int64), np.zeros(3, np.int64)
    groups = np.zeros((layout.tables.groups.size, order.size), np.uint8)
    kept = kernels.accept(layout.tables, words, order, partial, t_ns, groups, refused)
    for reason, by_stream in (
        (kernels.SHORT, counts.short),
        (kernels.UNSELECTED, counts.unselected),
    ):
        if refused[reason]:
            by_stream[stream.name] = by_stream.get(stream.name, 0) + int(refused[reason])
    values = np.empty((len(layout.columns), kept), np.int64)
    optional = partial or layout.tables.groups.size > 1
    present = np.empty(values.shape if optional else (0, kept), np.uint8)
    kernels.unpack(layout.tables, words, order[:kept], groups, partial, values, present)
    return Table(stream, order[:kept], t_ns[:kept], values, present)
