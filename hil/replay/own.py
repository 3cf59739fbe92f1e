"""Logs of our own: each tick's frames end with its marker, which has the tick's integer time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from tianyuan.control.errors import InputError
from tianyuan.dbc.frame import TX, frames
from tianyuan.drivers.logs.log import Log
from tianyuan.firmware.host import FRAMES_IN
from tianyuan.firmware.host_record import GAP_ID, TICK_ID
from tianyuan.firmware.log_file import numbered_parts, part
from tianyuan.hil.replay.stretch import Stretch

# A tick's time is in its marker; and what is before the end of a file cut off is whole.
HARMLESS: Final = ("time goes backwards", "cut off")


class Gap(NamedTuple):
    """Frames that the recorder lost, and how many ticks had come whole before that."""

    tick: int
    lost: int


class OwnLog:
    """A log that `tianyuan drive` wrote, all parts of it, up to the first frame that is missing.

    A tick cut off at the end of the log, or of a part of it whose recorder died, is dropped;
    so is one that the recorder after it wrote again. ``gap`` and ``notes`` fill while it is read.
    """

    EMPTY: Final = "holds no tick of ours; record it with `tianyuan drive --log`"

    def __init__(self, log: Path) -> None:
        """Raises InputError for a log whose beginning is gone."""
        self.log = log
        self.gap: Gap | None = None
        self.notes: list[str] = []
        self._ticks, self._last_ns, self._is_over = 0, 0, False
        found = numbered_parts(log)
        if not found:
            raise InputError(f"{log}: no such file")
        if 1 not in found:
            first = next(iter(found.values()))
            raise InputError(
                f"{log}: the parts before {first.name} were dropped, and a replay begins where the "
                "host did; record with more room for the parts"
            )
        self._files = [file for k, (number, file) in enumerate(found.items()) if number == k + 1]
        if len(self._files) < len(found):
            gone = part(log, len(self._files) + 1).name
            self.notes.append(f"{gone} is missing: what comes after it cannot be compared")

    def stretches(self) -> Iterator[Stretch]:
        """Its ticks, in order; raises InputError for a log that cannot be read."""
        failed: InputError | None = None
        for file in self._files:
            try:
                yield from self._stretches_of(file)
            except InputError as error:
                failed = error
                self.notes.append(str(error))
            if self.gap is not None or self._is_over:
                break
        if failed is not None and not self._ticks:
            raise failed
        if self.gap is not None and not self._ticks:
            raise InputError(
                f"{self.log}: begins with a gap of {self.gap.lost} frames, as its recorder came "
                "late, and a replay begins where the host did; record with `tianyuan drive --log`"
            )
        if self._is_over and not self._ticks:
            raise InputError(f"{self.log}: damaged at its beginning: {self.notes[-1]}")

    def _stretches_of(self, file: Path) -> Iterator[Stretch]:
        log = Log(file)
        pending: np.ndarray = frames(0)
        for block in self._whole_blocks(log):
            joined = np.concatenate((pending, block)).view(np.ndarray)
            gaps = np.flatnonzero(_is(GAP_ID, joined))
            before = joined[: gaps[0]] if gaps.size else joined
            marks = np.flatnonzero(_is(TICK_ID, before))
            cut = int(marks[-1]) + 1 if marks.size else 0
            if cut and (fresh := self._fresh(before[:cut], marks)) is not None:
                self._check(fresh, file)
                self._ticks += fresh.t_ns.size
                yield fresh
            if gaps.size:
                lost = joined["payload"][gaps[0], :4].view("<u4")[0]
                self.gap = Gap(self._ticks, int(lost))
                return
            pending = joined[cut:]
        self.notes += [
            f"{file.name}: {note.kind}, {note.times} times: {note.first}"
            for note in log.notes.all()
        ]

    def _whole_blocks(self, log: Log) -> Iterator[np.recarray]:
        """A file's blocks, up to the one in which something is wrong that others come after."""
        held: np.recarray | None = None
        for block in log.blocks():
            if held is not None and self._is_over:
                break
            if held is not None:
                yield held
            held, self._is_over = block, any(n.kind not in HARMLESS for n in log.notes.all())
        else:
            self._is_over = False
            if held is not None:
                yield held
        if self._is_over:
            self.notes.append(
                f"{log.file.name} is damaged: what comes after that, about tick {self._ticks}, "
                "cannot be compared"
            )

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
