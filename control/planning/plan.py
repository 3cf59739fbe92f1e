"""From a track and a car to the line to drive: the one entry point of planning."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tianyuan.control.planning.check import check_path
from tianyuan.control.planning.corridor import Corridor, bank_at
from tianyuan.control.planning.drive_force import force_table
from tianyuan.control.planning.fastest_line import fastest_line
from tianyuan.control.planning.raceline import Line, minimum_curvature, moved
from tianyuan.control.planning.slip_map import fill_slip_map
from tianyuan.control.planning.speed_profile import SpeedProfile, speed_profile
from tianyuan.control.planning.track import Track
from tianyuan.control.records import path as new_path

Progress = Callable[[float], None] | None

_SMOOTHING = 0.3  # of the time, for the line of least curvature


@dataclass(frozen=True)
class Plan:
    """A PATH (n,), its length and spacing, and the lap time that it predicts."""

    path: np.recarray
    length_m: float
    spacing_m: float
    predicted_lap_s: float


def plan(track: Track, params: np.recarray, progress: Progress = None) -> Plan:
    """The fastest line around ``track`` and its speed profile, for the car of ``params``.

    Never slower, as predicted, than the line of least curvature.

    ``progress`` is told the share of the work done, from 0 to 1. Raises InputError for a
    track too narrow for the car or too tight for its steering.
    """
    params = params.copy()
    fill_slip_map(params)  # the profile knows the drag of steered tyres
    corridor = Corridor.of(track)
    smooth = minimum_curvature(corridor, params, _part(progress, 0.0, _SMOOTHING))
    force = force_table(params)
    fast = fastest_line(corridor, smooth, params, force, _part(progress, _SMOOTHING, 1.0))
    # Sought on a coarser grid than is driven: the finer one has the last word.
    plans = [planned(corridor, line, params) for line in (fast, smooth)]
    best = min(plans, key=lambda plan: plan.predicted_lap_s)
    check_path(best.path, params, track, name=track.name)
    if progress is not None:
        progress(1.0)
    return best


def _part(progress: Progress, start: float, end: float) -> Progress:
    """A progress hook for a part of the work, from one share of the whole to another."""
    if progress is None:
        return None
    return lambda share: progress(start + share * (end - start))


def planned(corridor: Corridor, line: Line, params: np.recarray) -> Plan:
    """The Plan that follows ``line``, at the spacing of PARAMS, not yet checked."""
    line = moved(corridor, line, np.zeros_like(line.left_m), params[0].planning_spacing_m)
    curve = line.curve
    profile = speed_profile(params, curve.curvature_1pm, line.slope_rad, curve.spacing_m)
    path = _path(line, profile)
    path["left_m"], path["right_m"] = corridor.distances(curve, line.stations_m)
    path["bank_rad"] = bank_at(corridor.track, line.stations_m)
    return Plan(path, curve.length_m, curve.spacing_m, profile.lap_s)


def _path(line: Line, profile: SpeedProfile) -> np.recarray:
    path = new_path(len(line.left_m))
    for field in ("s_m", "x_m", "y_m", "heading_rad", "curvature_1pm"):
        path[field] = getattr(line.curve, field)
    path["slope_rad"] = line.slope_rad
    path["speed_mps"], path["accel_mps2"] = profile.speed_mps, profile.accel_mps2
    return path
