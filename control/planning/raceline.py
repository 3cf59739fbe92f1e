"""The line of least curvature between the edges of a track.

Minimises the integral of curvature squared by quadratic programmes over offsets from the
line before, taking the differences, the normals and the distances to the edges anew each
time until the line settles (Heilmeier et al., VSD 2019; Braghin et al. 2008).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from tianyuan.control.errors import InputError
from tianyuan.control.planning.bending import Bending, bending
from tianyuan.control.planning.corridor import Corridor, carried_stations, slope_at
from tianyuan.control.planning.curve import Array, Curve, closed_curve
from tianyuan.control.planning.quadratic import minimise
from tianyuan.control.planning.track import Track

GRID_M = 2.0  # between points while the line is sought
_ROUNDS = 30
_SETTLED = 2e-4  # relative change of the sum in one round
_SHORTEST_SHARE = 0.05  # of a step, when halving it does not help
_WORSE = 1e-4  # relative; resampling alone changes the sum this much
_NORMALS_MEET = 0.5  # offsets stay below this share of the radius, where normals fan in
_WATCHED = 0.5  # share of the steering's reach from which curvature is bounded explicitly
_CLEAR_M = 0.005
_RETURNS = 6
_REACH_KEPT = 0.98  # of the steering's reach: the programme bounds a linearised curvature


@dataclass(frozen=True)
class Line:
    """A closed line on a track; arrays of shape (n,).

    Its curve, and by point the centre line's station, the slope and the distances to the
    edges, each the least over the half steps ahead and behind.
    """

    curve: Curve
    stations_m: Array
    left_m: Array
    right_m: Array
    slope_rad: Array


def check_width(track: Track, params: np.recarray) -> None:
    """Raise InputError where the car with its margins does not fit between the edges."""
    need = 2 * clearance_m(params)
    width = track.left_m + track.right_m
    i = int(np.argmin(width))
    if width[i] < need:
        raise InputError(
            f"{track.name}: too narrow at station {track.s_m[i]:.1f} m: {track.left_m[i]:.2f} m "
            f"left and {track.right_m[i]:.2f} m right, but the car of {params[0].width_m:.2f} m "
            f"needs {need:.2f} m; correct the widths or lower planning.edge_margin_m"
        )


def clearance_m(params: np.recarray) -> float:
    """From the middle of the car to the edge, at the least."""
    return float(params[0].width_m / 2 + params[0].planning_edge_margin_m)


def steering_reach_1pm(params: np.recarray) -> float:
    """The curvature that the largest steering angle gives at walking pace."""
    return float(np.tan(params[0].limits_steer_rad) / params[0].wheelbase_m)


def centre_line(corridor: Corridor, spacing_m: float = GRID_M) -> Line:
    """The centre line itself as a Line."""
    track = corridor.track
    curve = closed_curve(track.x_m, track.y_m, spacing_m)
    return _placed(corridor, curve, carried_stations(track.s_m, curve.knot, track.length_m))


def moved(corridor: Corridor, line: Line, offset_m: Array, spacing_m: float = GRID_M) -> Line:
    """The line through its points moved to the left by ``offset_m``, resampled."""
    x = line.curve.x_m - offset_m * np.sin(line.curve.heading_rad)
    y = line.curve.y_m + offset_m * np.cos(line.curve.heading_rad)
    curve = closed_curve(x, y, spacing_m)
    near = carried_stations(line.stations_m, curve.knot, corridor.track.length_m)
    return _placed(corridor, curve, near)


def _placed(corridor: Corridor, curve: Curve, near_m: Array) -> Line:
    stations = corridor.stations(curve, near_m)
    left, right = corridor.distances(curve, stations, curve.spacing_m / 2)
    return Line(curve, stations, left, right, slope_at(corridor.track, stations))


def room(line: Line, clearance: float) -> tuple[Array, Array]:
    """Bounds on the offsets of a line's points, to the right (negative) and to the left."""
    fan = _NORMALS_MEET / np.maximum(np.abs(line.curve.curvature_1pm), 1e-6)
    low, high = clearance - line.right_m, line.left_m - clearance
    middle = (low + high) / 2  # where resampling has left no room, the middle of the road
    low, high = np.minimum(low, middle), np.maximum(high, middle)
    return np.clip(low, -fan, fan), np.clip(high, -fan, fan)


