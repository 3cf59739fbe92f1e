"""Logs of anybody's: frames by their timestamps, to ticks of the host's own rate.

The first frame comes at EPOCH_NS, and each frame at the first tick that is not before it. So
a log gives the same ticks whenever and wherever it is replayed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import numpy as np

from tianyuan.dbc.frame import frames
from tianyuan.drivers.logs.log import Log
from tianyuan.firmware.host import FRAMES_IN
from tianyuan.hil.lockstep import EPOCH_NS
from tianyuan.hil.replay.own import Gap
from tianyuan.hil.replay.stretch import Stretch

SILENCE_NS: Final = 10_000_000_000  # of the whole log, that is ticked through; longer is cut short


class ForeignLog:
    """A log without ticks: ``buses`` has the car's bus of some of its channels.

    They are there by the log's name for the channel or its number; any other channel is the bus
    of the same number, if the car has so many. ``notes``
    fill while it is read.
    """

    EMPTY: Final = "holds no frame of the car's buses; say with --bus which channel is which"

    def __init__(self, log: Path, period_ns: int, count: int, buses: Mapping[str, int]) -> None:
        self.log = log
        self.gaps: list[Gap] = []
        self.notes: list[str] = []
        self._period_ns, self._count, self._buses = period_ns, count, buses
        self._first_ns: int | None = None
        self._late_ns = 0  # the latest frame so far, since the first
        self._tick = self._place = -1  # of the last frame: by its time, and with silence cut short
        self._cut = self._cut_before = 0  # ticks left out so far, and in the stretches so far
        self._next = 0  # the place of the next tick
        self._others: Counter[str] = Counter()

    def stretches(self, _host: object = None) -> Iterator[Stretch]:
        """Its ticks, in order, for any host; raises InputError for a log that cannot be read."""
        log = Log(self.log)
        pending, places = frames(0).view(np.ndarray), np.zeros((2, 0), np.int64)
        for block in log.blocks():
            ours = self._ours(log, block.view(np.ndarray))
            if not ours.size:
                continue
            found = np.concatenate((pending, ours))
            places = np.concatenate((places, self._places_of(ours["t_ns"])), axis=1)
            places[0] = spread(places[0])
            whole = int(np.searchsorted(places[0], places[0, -1]))  # the last tick may go on
            if whole:
                yield self._stretch(found[:whole], *places[:, :whole])
            pending, places = found[whole:], places[:, whole:]
        if pending.size:
            yield self._stretch(pending, *places)
        self.notes += [f"{note.kind}, {note.times} times: {note.first}" for note in log.notes.all()]
        self.notes += [
            f"{count} frames of {name} left out, which is no bus of the car; --bus can say which"
            for name, count in self._others.items()
        ]
        if self._cut:
            cut_s = self._cut * self._period_ns * 1e-9
            self.notes.append(f"{cut_s:.1f} s of silence cut short")

    def _ours(self, log: Log, block: np.ndarray) -> np.ndarray:
        """The frames of the car's buses, with these as their channels."""
        named = enumerate(log.channels)
        buses = np.array(
            [self._buses.get(name, self._buses.get(str(k), k)) for k, name in named], np.int64
        )
        bus = buses[block["channel"]]
        known = bus < self._count
        if not known.all():
            for channel, count in Counter(block["channel"][~known].tolist()).items():
                self._others[log.channels[channel]] += count
        ours = block[known]
        ours["channel"] = bus[known]
        return ours

    def _places_of(self, t_ns: np.ndarray) -> np.ndarray:
        """Each frame's tick, and how many were left out before it: (2, n), neither falling."""
        if self._first_ns is None:
            self._first_ns = int(t_ns[0])
        since_ns = np.maximum(np.maximum.accumulate(t_ns - self._first_ns), self._late_ns)
        self._late_ns = int(since_ns[-1])
        tick = -(-since_ns // self._period_ns)
        steps = np.diff(tick, prepend=self._tick)
        most = SILENCE_NS // self._period_ns
        cut = self._cut + np.cumsum(np.maximum(steps - most, 0))
        place = self._place + np.cumsum(np.minimum(steps, most))
        self._tick, self._cut, self._place = int(tick[-1]), int(cut[-1]), int(place[-1])
        return np.stack((place, cut))

    def _stretch(self, found: np.ndarray, place: np.ndarray, cut: np.ndarray) -> Stretch:
        """All ticks up to the last of these frames; there may be none in a tick."""
        ticks = np.arange(self._next, int(place[-1]) + 1)
        ends = np.searchsorted(place, ticks, side="right")
        late = np.concatenate(([self._cut_before], cut))[ends]
        self._next, self._cut_before = int(ticks[-1]) + 1, int(cut[-1])
        return Stretch(found.view(np.recarray), ends, EPOCH_NS + (ticks + late) * self._period_ns)


def spread(place: np.ndarray) -> np.ndarray:
    """Ticks of frames, with FRAMES_IN in each at most: what finds no room waits, as in a queue."""
    place = np.maximum.accumulate(place)
    for first in range(FRAMES_IN, place.size, FRAMES_IN):
        these = place[first : first + FRAMES_IN]
        before = place[first - FRAMES_IN : first][: these.size]
        np.maximum(these, before + 1, out=these)
    return place
