"""How the curvature and the length of a closed line change when its points move sideways."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from tianyuan.control.planning.curve import Array, Curve


@dataclass(frozen=True)
class Bending:
    """Central differences at each of n points, and their derivatives by offsets to the left.

    ``by_curvature`` and ``by_step`` are sparse (n, n): row i is the change of point i's
    curvature in 1/m, and of its step in m, per metre of offset of each point.
    """

    curvature_1pm: Array
    step_m: Array
    by_curvature: sparse.csc_matrix
    by_step: sparse.csc_matrix


def _cross(a: Array, b: Array) -> Array:
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]


def bending(curve: Curve) -> Bending:
    """Curvature (x'y'' - y'x'') / |p'|^3 over point index, and its derivatives."""
    points = np.column_stack((curve.x_m, curve.y_m))
    normal = np.column_stack((-np.sin(curve.heading_rad), np.cos(curve.heading_rad)))
    ahead, behind = np.roll(points, -1, axis=0), np.roll(points, 1, axis=0)
    first, second = (ahead - behind) / 2, ahead - 2 * points + behind
    step = np.hypot(*first.T)
    curvature = _cross(first, second) / step**3

    def change(d_first: Array, d_second: Array) -> tuple[Array, Array]:
        along = np.sum(first * d_first, axis=1)
        turn = _cross(d_first, second) + _cross(first, d_second)
        return turn / step**3 - 3 * curvature * along / step**2, along / step

    n_ahead, n_behind = np.roll(normal, -1, axis=0), np.roll(normal, 1, axis=0)
    here = change(np.zeros_like(normal), -2 * normal)
    after = change(n_ahead / 2, n_ahead)
    before = change(-n_behind / 2, n_behind)
    by_curvature = ring_matrix(here[0], after[0], before[0])
    return Bending(curvature, step, by_curvature, ring_matrix(here[1], after[1], before[1]))


def ring_matrix(here: Array, after: Array, before: Array) -> sparse.csc_matrix:
    """Sparse (n, n) with bands on the diagonal, one right of it and one left, all around."""
    n = len(here)
    i = np.arange(n)
    rows, columns = np.tile(i, 3), np.concatenate((i, (i + 1) % n, (i - 1) % n))
    return sparse.csc_matrix((np.concatenate((here, after, before)), (rows, columns)), (n, n))
