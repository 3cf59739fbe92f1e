"""Two laps by distance along one line: when each is where, and where the difference arises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from tianyuan.control.errors import InputError
from tianyuan.hil.analysis.corners import (
    Corner,
    Passage,
    bounds_m,
    find_corners,
    lost_s,
    passage,
)
from tianyuan.hil.analysis.line import Line, project
from tianyuan.hil.analysis.loops import Span
from tianyuan.hil.analysis.trace import DRIVEN, STANDING_MPS, Trace

AROUND_S: Final = 2.0  # of the drive before and after the lap: its ends lie between two points
POINTS: Final = 1801  # as many as the page has
LEAST_SHARED_M: Final = 50.0


@dataclass(frozen=True)
class Side:
    """One lap over the stations; NaN where it was not driven."""

    name: str  # of the log
    lap: int
    lap_s: float  # of the whole lap, from crossing to crossing
    time_s: np.ndarray  # since the first station that both laps have
    x_m: np.ndarray
    y_m: np.ndarray
    offset_m: np.ndarray  # left of the line
    speed_mps: np.ndarray
    steer_rad: np.ndarray
    throttle: np.ndarray
    brake_bar: np.ndarray


class Through(NamedTuple):
    """A corner by both laps; ``delta_s`` is what B loses there, half-way to half-way."""

    corner: Corner
    a: Passage
    b: Passage
    delta_s: float


@dataclass(frozen=True)
class Comparison:
    """Both laps on the same stations."""

    line: Line
    station_m: np.ndarray
    a: Side
    b: Side
    through: list[Through]

    @property
    def delta_s(self) -> np.ndarray:
        """How much later B is at each station, NaN where one of them was not."""
        return self.b.time_s - self.a.time_s

    @property
    def total_s(self) -> float:
        """How much later B is at the end of what both drove."""
        known = self.delta_s[np.isfinite(self.delta_s)]
        return float(known[-1])


def compare(line: Line, a: tuple[Trace, Span], b: tuple[Trace, Span]) -> Comparison:
    """Lay two laps along a line. Raises InputError where they have no stretch in common."""
    station_m = np.linspace(0.0, line.length_m, POINTS)
    sides = [side(line, station_m, trace, span) for trace, span in (a, b)]
    both = np.flatnonzero(np.isfinite(sides[0].time_s) & np.isfinite(sides[1].time_s))
    if not len(both) or station_m[both[-1]] - station_m[both[0]] < LEAST_SHARED_M:
        raise InputError(
            f"{a[0].name} and {b[0].name}: no stretch in common; do both have the same origin? "
            "give --origin LAT,LON, that of the line"
        )
    for each in sides:
        each.time_s[:] -= each.time_s[both[0]]
    first, second = sides
    corners = find_corners(line.path, line.closed)
    bounds = bounds_m(corners, line.length_m)
    lost = lost_s(bounds, station_m, second.time_s - first.time_s)
    through = [
        Through(
            corner,
            passage(corner, station_m, first.time_s, first.speed_mps),
            passage(corner, station_m, second.time_s, second.speed_mps),
            float(lost[k]),
        )
        for k, corner in enumerate(corners)
    ]
    return Comparison(line, station_m, first, second, through)


def side(line: Line, station_m: np.ndarray, trace: Trace, span: Span) -> Side:
    """One lap of a drive over the stations."""
    around_s = AROUND_S if line.closed else 0.0  # an open one has no place beyond its ends
    part = trace.between(span.begin_s - around_s, span.end_s + around_s)
    moving = np.flatnonzero(~(part.speed_mps < STANDING_MPS))
    if len(moving):  # a lap from standstill is no longer for having been waited for
        part = part.between(float(part.t_s[max(moving[0] - 1, 0)]), np.inf)
    along_m, offset_m = project(line, part.x_m, part.y_m, part.heading_rad)
    known = np.flatnonzero(np.isfinite(along_m))
    columns = {name: getattr(part, name)[known] for name in ("t_s", "x_m", "y_m", *DRIVEN)}
    columns["offset_m"] = offset_m[known]
    ahead_m = along_m[known]
    if line.closed and len(known):
        middle = np.interp(0.5 * (span.begin_s + span.end_s), columns["t_s"], ahead_m)
        ahead_m = ahead_m - np.floor(middle / line.length_m) * line.length_m
    ahead_m = np.maximum.accumulate(ahead_m)
    on = {name: _on(station_m, ahead_m, values) for name, values in columns.items()}
    time_s = on.pop("t_s")
    return Side(trace.name, span.number, span.end_s - span.begin_s, time_s, **on)


def _on(station_m: np.ndarray, ahead_m: np.ndarray, values: np.ndarray) -> np.ndarray:
    if not len(ahead_m):
        return np.full(len(station_m), np.nan)
    return np.interp(station_m, ahead_m, values, np.nan, np.nan)
