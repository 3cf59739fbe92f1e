"""A drive to be compared, and which of its laps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tianyuan.control.errors import InputError
from tianyuan.drivers.local_frame import LocalFrame
from tianyuan.hil import laps as lap_table
from tianyuan.hil.analysis.line import Line
from tianyuan.hil.analysis.loops import Span, goes_against, laps_on
from tianyuan.hil.analysis.own_log import read_own
from tianyuan.hil.analysis.trace import Trace, Wanted, of_own, read_foreign


@dataclass(frozen=True)
class Drive:
    """One log: its trace, and, of our own, the line and the laps by the host's count."""

    trace: Trace
    line: Line | None = None
    laps: list[Span] | None = None

    @classmethod
    def own(cls, log: Path, progress: Callable[[float], None] | None = None) -> Self:
        """A log of `tianyuan drive`. Raises InputError."""
        read = read_own(log, progress)
        found = [Span(number, *ends) for number, *ends, _ in lap_table.spans(read.telemetry)]
        return cls(of_own(read), Line(read.path, True), found)

    @classmethod
    def foreign(
        cls, log: Path, wanted: Wanted, origin: LocalFrame | None
    ) -> tuple[Self, LocalFrame | None]:
        """Any other log, and the origin of its places in degrees. Raises InputError."""
        trace, origin = read_foreign(log, wanted, origin)
        return cls(trace), origin


def chosen(
    drive: Drive, line: Line, wanted: int | None, option: str, other: int | None = None
) -> Span:
    """The lap of a number, or the fastest flying one; raises InputError where there is none.

    Our own log's laps are numbered as its report does, others' from their first crossing of
    the line's beginning. ``other`` is a lap that is not chosen where there is a further one.
    """
    found = drive.laps if drive.laps is not None else laps_on(line, drive.trace)
    if not found and goes_against(line, drive.trace):
        raise InputError(f"{drive.trace.name}: goes the other way round; compare drives of one way")
    if not found:
        raise InputError(
            f"{drive.trace.name}: no whole lap of this line in it; compare along its own line, "
            "or another --track"
        )
    if wanted is None:
        pool = [lap for lap in found if lap.number != other] or found
        flying = pool if drive.laps is None else [lap for lap in pool if lap.number > 1]
        return min(flying or pool, key=lambda lap: lap.end_s - lap.begin_s)
    for lap in found:
        if lap.number == wanted:
            return lap
    known = ", ".join(str(lap.number) for lap in found)
    raise InputError(f"{option} {wanted}: {drive.trace.name} has no such lap; choose of {known}")
