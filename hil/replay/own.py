"""Logs of our own: each tick's frames end with its marker, which has the tick's integer time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from tianyuan.control.errors import InputError
from tianyuan.dbc.frame import TX, frames
from tianyuan.drivers.logs.log import Log
from tianyuan.firmware.host import FRAMES_IN, Host
from tianyuan.firmware.host_record import GAP_ID, SNAPSHOT_ID, TICK_ID
from tianyuan.firmware.log_file import numbered_parts, part
from tianyuan.firmware.snapshot import Snapshot, find, layout
from tianyuan.hil.replay.stretch import Stretch

# A tick's time is in its marker; and what is before the end of a file cut off is whole.
HARMLESS: Final = ("time goes backwards", "cut off")


class Gap(NamedTuple):
    """Where frames are missing: after how many ticks that came whole, and how much."""

    tick: int
    lost: int  # frames, as far as the recorder knew; 0 of a part that is gone
    skipped_s: float | None  # until the next state of the host, from which on ticks count again


class OwnLog:
    """A log that `tianyuan drive` wrote, all parts of it.

    Where frames are missing it goes on with the next state of the host in the log. A tick cut off
    at the end of the log, or of a part of it whose recorder died, is dropped; so is one that the
    recorder after it wrote again. ``gaps`` and ``notes`` fill while it is read.
    """

    EMPTY: Final = "holds no tick of ours; record it with `tianyuan drive --log`"

    def __init__(self, log: Path) -> None:
        """Raises InputError for a log that is not there."""
        self.log = log
        self.gaps: list[Gap] = []
        self.notes: list[str] = []
        self._ticks, self._last_ns = 0, 0
        self._gap: Gap | None = None  # the one that we are in
        self._begins_with: Snapshot | None = None  # the next stretch
        self._files = numbered_parts(log)
        if not self._files:
            raise InputError(f"{log}: no such file")

    def stretches(self, host: Host | None = None) -> Iterator[Stretch]:
        """Its ticks, in order; raises InputError for a log that cannot be read.

        Those of a ``host`` go on only with a state that this can have.
        """
        wanted = None if host is None else layout(host.sensors, host.memory, host.command)
        failed: InputError | None = None
        for number, file in self._files.items():
            self._look_for_missing(number, file)
            try:
                yield from self._stretches_of(file, wanted)
            except InputError as error:
                failed = error
                self.notes.append(str(error))
                self._miss(0)
        if failed is not None and not self._ticks:
            raise failed
        if self._gap is not None:
            self._end_in(self._gap)

    def _look_for_missing(self, number: int, file: Path) -> None:
        if number == 1 or number - 1 in self._files:
            return
        before = [other for other in self._files if other < number]
        gone = part(self.log, before[-1] + 1).name if before else f"what was before {file.name}"
        self.notes.append(f"{gone} is missing")
        self._miss(0)

    def _miss(self, lost: int) -> None:
        """From here on nobody knows what the host knew."""
        self._begins_with = None
        before = self._gap.lost if self._gap is not None else 0
        self._gap = Gap(self._ticks, before + lost, None)

    def _go_on(self, gap: Gap, snapshot: Snapshot) -> None:
        skipped_s = (snapshot.t_ns - self._last_ns) * 1e-9 if self._last_ns else 0.0
        self.gaps.append(gap._replace(skipped_s=skipped_s))
        self._gap, self._begins_with, self._last_ns = None, snapshot, snapshot.t_ns

    def _end_in(self, gap: Gap) -> None:
        self.gaps.append(gap)
        why = "no state of this host follows, so what comes after it is not compared"
        if not self._ticks:
            lost = [f"{gap.lost} frames are missing at its beginning"] if gap.lost else []
            raise InputError(f"{self.log}: {'; '.join([*lost, *self.notes, why])}")
        self.notes.append(why)

    def _stretches_of(self, file: Path, wanted: int | None) -> Iterator[Stretch]:
        log = Log(file)
        pending: np.ndarray = frames(0)
        for block in self._sound_blocks(log):
            if block is None:
                self._miss(0)
                pending = frames(0)
                continue
            joined = np.concatenate((pending, block)).view(np.ndarray)
            begin = 0
            for gap in np.flatnonzero(_is(GAP_ID, joined)).tolist():
                yield from self._whole(joined[begin:gap], file, wanted)[0]
                self._miss(int(joined["payload"][gap, :4].view("<u4")[0]))
                begin = gap + 1
            given, pending = self._whole(joined[begin:], file, wanted)
            yield from given
        self.notes += [
            f"{file.name}: {note.kind}, {note.times} times: {note.first}"
            for note in log.notes.all()
        ]

    def _sound_blocks(self, log: Log) -> Iterator[np.recarray | None]:
        """A file's blocks; None for one in which something is wrong that others come after."""
        held: np.recarray | None = None
        seen, is_wrong = 0, False
        for block in log.blocks():
            if is_wrong:
                self.notes.append(f"{log.file.name} is damaged about tick {self._ticks}")
                yield None
            elif held is not None:
                yield held
            wrong = sum(note.times for note in log.notes.all() if note.kind not in HARMLESS)
            held, is_wrong, seen = block, wrong > seen, wrong
        if held is not None:
            yield held

    def _whole(
        self, found: np.ndarray, file: Path, wanted: int | None
    ) -> tuple[list[Stretch], np.ndarray]:
        """The whole ticks among frames without a gap, and what is left for the next."""
        if self._gap is not None:
            found = found[self._after_a_state(found, self._gap, wanted) :]
            if self._gap is not None:
                return [], found
        found = found[~_is(SNAPSHOT_ID, found)]
        marks = np.flatnonzero(_is(TICK_ID, found))
        cut = int(marks[-1]) + 1 if marks.size else 0
        fresh = self._fresh(found[:cut], marks) if cut else None
        if fresh is None:
            return [], found[cut:]
        self._check(fresh, file)
        self._ticks += fresh.t_ns.size
        fresh, self._begins_with = fresh._replace(begins_with=self._begins_with), None
        return [fresh], found[cut:]

    def _after_a_state(self, found: np.ndarray, gap: Gap, wanted: int | None) -> int:
        """Look for a state to go on with: where what follows it begins, or what is left of one."""
        places = np.flatnonzero(_is(SNAPSHOT_ID, found))
        while places.size:
            snapshot, begin, end = find(found[places])
            if snapshot is None:
                return int(places[begin]) if begin < places.size else found.size
            if snapshot.t_ns >= self._last_ns and wanted in (None, snapshot.layout):
                self._go_on(gap, snapshot)
                return int(places[end - 1]) + 1
            places = places[end:]
        return int(found.size)

    def _fresh(self, found: np.ndarray, marks: np.ndarray) -> Stretch | None:
        """The ticks that are later than all before them."""
        t_ns = found["payload"][marks, :8].copy().view("<i8")[:, 0]
        latest = np.maximum.accumulate(np.concatenate(([self._last_ns], t_ns)))
        self._last_ns = int(latest[-1])
        fresh = t_ns > latest[:-1]
        sizes = np.diff(marks + 1, prepend=0)
        if not fresh.all():
            found = found[np.repeat(fresh, sizes)]
            sizes, t_ns = sizes[fresh], t_ns[fresh]
        return Stretch(found.view(np.recarray), np.cumsum(sizes), t_ns) if t_ns.size else None

    def _check(self, stretch: Stretch, file: Path) -> None:
        came = np.concatenate(([0], np.cumsum(stretch.frames.reserved != TX)))
        sizes = np.diff(came[stretch.ends], prepend=0)
        if sizes.max() > FRAMES_IN:
            tick = int(sizes.argmax())
            raise InputError(
                f"{file}: {sizes[tick]} frames came in tick {self._ticks + tick}, above "
                f"{FRAMES_IN}; no log of `tianyuan drive`"
            )


def _is(can_id: int, found: np.ndarray) -> np.ndarray:
    """Which frames have this identifier and were written by the host."""
    return (found["can_id"] == can_id) & (found["reserved"] == TX)


def read_ticks(log: Path) -> Iterator[tuple[int, np.recarray, np.recarray]]:
    """Each tick of a log of ours: its time, the frames that came in and those that went out."""
    for stretch in OwnLog(log).stretches():
        first = 0
        for end, t_ns in zip(stretch.ends.tolist(), stretch.t_ns.tolist(), strict=True):
            ticks = stretch.frames[first:end].view(np.recarray)
            own = ticks.reserved == TX
            yield t_ns, ticks[~own].view(np.recarray), ticks[own].view(np.recarray)
            first = end
