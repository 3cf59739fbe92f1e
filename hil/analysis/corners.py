"""The corners of a line, found from its curvature, and how laps went through them."""

from __future__ import annotations

from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

SMOOTH_M: Final = 10.0  # of the curvature, before it is judged: a line's noise is no corner
BENT_1PM: Final = 1.0 / 250.0  # tighter than this is in a corner
JOINED_M: Final = 12.0  # a straighter piece this short, between two of one direction, is within
LEAST_RAD: Final = np.radians(14.0)  # of turning: less is a kink


class Corner(NamedTuple):
    """One corner of a line, its apex on the lap.

    One that spans the start begins below zero, or ends beyond the line's length.
    """

    number: int  # 1 is the first after the start
    begin_m: float
    apex_m: float  # where the line is tightest
    end_m: float
    turn_rad: float  # positive to the left
    radius_m: float  # at the apex


class Passage(NamedTuple):
    """A lap in one corner, NaN where it was not driven."""

    time_s: float
    entry_mps: float
    apex_mps: float
    exit_mps: float
    min_mps: float
    min_m: float  # where it was slowest


UNSEEN: Final = Passage(*(float("nan"),) * 6)


def find_corners(path: np.ndarray, closed: bool = True) -> list[Corner]:
    """The corners of a PATH in the order of driving; of an open line none spans its ends.

    A corner turns one way, is nowhere straighter than BENT_1PM for longer than JOINED_M, and
    turns by LEAST_RAD in all.
    """
    step_m = float(path["s_m"][1] - path["s_m"][0])
    bent = _smooth(path["curvature_1pm"], max(1, round(SMOOTH_M / step_m)), closed)
    sign = np.where(np.abs(bent) > BENT_1PM, np.sign(bent), 0.0)
    start = _straight(np.abs(bent)) if closed else 0
    pieces = _pieces(np.roll(sign, -start), max(1, round(JOINED_M / step_m)))
    rolled = np.roll(bent, -start)
    found = []
    for begin, end in pieces:
        turn_rad = float(rolled[begin:end].sum() * step_m)
        if abs(turn_rad) >= LEAST_RAD:
            apex = begin + int(np.argmax(np.abs(rolled[begin:end])))
            found.append((begin + start, apex + start, end + start, turn_rad, rolled[apex]))
    return _numbered(found, len(path), step_m)


def passage(
    corner: Corner, station_m: np.ndarray, time_s: np.ndarray, speed_mps: np.ndarray
) -> Passage:
    """How a lap, given over the stations of the grid, went through a corner.

    In a corner that spans the start, the lap's two ends are taken for one passage.
    """
    here_m, passed_s, driven_mps = station_m, time_s, speed_mps
    if corner.begin_m < 0.0 or corner.end_m > station_m[-1]:
        here_m, passed_s = _around(station_m, time_s)
        driven_mps = np.tile(speed_mps[:-1], 3)
    ends = np.array([corner.begin_m, corner.apex_m, corner.end_m])
    at_s, at_mps = (np.interp(ends, here_m, column) for column in (passed_s, driven_mps))
    inside = (here_m >= corner.begin_m) & (here_m <= corner.end_m) & np.isfinite(driven_mps)
    if not inside.any():
        return UNSEEN
    slowest = np.flatnonzero(inside)[np.argmin(driven_mps[inside])]
    entry, apex, exit_ = at_mps.tolist()
    return Passage(
        float(at_s[2] - at_s[0]), entry, apex, exit_, float(driven_mps[slowest]),
        float(here_m[slowest] % station_m[-1]),
    )  # fmt: skip


def lost_s(bounds: np.ndarray, station_m: np.ndarray, delta_s: np.ndarray) -> np.ndarray:
    """What a lap loses to another in each of the stretches of ``bounds_m`` (n,).

    ``delta_s`` is how much later it is at each station of the grid, NaN where one of the two
    was not driven: then a stretch counts as far as both were. In all they are the difference
    of the whole lap.
    """
    known = np.isfinite(delta_s)
    if not known.any():
        return np.full(len(bounds), np.nan)
    here_m, late_s = station_m[known], delta_s[known]
    return np.diff(np.interp(bounds, here_m, late_s), axis=1)[:, 0]


def _around(station_m: np.ndarray, time_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Stations and times of the lap as if it had been driven before and after itself, too."""
    lap_s, length_m = time_s[-1] - time_s[0], station_m[-1]
    here_m = np.concatenate([station_m[:-1] + k * length_m for k in (-1, 0, 1)])
    return here_m, np.concatenate([time_s[:-1] + k * lap_s for k in (-1, 0, 1)])


def bounds_m(corners: list[Corner], length_m: float) -> np.ndarray:
    """Where the stretch of each corner begins and ends, (n, 2): half-way to its neighbours.

    The first begins at the start and the last one ends there, so that together they are the
    whole lap, which is one stretch without a corner.
    """
    if not corners:
        return np.array([[0.0, length_m]])
    begins = np.array([c.begin_m for c in corners])
    ends = np.array([c.end_m for c in corners])
    middles = 0.5 * (ends[:-1] + begins[1:])
    return np.column_stack([[0.0, *middles], [*middles, length_m]])


def _smooth(values: np.ndarray, width: int, closed: bool) -> np.ndarray:
    padded = np.pad(values, width, mode="wrap" if closed else "edge")
    return np.convolve(padded, np.ones(width) / width, "same")[width:-width]


def _straight(bent_1pm: np.ndarray) -> int:
    """The middle of the longest straight, where no corner is."""
    bends = np.flatnonzero(bent_1pm > BENT_1PM)
    if not bends.size:
        return 0
    gaps = np.diff(bends, append=bends[0] + len(bent_1pm))
    longest = int(np.argmax(gaps))
    return int(bends[longest] + gaps[longest] // 2) % len(bent_1pm)


def _pieces(sign: np.ndarray, joined: int) -> list[tuple[int, int]]:
    """Where the sign holds: begins and ends, pieces of one sign ``joined`` apart as one."""
    changes = np.flatnonzero(np.diff(sign)) + 1
    edges = [0, *changes.tolist(), len(sign)]
    found = list[tuple[int, int]]()
    for begin, end in pairwise(edges):
        if sign[begin] == 0.0:
            continue
        if found and sign[found[-1][0]] == sign[begin] and begin - found[-1][1] <= joined:
            found[-1] = (found[-1][0], end)
        else:
            found.append((begin, end))
    return found


def _numbered(
    found: list[tuple[int, int, int, float, float]], points: int, step_m: float
) -> list[Corner]:
    made = []
    for begin, apex, end, turn_rad, bent in found:
        turns = apex // points  # a corner belongs to the lap that its apex is in
        begin_m, apex_m, end_m = ((place - turns * points) * step_m for place in (begin, apex, end))
        made.append(Corner(0, begin_m, apex_m, end_m, turn_rad, float(1.0 / abs(bent))))
    made.sort(key=lambda corner: corner.apex_m)
    return [corner._replace(number=k + 1) for k, corner in enumerate(made)]
