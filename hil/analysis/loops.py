"""Where a drive comes back to, and so what a lap of it is."""

from __future__ import annotations

from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

from tianyuan.control.errors import InputError
from tianyuan.hil.analysis.line import Line, of_points, project
from tianyuan.hil.analysis.trace import STANDING_MPS, Trace

NEAR_M: Final = 25.0  # as near as this it is the same place
SHORTEST_M: Final = 150.0  # of a lap
EVERY_M: Final = 20.0  # along the drive a place is tried
SAME_WAY: Final = 0.5  # cosine of 60 degrees
WHOLE: Final = 0.98  # of a lap: what is left out may be the line's own ends


class Span(NamedTuple):
    """One lap of a drive, in its time."""

    number: int
    begin_s: float
    end_s: float


def line_of(trace: Trace) -> Line:
    """The line of a drive itself: from the first place that it came back to, round to there.

    A drive that never comes back is one open line. Raises InputError for a car that stood.
    """
    known = np.flatnonzero(np.isfinite(trace.x_m) & np.isfinite(trace.heading_rad))
    x_m, y_m, way = trace.x_m[known], trace.y_m[known], trace.heading_rad[known]
    along_m = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x_m), np.diff(y_m)))])
    if not len(known) or along_m[-1] < SHORTEST_M:
        raise InputError(f"{trace.name}: the car hardly moved, so there is no line to go along")
    tried = 0.0  # a little on from where it began, so that a crossing is seen
    for i in range(len(known)):
        if along_m[i] - tried < EVERY_M:
            continue
        tried = along_m[i]
        near = np.hypot(x_m - x_m[i], y_m - y_m[i]) < NEAR_M
        back = near & (np.cos(way - way[i]) > SAME_WAY) & (along_m > along_m[i] + SHORTEST_M)
        first = np.flatnonzero(back)
        if not len(first):
            continue
        # Where it was nearest to being in line with the beginning, of this coming back.
        ahead = (x_m - x_m[i]) * np.cos(way[i]) + (y_m - y_m[i]) * np.sin(way[i])
        crossed = np.flatnonzero(ahead[first] >= 0.0)
        end = int(first[crossed[0]]) if len(crossed) else int(first[-1])
        return of_points(x_m[i:end], y_m[i:end], closed=True)
    return of_points(x_m, y_m, closed=False)


def laps_on(line: Line, trace: Trace) -> list[Span]:
    """The whole laps of a drive, from each crossing of the line's first point to the next.

    A lap of a car that stood there begins when it left. Along an open line each drive from its
    beginning on is one, and it may leave the line and come back.
    """
    station_m, _ = project(line, trace.x_m, trace.y_m, trace.heading_rad)
    known = np.flatnonzero(np.isfinite(station_m))
    if not len(known):
        return []
    t_s, along_m, speed_mps = trace.t_s[known], station_m[known], trace.speed_mps[known]
    if not line.closed:
        return _passages(t_s, along_m, line.length_m)
    turn = np.floor(along_m / line.length_m)
    crossings = np.flatnonzero(np.diff(turn) > 0.0)
    at_s = []
    for i in crossings:
        share = (turn[i + 1] * line.length_m - along_m[i]) / (along_m[i + 1] - along_m[i])
        at_s.append(float(t_s[i] + share * (t_s[i + 1] - t_s[i])))
    found = []
    for k, (begin, end) in enumerate(pairwise(crossings.tolist())):
        if np.ptp(along_m[begin + 1 : end + 1]) > WHOLE * line.length_m:
            found.append(
                Span(k + 1, max(at_s[k], _left(begin, t_s, along_m, speed_mps)), at_s[k + 1])
            )
    return found


def _passages(t_s: np.ndarray, along_m: np.ndarray, length_m: float) -> list[Span]:
    """The drives along an open line, without those that left out much of what others have."""
    again = np.flatnonzero(np.diff(along_m) < -0.5 * length_m) + 1
    pieces = list[tuple[float, float, float]]()  # begin, end, how far
    for at_s, there_m in zip(np.split(t_s, again), np.split(along_m, again), strict=True):
        # Before the beginning and beyond the end, the nearest place of the line is that.
        begin = int(np.flatnonzero(there_m == there_m.min())[-1])
        end = int(np.flatnonzero(there_m == there_m.max())[0])
        pieces.append((float(at_s[begin]), float(at_s[end]), float(np.ptp(there_m))))
    whole_m = WHOLE * max(far_m for *_, far_m in pieces)
    whole = [(begin, end) for begin, end, far_m in pieces if far_m >= whole_m and end > begin]
    return [Span(k + 1, *ends) for k, ends in enumerate(whole)]


def goes_against(line: Line, trace: Trace) -> bool:
    """Whether most of a drive is along a line, and the other way round."""
    station_m, _ = project(line, trace.x_m, trace.y_m, trace.heading_rad + np.pi)
    moving = np.isfinite(trace.heading_rad)
    return bool(np.isfinite(station_m).sum() > 0.5 * moving.sum() > 0.0)


def _left(row: int, t_s: np.ndarray, along_m: np.ndarray, speed_mps: np.ndarray) -> float:
    """When a car that stood on the line at this row left it; when it was there if it did not."""
    near = row + np.flatnonzero(along_m[row:] < along_m[row] + NEAR_M)
    standing = near[speed_mps[near] < STANDING_MPS]
    return float(t_s[standing[-1]]) if len(standing) else float(t_s[row])
