"""A log replayed: stretch by stretch through the loop, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from tianyuan.control.errors import InputError
from tianyuan.control.records import COMMAND
from tianyuan.dbc.codec import RECEIVED, records
from tianyuan.dbc.frame import frames
from tianyuan.firmware.host import FRAMES_OUT, Host
from tianyuan.firmware.host_record import HOST
from tianyuan.firmware.snapshot import restore
from tianyuan.hil.replay import loop
from tianyuan.hil.replay.difference import Mismatch, Moment, moments, text_of
from tianyuan.hil.replay.foreign import ForeignLog
from tianyuan.hil.replay.own import Gap, OwnLog
from tianyuan.hil.replay.stretch import Played, Stretch

TICKS: Final = 2048  # of one call of the loop
AROUND: Final = 2  # ticks that are shown before and after a difference


class Outcome(NamedTuple):
    """Ticks replayed, frames that differ, and the first of them."""

    ticks: int
    mismatches: int
    first_mismatch: Mismatch | None
    seconds: float  # of driving
    gaps: tuple[Gap, ...] = ()  # where frames are missing
    notes: tuple[str, ...] = ()  # what was wrong with the files


class Loop:
    """A host that is replayed, with the memory that the loop needs beside its own."""

    def __init__(self, host: Host, own: bool) -> None:
        self.host, self._own = host, own
        self._received = records(host.tables.host, RECEIVED)
        self._told = np.zeros(len(HOST.names or ()))

    def play(self, stretch: Stretch) -> Played:
        """All ticks of a stretch, which must not be longer than TICKS."""
        host, ticks = self.host, stretch.t_ns.size
        if stretch.begins_with is not None:
            restore(stretch.begins_with, host.sensors, host.memory, host.command)
            self._told[:] = host.memory.host.view(np.float64)
        made, ends, wrong = frames(ticks * FRAMES_OUT), *np.zeros((2, ticks), np.int64)
        commands, thoughts = np.zeros(ticks, COMMAND), np.zeros(ticks, HOST)
        loop.run(
            host.tables, host.path, host.sensors, host.memory, host.command, host.frames_in,
            host.frames_out, self._received, self._told, stretch.frames, stretch.ends,
            stretch.t_ns, self._own, made, ends, wrong, commands,
            thoughts,
        )  # fmt: skip
        said = made[: ends[-1] if ticks else 0].view(np.recarray)
        return Played(stretch, said, ends, wrong, commands, thoughts)


def warm_up(host: Host) -> None:
    """Compile the loop, or take it from the cache, by a stretch of no ticks."""
    nothing = np.zeros(0, np.int64)
    for own in (True, False):
        Loop(host, own).play(Stretch(frames(0), nothing, nothing))


def played(stretches: Iterable[Stretch], host: Host, own: bool) -> Iterator[Played]:
    """Stretches through a host fresh from ``make_host``, in pieces of TICKS at most."""
    looped = Loop(host, own)
    for stretch in stretches:
        ticks = stretch.t_ns.size
        for first in range(0, ticks, TICKS):
            yield looped.play(stretch.part(first, min(first + TICKS, ticks)))


class _First:
    """The first difference, with the ticks around it."""

    def __init__(self) -> None:
        self.found: Mismatch | None = None
        self._before: list[Moment] = []
        self._missing = 0  # ticks after it that are still to come

    def look(self, each: Played, ticks: int) -> None:
        """Look at ticks, of which the first has the number ``ticks``."""
        count = each.wrong.size
        if self.found is None and each.wrong.any():
            at = int(np.flatnonzero(each.wrong)[0])
            shown = moments(each, ticks, max(at - AROUND, 0), min(at + AROUND + 1, count))
            around = [*self._before, *shown]
            self._missing = at + AROUND + 1 - count
            own = next(moment for moment in shown if moment.tick == ticks + at)
            pair = own.first_difference()
            self.found = Mismatch(
                own.tick, text_of(pair[0]), text_of(pair[1]), own.t_ns,
                tuple(each for each in around if each.tick >= own.tick - AROUND), pair,
            )  # fmt: skip
        elif self.found is not None and self._missing > 0:
            more = moments(each, ticks, 0, min(self._missing, count))
            self.found = self.found._replace(around=(*self.found.around, *more))
            self._missing -= len(more)
        elif self.found is None:
            self._before = moments(each, ticks, max(count - AROUND, 0), count)


def replay(
    log: Path,
    host: Host,
    progress: Callable[[int], None] | None = None,
    watch: Callable[[Played], None] | None = None,
) -> Outcome:
    """Feed a log of ours to ``host``, fresh from ``make_host``, and compare what comes out.

    ``progress`` is told ticks done, ``watch`` is given every tick. Raises InputError for what
    is no log of ours.
    """
    return replay_of(OwnLog(log), host, progress, watch)


def replay_of(
    recorded: OwnLog | ForeignLog,
    host: Host,
    progress: Callable[[int], None] | None = None,
    watch: Callable[[Played], None] | None = None,
) -> Outcome:
    """The same of a log that is being read; one of another host has nothing to compare with."""
    first, ticks, mismatches, began_ns, ended_ns = _First(), 0, 0, 0, 0
    for each in played(recorded.stretches(host), host, isinstance(recorded, OwnLog)):
        first.look(each, ticks)
        times = each.recorded.t_ns
        began_ns, ended_ns = began_ns or int(times[0]), int(times[-1])
        ticks += times.size
        mismatches += int(each.wrong.sum())
        if watch is not None:
            watch(each)
        if progress is not None:
            progress(ticks)
    if ticks == 0:
        raise InputError(f"{recorded.log}: {recorded.EMPTY}")
    seconds = (ended_ns - began_ns) * 1e-9
    gaps, notes = tuple(recorded.gaps), tuple(recorded.notes)
    return Outcome(ticks, mismatches, first.found, seconds, gaps, notes)