def reach_rows(bend: Bending, reach_1pm: float) -> tuple[sparse.csc_matrix, Array, Array]:
    """Rows that keep the curvature within the steering's reach, where it comes near it."""
    watched = np.flatnonzero(np.abs(bend.curvature_1pm) > _WATCHED * reach_1pm)
    held, bound = bend.curvature_1pm[watched], _REACH_KEPT * reach_1pm
    # A line beyond the reach is asked to come back half the way: in one go it may not fit.
    low = np.minimum(-bound, (held - bound) / 2) - held
    high = np.maximum(bound, (held + bound) / 2) - held
    return bend.by_curvature[watched], low, high


def breach_m(line: Line, params: np.recarray) -> float:
    """How far the car comes over its margins to the edges; negative where it stays clear."""
    return clearance_m(params) - float(min(line.left_m.min(), line.right_m.min()))


def within_edges(corridor: Corridor, line: Line, params: np.recarray) -> Line:
    """The line brought back between the margins by the least change of curvature.

    Offsets are bounded by the edges as they are seen from the line before, so a line that
    has moved along a bent edge can be centimetres over.
    """
    for _ in range(_RETURNS):
        if breach_m(line, params) < _CLEAR_M:
            break
        bend = bending(line.curve)
        hessian = bend.by_curvature.T @ bend.by_curvature
        low, high = room(line, clearance_m(params))
        offset = minimise(hessian, np.zeros(len(low)), low, high)
        line = moved(corridor, line, offset, line.curve.spacing_m)
    return line


def minimum_curvature(
    corridor: Corridor,
    params: np.recarray,
    progress: Callable[[float], None] | None = None,
) -> Line:
    """The line of least curvature, from the centre line.

    Raises InputError for a track too narrow for the car.
    """
    check_width(corridor.track, params)
    line = centre_line(corridor)
    bend = bending(line.curve)
    for done in range(_ROUNDS):
        before = _bend_sum(bend)
        offset = _least_curvature_offsets(line, bend, params)
        line, bend = _accepted(corridor, line, bend, offset)
        if abs(_bend_sum(bend) - before) < _SETTLED * before:
            break
        if progress is not None:
            progress((done + 1) / _ROUNDS)
    return within_edges(corridor, line, params)


def _least_curvature_offsets(line: Line, bend: Bending, params: np.recarray) -> Array:
    # Of sum(k^2 ds), both factors change: Gauss-Newton on k, and the gradient of ds.
    weighted = sparse.diags(bend.step_m) @ bend.by_curvature
    hessian = 2 * (bend.by_curvature.T @ weighted)
    gradient = 2 * (weighted.T @ bend.curvature_1pm) + bend.by_step.T @ bend.curvature_1pm**2
    low, high = room(line, clearance_m(params))
    return minimise(hessian, gradient, low, high, *reach_rows(bend, steering_reach_1pm(params)))


def _accepted(corridor: Corridor, line: Line, bend: Bending, offset: Array) -> tuple[Line, Bending]:
    """The line moved by the largest share of ``offset`` that does not worsen it."""
    most = _bend_sum(bend) * (1 + _WORSE)
    share = 1.0
    while True:
        trial = moved(corridor, line, share * offset)
        trial_bend = bending(trial.curve)
        if _bend_sum(trial_bend) <= most or share < _SHORTEST_SHARE:
            return trial, trial_bend
        share /= 2


def _bend_sum(bend: Bending) -> float:
    return float(np.sum(bend.curvature_1pm**2 * bend.step_m))
