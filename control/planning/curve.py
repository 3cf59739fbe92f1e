"""Closed plane curves: periodic splines at equal arc length, and whether they cross themselves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.spatial import cKDTree

Array = NDArray[np.float64]

_SUBSTEPS = 8  # arc-length quadrature per spline segment; error below a micrometre at 5 m


@dataclass(frozen=True)
class Curve:
    """A closed curve at equal arc length, the first point not repeated; arrays of shape (n,).

    ``knot`` says where each point lies between the points that the curve was drawn
    through, as a real index, so that whatever was known there can be carried over.
    """

    length_m: float
    spacing_m: float
    s_m: Array
    x_m: Array
    y_m: Array
    heading_rad: Array  # of the tangent, unwrapped along the lap
    curvature_1pm: Array
    knot: Array


def _arc_length(spline: CubicSpline, u: Array) -> Array:
    """Arc length from u[0] to each u: three-point Gauss-Legendre on each interval."""
    nodes, weights = np.polynomial.legendre.leggauss(3)
    half = np.diff(u) / 2
    at = (u[:-1] + half)[:, None] + half[:, None] * nodes
    speed = np.hypot(*np.moveaxis(spline(at, 1), -1, 0))
    return np.concatenate(([0.0], np.cumsum(half * (speed @ weights))))


def closed_curve(x_m: Array, y_m: Array, spacing_m: float) -> Curve:
    """The periodic cubic spline through points (n,), at equal arc length near ``spacing_m``.

    The points must be distinct neighbours, the last not the first. The spline is drawn
    over chord length, so its points need not be evenly spaced.
    """
    points = np.column_stack((x_m, y_m))
    ring = np.vstack((points, points[:1]))
    chord = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(ring, axis=0).T))))
    spline = CubicSpline(chord, ring, bc_type="periodic")
    share = np.arange(_SUBSTEPS * len(points) + 1) / _SUBSTEPS
    u = np.interp(share, np.arange(len(chord)), chord)
    arc = _arc_length(spline, u)
    count = max(4, round(arc[-1] / spacing_m))
    s = np.arange(count) * (arc[-1] / count)
    at = CubicSpline(arc, u)(s)  # smooth inverse: its error is of fourth order in the substep
    return _sampled(spline, at, s, arc[-1], np.interp(at, chord, np.arange(len(chord))))


def _sampled(spline: CubicSpline, at: Array, s: Array, length: float, knot: Array) -> Curve:
    (x, y), (dx, dy), (ddx, ddy) = (spline(at, order).T for order in range(3))
    return Curve(
        length_m=float(length),
        spacing_m=float(length / len(s)),
        s_m=s,
        x_m=x,
        y_m=y,
        heading_rad=np.unwrap(np.arctan2(dy, dx)),
        curvature_1pm=(dx * ddy - dy * ddx) / np.hypot(dx, dy) ** 3,
        knot=knot,
    )


def over_ring(values: Array, knot: Array) -> Array:
    """Values (n,) of a ring's points, linearly between them at real indices ``knot``."""
    return np.interp(knot, np.arange(len(values) + 1), np.append(values, values[0]))


def _side(ax: Array, ay: Array, bx: Array, by: Array, px: Array, py: Array) -> Array:
    return (bx - ax) * (py - ay) - (by - ay) * (px - ax)


def first_crossing(x_m: Array, y_m: Array) -> tuple[int, int] | None:
    """The first two segments i < j of a closed polygon that cross, or None.

    Segment i runs from point i to the next. Neighbours share a point and do not count.
    """
    n = len(x_m)
    x2, y2 = np.roll(x_m, -1), np.roll(y_m, -1)
    reach = float(np.hypot(x2 - x_m, y2 - y_m).max())  # farther apart, middles cannot cross
    middles = np.column_stack(((x_m + x2) / 2, (y_m + y2) / 2))
    i, j = cKDTree(middles).query_pairs(reach, output_type="ndarray").T
    apart = (j - i > 1) & (j - i < n - 1)
    i, j = i[apart], j[apart]
    first = (x_m[i], y_m[i], x2[i], y2[i])
    second = (x_m[j], y_m[j], x2[j], y2[j])
    split_first = _side(*first, *second[:2]) * _side(*first, *second[2:]) < 0
    split_second = _side(*second, *first[:2]) * _side(*second, *first[2:]) < 0
    hits = np.flatnonzero(split_first & split_second)
    if len(hits) == 0:
        return None
    k = hits[np.argmin(i[hits])]
    return int(i[k]), int(j[k])
