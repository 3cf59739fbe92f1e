"""Whether a PATH is fit to be driven: every way in which a line can be wrong, by name."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.spatial import cKDTree

from tianyuan.control.errors import InputError
from tianyuan.control.planning.curve import Array, first_crossing
from tianyuan.control.planning.raceline import steering_reach_1pm
from tianyuan.control.planning.track import Track
from tianyuan.control.records import PATH

FEWEST_POINTS = 8
_UNEVEN = 0.05  # of the spacing, that the distance between neighbours may differ
_TURN = 0.05  # heading against the direction of the points, in rad
_SHORTEST_STEP_M = 1e-3

Label = Callable[[int], str]


def check_path(
    path: np.recarray,
    params: np.recarray | None = None,
    track: Track | None = None,
    *,
    name: str = "path",
    label: Label = "point {}".format,
) -> None:
    """Raise InputError for the first thing that makes ``path`` no line to drive.

    Not finite, too few, negative, repeated, uneven, open, headings beside the points' own
    direction, crossing itself; with ``params`` also bends beyond the steering's reach, and
    with ``track`` lines off it or driven the wrong way round. ``label`` names a point by
    its index, such as its line in a file.
    """
    _check_numbers(path, name, label)
    _check_spacing(path, name, label)
    _check_heading(path, name, label)
    crossing = first_crossing(path["x_m"], path["y_m"])
    if crossing is not None:
        raise InputError(
            f"{name}: crosses itself: the step after {label(crossing[0])} meets the step after "
            f"{label(crossing[1])}; put the points in the order of driving"
        )
    if params is not None:
        _check_reach(path, params, name, label)
    if track is not None:
        _check_direction(path, track, name)


def _check_numbers(path: np.recarray, name: str, label: Label) -> None:
    if len(path) < FEWEST_POINTS:
        raise InputError(f"{name}: {len(path)} points: fewer than {FEWEST_POINTS}; plan it anew")
    finite = np.column_stack([np.isfinite(path[field]) for field in PATH.names])
    if not finite.all():
        row, column = (int(k) for k in np.argwhere(~finite)[0])
        field = PATH.names[column]
        raise InputError(
            f"{name}: {label(row)}: {field} = {path[field][row]}: not a finite number; "
            f"plan the line anew"
        )
    for field in ("speed_mps", "left_m", "right_m"):
        bad = np.flatnonzero(path[field] < 0)
        if len(bad):
            raise InputError(
                f"{name}: {label(int(bad[0]))}: {field} = {path[field][bad[0]]:g}: below 0; "
                f"plan the line anew"
            )


def _check_spacing(path: np.recarray, name: str, label: Label) -> None:
    x, y = path["x_m"], path["y_m"]
    step = np.hypot(np.roll(x, -1) - x, np.roll(y, -1) - y)
    repeated = np.flatnonzero(step < _SHORTEST_STEP_M)
    if len(repeated):
        i = int(repeated[0])
        raise InputError(
            f"{name}: {label(i)} and {label((i + 1) % len(x))} are the same point; delete one"
        )
    spacing = float(np.median(step))
    if step[-1] > 2 * spacing:
        raise InputError(
            f"{name}: open: {step[-1]:.2f} m from {label(len(x) - 1)} back to {label(0)}, at a "
            f"spacing of {spacing:.2f} m; give the whole lap, the first point not repeated"
        )
    station = np.abs(np.diff(path["s_m"]) - spacing)
    uneven = np.maximum(np.abs(step - spacing), np.append(station, 0.0)) > _UNEVEN * spacing
    if uneven.any() or abs(path["s_m"][0]) > _UNEVEN * spacing:
        i = int(np.argmax(uneven))
        raise InputError(
            f"{name}: {label(i)}: uneven spacing: {step[i]:.3f} m to the next point, s_m = "
            f"{path['s_m'][i]:.3f}, usually {spacing:.3f} m from 0; resample the line"
        )


def _check_heading(path: np.recarray, name: str, label: Label) -> None:
    x, y = path["x_m"], path["y_m"]
    tangent = np.arctan2(np.roll(y, -1) - np.roll(y, 1), np.roll(x, -1) - np.roll(x, 1))
    off = np.abs(np.angle(np.exp(1j * (path["heading_rad"] - tangent))))
    jump = np.abs(np.diff(path["heading_rad"], prepend=path["heading_rad"][0]))
    for wrong, what in ((off > _TURN, "is beside the points' direction"), (jump > 3, "jumps")):
        if wrong.any():
            i = int(np.argmax(wrong))
            raise InputError(
                f"{name}: {label(i)}: heading_rad = {path['heading_rad'][i]:.4f} {what}, "
                f"{tangent[i]:.4f}; plan the line anew"
            )


def _check_reach(path: np.recarray, params: np.recarray, name: str, label: Label) -> None:
    reach = steering_reach_1pm(params)
    i = int(np.argmax(np.abs(path["curvature_1pm"])))
    curvature = path["curvature_1pm"][i]
    if abs(curvature) > reach:
        raise InputError(
            f"{name}: {label(i)} at station {path['s_m'][i]:.1f} m: curvature "
            f"{curvature:.4f} 1/m: beyond {reach:.4f}, the reach of limits.steer_rad = "
            f"{params[0].limits_steer_rad:g}; widen the bend"
        )


def _check_direction(path: np.recarray, track: Track, name: str) -> None:
    centre = np.column_stack((track.x_m, track.y_m))
    away, near = cKDTree(centre).query(np.column_stack((path["x_m"], path["y_m"])))
    widest = float(max(track.left_m.max(), track.right_m.max())) + track.spacing_m
    if away.max() > widest:
        i = int(np.argmax(away))
        raise InputError(
            f"{name}: station {path['s_m'][i]:.1f} m: {away[i]:.1f} m from the centre line of "
            f"{track.name}, which is at most {widest:.1f} m wide there; use its own line"
        )
    if _agreement(path["heading_rad"], track.heading_rad[near]) < 0:
        raise InputError(
            f"{name}: driven the wrong way round {track.name}; reverse the order of its points"
        )


def _agreement(heading: Array, other: Array) -> float:
    return float(np.mean(np.cos(heading - other)))
