"""The common line that laps are laid along: a PATH, closed or not, and where points are on it."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from scipy.ndimage import gaussian_filter1d

from tianyuan.control.records import PATH
from tianyuan.control.records import path as new_path
from tianyuan.firmware.track_file import load_track

SPACING_M: Final = 2.0
SMOOTH_M: Final = 6.0  # of a driven line: a receiver's noise is no bend
APART_M: Final = 4.0  # between the points it is drawn through: nor is a car that stands
REACH_M: Final = 40.0  # how far along the line the next foot is looked for
LOST_M: Final = 60.0  # farther from the line than this a point is not on it


class Line(NamedTuple):
    """A PATH; ``closed`` where its end leads to its beginning."""

    path: np.recarray
    closed: bool

    @property
    def spacing_m(self) -> float:
        """Between the points."""
        return float(self.path.s_m[1] - self.path.s_m[0])

    @property
    def length_m(self) -> float:
        """Of a lap, or from the first point to the last."""
        return float(self.path.s_m[-1] + self.closed * self.spacing_m)


def of_track(file: Path) -> Line:
    """The centre line of a circuit's file, with its edges. Raises InputError."""
    track = load_track(file)
    path = new_path(track.s_m.size)
    for name in set(PATH.names or ()) - {"speed_mps", "accel_mps2"}:
        path[name] = getattr(track, name)
    return Line(path, True)


def of_points(x_m: np.ndarray, y_m: np.ndarray, closed: bool) -> Line:
    """A line through driven points (n,), in their order, evenly spaced and smoothed a little.

    A closed one goes on from the last point to the first.
    """
    x_m, y_m = _even(*_apart(x_m, y_m), closed)
    width = round(6 * SMOOTH_M / SPACING_M)
    x_m, y_m = (_smooth(values, width, closed) for values in (x_m, y_m))
    x_m, y_m = _even(x_m, y_m, closed)
    path = new_path(len(x_m))
    path.x_m, path.y_m = x_m, y_m
    _finish(path, closed)
    return Line(path, closed)


def _smooth(values: np.ndarray, width: int, closed: bool) -> np.ndarray:
    """Smoothed over SMOOTH_M; the ends of an open line stay where they are."""
    padded = (
        np.pad(values, width, "wrap")
        if closed
        else np.pad(values, width, "reflect", reflect_type="odd")
    )
    return np.asarray(gaussian_filter1d(padded, SMOOTH_M / SPACING_M))[width:-width]


def _even(x_m: np.ndarray, y_m: np.ndarray, closed: bool) -> tuple[np.ndarray, np.ndarray]:
    """Points SPACING_M apart, or nearly, on the way through these."""
    if closed:
        x_m, y_m = np.append(x_m, x_m[0]), np.append(y_m, y_m[0])
    along_m = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x_m), np.diff(y_m)))])
    count = max(8, round(along_m[-1] / SPACING_M) + (not closed))
    s_m = np.linspace(0.0, along_m[-1], count, endpoint=not closed)
    return np.interp(s_m, along_m, x_m), np.interp(s_m, along_m, y_m)


def _apart(x_m: np.ndarray, y_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The points that are APART_M from the one before, and the first."""
    keep = [0]
    for i in range(1, len(x_m)):
        if np.hypot(x_m[i] - x_m[keep[-1]], y_m[i] - y_m[keep[-1]]) >= APART_M:
            keep.append(i)
    return x_m[keep], y_m[keep]


def _finish(path: np.recarray, closed: bool) -> None:
    """Stations, headings and curvature of the points, by differences."""
    x_m, y_m = path.x_m, path.y_m
    if closed:
        dx, dy = (0.5 * (np.roll(v, -1) - np.roll(v, 1)) for v in (x_m, y_m))
    else:
        dx, dy = np.gradient(x_m), np.gradient(y_m)
    step_m = np.hypot(dx, dy)
    heading_rad = np.unwrap(np.arctan2(dy, dx))
    ends = heading_rad
    if closed:
        turn_rad = 2.0 * np.pi * np.round((heading_rad[-1] - heading_rad[0]) / (2.0 * np.pi))
        ends = np.concatenate([heading_rad[-1:] - turn_rad, ends, heading_rad[:1] + turn_rad])
    bend_rad = np.gradient(ends)[1:-1] if closed else np.gradient(ends)
    path.s_m = np.arange(len(path)) * float(step_m.mean())
    path.heading_rad = heading_rad
    path.curvature_1pm = bend_rad / np.maximum(step_m, 1e-6)


def project(
    line: Line, x_m: np.ndarray, y_m: np.ndarray, heading_rad: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Stations (n,), that go on counting over the start, and offsets (n,) to the left.

    The points follow each other by less than REACH_M, and ``heading_rad`` says which way they
    go: of two pieces of line side by side, that is the one that runs the same way. NaN where a
    point is farther than LOST_M from the line.
    """
    near = _followed(line, x_m, y_m, heading_rad)
    known = near >= 0
    station_m, offset_m = np.full(len(x_m), np.nan), np.full(len(x_m), np.nan)
    place, share, offset_m[known] = _foot(line, near[known], x_m[known], y_m[known])
    along_m = (place + share) * line.spacing_m
    station_m[known] = np.unwrap(along_m, period=line.length_m) if line.closed else along_m
    return station_m, offset_m


def _followed(line: Line, x_m: np.ndarray, y_m: np.ndarray, heading_rad: np.ndarray) -> np.ndarray:
    """The nearest point of the line to each of the points, -1 where none is near."""
    count = len(line.path)
    window = np.arange(-round(REACH_M / 2 / line.spacing_m), round(REACH_M / line.spacing_m) + 1)
    found = np.full(len(x_m), -1)
    near = -1
    for i in range(len(x_m)):
        places = near + window if near >= 0 else np.arange(count)
        places = places % count if line.closed else np.clip(places, 0, count - 1)
        near = found[i] = _nearest(line.path, places, x_m[i], y_m[i], heading_rad[i])
    return found


def _foot(
    line: Line, near: np.ndarray, x_m: np.ndarray, y_m: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Place, share of the way to the next and offset, by the tangents at both ends.

    As ``control/projection.py: foot``, so that both go smoothly from piece to piece.
    """
    count = len(line.path)
    along_m, _ = _beside(line.path[near], x_m, y_m)
    place = near - (along_m < 0.0)
    if line.closed:
        place, following = place % count, (place + 1) % count
    else:
        place = np.clip(place, 0, count - 2)
        following = place + 1
    before_m, left_m = _beside(line.path[place], x_m, y_m)
    beyond_m, right_m = _beside(line.path[following], x_m, y_m)
    span_m = before_m - beyond_m
    share = np.clip(before_m / np.where(span_m > 1e-9, span_m, np.inf), 0.0, 1.0)
    return place, share, left_m + share * (right_m - left_m)


def _nearest(path: np.ndarray, places: np.ndarray, x_m: float, y_m: float, way: float) -> int:
    """The place of the nearest point that runs this way, -1 where none is near."""
    dx, dy = x_m - path["x_m"][places], y_m - path["y_m"][places]
    square = dx * dx + dy * dy
    square[np.cos(path["heading_rad"][places] - way) < 0.0] = np.inf
    best = int(np.argmin(square))
    return int(places[best]) if square[best] < LOST_M**2 else -1


def _beside(points: np.ndarray, x_m: np.ndarray, y_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far ahead of the points, and to their left, others lie."""
    dx, dy = x_m - points["x_m"], y_m - points["y_m"]
    c, s = np.cos(points["heading_rad"]), np.sin(points["heading_rad"])
    return dx * c + dy * s, dy * c - dx * s
