"""A circuit as the planner sees it: a closed centre line with its edges and its slope."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline

from tianyuan.control.errors import InputError
from tianyuan.control.planning.curve import Array, closed_curve, first_crossing, over_ring

SPACING_M = 2.0
FEWEST_POINTS = 8
_SHORTEST_STEP_M = 1e-3
_WIDEST_GAP = 10.0  # steps of median length between the last point and the first
_INSIDE_TURN = 0.9  # an edge nearer than this share to the centre of the bend folds over


@dataclass(frozen=True)
class Track:
    """Centre line at equal spacing, the first point not repeated; arrays of shape (n,).

    Headings are unwrapped, curvature is positive to the left, widths are measured from
    the centre line along its normal, slope is positive uphill, bank when the left is higher.
    """

    name: str
    length_m: float
    spacing_m: float
    s_m: Array
    x_m: Array
    y_m: Array
    heading_rad: Array
    curvature_1pm: Array
    left_m: Array
    right_m: Array
    slope_rad: Array
    bank_rad: Array

    @property
    def turns(self) -> int:
        """+1 anticlockwise, -1 clockwise."""
        area = np.sum(self.x_m * np.roll(self.y_m, -1) - self.y_m * np.roll(self.x_m, -1))
        return 1 if area > 0 else -1


def from_points(
    name: str,
    x_m: Array,
    y_m: Array,
    left_m: Array,
    right_m: Array,
    slope_rad: Array | None = None,
    bank_rad: Array | None = None,
    *,
    spacing_m: float = SPACING_M,
    label: Callable[[int], str] = "point {}".format,
) -> Track:
    """A Track through the points (n,) of a closed centre line, the last not the first.

    ``label`` names a point by its index in errors, such as its line in a file. Raises
    InputError for values that are not finite, repeated points, negative widths, too few
    points, an open loop and a line that crosses itself.
    """
    columns = {"x_m": x_m, "y_m": y_m, "left_m": left_m, "right_m": right_m}
    surface = {"slope_rad": slope_rad, "bank_rad": bank_rad}
    columns |= {key: values for key, values in surface.items() if values is not None}
    check_points(name, columns, label)
    curve = closed_curve(x_m, y_m, spacing_m)
    left, right = over_ring(left_m, curve.knot), over_ring(right_m, curve.knot)
    slope, bank = (
        np.zeros_like(left) if values is None else over_ring(values, curve.knot)
        for values in surface.values()
    )
    bend = np.maximum(np.abs(curve.curvature_1pm), 1e-9)
    inside = _INSIDE_TURN / bend
    return Track(
        name=name,
        length_m=curve.length_m,
        spacing_m=curve.spacing_m,
        s_m=curve.s_m,
        x_m=curve.x_m,
        y_m=curve.y_m,
        heading_rad=curve.heading_rad,
        curvature_1pm=curve.curvature_1pm,
        left_m=np.where(curve.curvature_1pm > 0, np.minimum(left, inside), left),
        right_m=np.where(curve.curvature_1pm < 0, np.minimum(right, inside), right),
        slope_rad=slope,
        bank_rad=bank,
    )


def check_points(name: str, columns: dict[str, Array], label: Callable[[int], str]) -> None:
    """Raise InputError for the first thing that makes ``columns`` no closed centre line."""
    x, y = columns["x_m"], columns["y_m"]
    for column, values in columns.items():
        bad = np.flatnonzero(~np.isfinite(values))
        if len(bad):
            raise InputError(
                f"{name}: {label(int(bad[0]))}: {column} = {values[bad[0]]}: not a finite number; "
                f"correct or delete it"
            )
    for column in ("left_m", "right_m"):
        bad = np.flatnonzero(columns[column] < 0)
        if len(bad):
            raise InputError(
                f"{name}: {label(int(bad[0]))}: width {column} = {columns[column][bad[0]]:g}: "
                f"negative; give metres from the centre line to the edge"
            )
    if len(x) < FEWEST_POINTS:
        raise InputError(
            f"{name}: {len(x)} points: fewer than {FEWEST_POINTS}; give the whole centre line"
        )
    _check_loop(name, x, y, label)


def _check_loop(name: str, x: Array, y: Array, label: Callable[[int], str]) -> None:
    step = np.hypot(np.roll(x, -1) - x, np.roll(y, -1) - y)
    repeated = np.flatnonzero(step < _SHORTEST_STEP_M)
    if len(repeated):
        again = (int(repeated[0]) + 1) % len(x)
        last = len(x) - 1 if again == 0 else again
        raise InputError(
            f"{name}: {label(last)}: repeats {label(0 if again == 0 else again - 1)} "
            f"at ({x[again]:.3f}, {y[again]:.3f}); delete one of the two"
        )
    typical = float(np.median(step))
    if step[-1] > _WIDEST_GAP * typical:
        raise InputError(
            f"{name}: open loop: {step[-1]:.1f} m from {label(len(x) - 1)} back to {label(0)}, "
            f"where steps are {typical:.1f} m; give the points of the whole lap"
        )
    crossing = first_crossing(x, y)
    if crossing is not None:
        first, second = (label(k) for k in crossing)
        raise InputError(
            f"{name}: crosses itself: the step after {first} meets the step after {second}; "
            f"put the points in the order of driving"
        )


def frenet_to_cartesian(track: Track, s_m: Array, offset_m: Array) -> tuple[Array, Array]:
    """Points ``offset_m`` left of the centre line at stations ``s_m``; returns x, y."""
    stations = np.append(track.s_m, track.length_m)
    ring = np.column_stack((track.x_m, track.y_m))
    spline = CubicSpline(stations, np.vstack((ring, ring[:1])), bc_type="periodic")
    s = np.mod(s_m, track.length_m)
    tangent = spline(s, 1)
    tangent /= np.hypot(*tangent.T)[:, None]
    x, y = spline(s).T
    return x - offset_m * tangent[:, 1], y + offset_m * tangent[:, 0]


def edges(track: Track, spacing_m: float = 0.5) -> tuple[Array, Array]:
    """The left and the right edge as closed polygons (m, 2) about ``spacing_m`` apart."""
    count = int(np.ceil(track.length_m / spacing_m))
    s = np.linspace(0.0, track.length_m, count, endpoint=False)
    knot = s / track.spacing_m
    left = frenet_to_cartesian(track, s, over_ring(track.left_m, knot))
    right = frenet_to_cartesian(track, s, -over_ring(track.right_m, knot))
    return np.column_stack(left), np.column_stack(right)
