"""From a track and a car to the line to drive: the one entry point of planning."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from tianyuan.control.planning.check import check_path
from tianyuan.control.planning.corridor import Corridor
from tianyuan.control.planning.raceline import Line, minimum_curvature, moved
from tianyuan.control.planning.speed_profile import SpeedProfile, speed_profile
from tianyuan.control.planning.track import Track
from tianyuan.control.records import path as new_path


@dataclass(frozen=True)
class Plan:
    """A checked PATH (n,), its length and spacing, and the lap time that it predicts."""

    path: np.recarray
    length_m: float
    spacing_m: float
    predicted_lap_s: float


def plan(
    track: Track, params: np.recarray, progress: Callable[[float], None] | None = None
) -> Plan:
    """The racing line around ``track`` and its speed profile, for the car of ``params``.

    ``progress`` is told the share of the work done, from 0 to 1. Raises InputError for a
    track too narrow for the car or too tight for its steering.
    """
    corridor = Corridor.of(track)
    return planned(corridor, minimum_curvature(corridor, params, progress), params)


def planned(corridor: Corridor, line: Line, params: np.recarray) -> Plan:
    """The Plan that follows ``line``, at the spacing of PARAMS."""
    line = moved(corridor, line, np.zeros_like(line.left_m), params[0].planning_spacing_m)
    curve = line.curve
    profile = speed_profile(params, curve.curvature_1pm, line.slope_rad, curve.spacing_m)
    path = _path(line, profile)
    check_path(path, params, corridor.track, name=corridor.track.name)
    return Plan(path, curve.length_m, curve.spacing_m, profile.lap_s)


def _path(line: Line, profile: SpeedProfile) -> np.recarray:
    path = new_path(len(line.left_m))
    for field in ("s_m", "x_m", "y_m", "heading_rad", "curvature_1pm"):
        path[field] = getattr(line.curve, field)
    for field in ("slope_rad", "left_m", "right_m"):
        path[field] = getattr(line, field)
    path["speed_mps"], path["accel_mps2"] = profile.speed_mps, profile.accel_mps2
    return path
