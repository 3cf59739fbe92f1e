"""How far it is from a line to both edges of the track, along the line's own normal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tianyuan.control.planning.curve import Array, Curve, over_ring
from tianyuan.control.planning.track import Track, edges

_STEP_M = 0.5  # of the edges; the chord error is 3 mm on a radius of 10 m
_REACH_M = 25.0  # an edge is met within this much station of the line's point


@dataclass(frozen=True)
class Corridor:
    """A track's edges, prepared for measuring lines that run between them."""

    track: Track
    left: Array
    right: Array

    @classmethod
    def of(cls, track: Track) -> Corridor:
        """The corridor of ``track``."""
        left, right = edges(track, _STEP_M)
        return cls(track, left, right)

    def stations(self, line: Curve, near_m: Array) -> Array:
        """Stations (n,) on the centre line of the points nearest to the line's points.

        ``near_m`` are stations known to within the reach: where two parts of a circuit run
        side by side, the nearest of all could be the wrong one.
        """
        track = self.track
        window = _window(_REACH_M, track.spacing_m, len(track.s_m))
        index = (np.rint(near_m / track.spacing_m)[:, None].astype(int) + window) % len(track.s_m)
        gap = np.hypot(track.x_m[index] - line.x_m[:, None], track.y_m[index] - line.y_m[:, None])
        return track.s_m[index[np.arange(len(index)), np.argmin(gap, axis=1)]]

    def distances(
        self, line: Curve, stations_m: Array, within_m: float = 0.0
    ) -> tuple[Array, Array]:
        """From each point of ``line`` to the left and to the right edge, positive inside.

        Along the normal; with ``within_m``, to the nearest of the edge as far ahead and
        behind, so that no corner of an edge goes unseen between the points of a line.
        """
        share = stations_m / self.track.length_m
        left = _along_normal(line, self.left, share, 1.0, within_m)
        right = _along_normal(line, self.right, share, -1.0, within_m)
        return left, right


def carried_stations(stations_m: Array, knot: Array, length_m: float) -> Array:
    """Stations of a curve's points from those, rising, of the points it was drawn through."""
    rising = np.unwrap(stations_m, period=length_m)
    ring = np.append(rising, rising[0] + length_m)
    return np.mod(np.interp(knot, np.arange(len(ring)), ring), length_m)


def slope_at(track: Track, stations_m: Array) -> Array:
    """The track's slope at stations."""
    return over_ring(track.slope_rad, stations_m / track.spacing_m)


def bank_at(track: Track, stations_m: Array) -> Array:
    """The track's bank at stations."""
    return over_ring(track.bank_rad, stations_m / track.spacing_m)


def _window(reach_m: float, step_m: float, count: int) -> NDArray[np.int64]:
    half = min(int(np.ceil(reach_m / step_m)), (count - 1) // 2)
    return np.arange(-half, half + 1, dtype=np.int64)


def _along_normal(line: Curve, edge: Array, share: Array, side: float, within_m: float) -> Array:
    """Distance to the polygon ``edge`` (m, 2); ``side`` +1 left, -1 right."""
    count = len(edge)
    window = _window(_REACH_M, _STEP_M, count)
    index = (np.rint(share * count).astype(int)[:, None] + window) % count
    dx = edge[index, 0] - line.x_m[:, None]
    dy = edge[index, 1] - line.y_m[:, None]
    c, s = np.cos(line.heading_rad)[:, None], np.sin(line.heading_rad)[:, None]
    along, across = c * dx + s * dy, side * (c * dy - s * dx)
    met = _met(along, across)
    blind = ~np.isfinite(met)  # the edge turns away: its nearest point bounds the car
    met[blind] = np.hypot(dx[blind], dy[blind]).min(axis=1)
    if within_m == 0.0:
        return met
    # Beside a hairpin the other leg's edge is abreast too, but far from where this one is met.
    abreast = (np.abs(along) <= within_m) & (np.abs(across - met[:, None]) <= 4 * within_m)
    return np.minimum(met, np.where(abreast, across, np.inf).min(axis=1))


def _met(along: Array, across: Array) -> Array:
    """Where each row's polygon first meets its normal, nearest to the line; inf if nowhere."""
    before, after = along[:, :-1], along[:, 1:]
    meets = (before <= 0) != (after <= 0)
    fraction = before / np.where(meets, before - after, 1.0)
    distance = np.where(meets, across[:, :-1] + fraction * np.diff(across, axis=1), np.inf)
    return distance[np.arange(len(distance)), np.argmin(np.abs(distance), axis=1)]
