"""The road all around the track: slope and bank, and a map of what it grips.

The map is laid along the racing line: stations in m from its first point, and metres to the
left of it. Each wheel is looked up for itself, so a car can have its left wheels on a wet
patch and its right ones on the dry.
"""

from __future__ import annotations

import math
from typing import Annotated, Final, NamedTuple, Self

import numpy as np
from pydantic import Field, model_validator

from tianyuan.control.geometry import wrap
from tianyuan.control.kernels import kernel
from tianyuan.control.projection import heading_at
from tianyuan.hil.plant.tables import Table
from tianyuan.hil.sensors.receiver import Outage

Grip = Annotated[float, Field(ge=0.02, le=2)]
ANYWHERE_M: Final = 1000.0

SURFACE: Final = np.dtype(
    [
        ("friction", "f8"),
        ("dry_half_m", "f8"),  # half the width of a drying line, 0 for none
        ("dry_friction", "f8"),
        ("wind_x_mps", "f8"),
        ("wind_y_mps", "f8"),
    ]
)
PATCH: Final = np.dtype(
    [(name, "f8") for name in ("from_m", "to_m", "right_m", "left_m", "friction")]
)


class Patch(Table):
    """Part of the track that grips otherwise: where a kerb is painted, where water stands.

    ``from_m`` and ``to_m`` are stations, and one that ends before it begins goes over the
    finish. ``right_m`` to ``left_m`` is across, positive to the left of the racing line.
    """

    from_m: Annotated[float, Field(ge=0)]
    to_m: Annotated[float, Field(ge=0)]
    right_m: float = -ANYWHERE_M
    left_m: float = ANYWHERE_M
    friction: Grip

    @model_validator(mode="after")
    def _the_right_is_right_of_the_left(self) -> Self:
        if self.right_m >= self.left_m:
            raise ValueError(f"right_m = {self.right_m} must be below left_m = {self.left_m}")
        return self


class DryingLine(Table):
    """What the cars have driven dry: a band of ``half_width_m`` to each side of the line."""

    half_width_m: Annotated[float, Field(gt=0)]
    friction: Grip


class Conditions(Table):
    """Friction as a factor on the tyres' peaks, 1 when dry; the wind.

    ``friction`` holds all over the track, a drying line overrides it, and each patch what is
    before it. ``wind_from_deg`` is the direction the wind comes from: 0 from north, the
    map's y, 90 from east, its x. ``outages`` are where satellites are hidden.
    """

    friction: Grip = 1.0
    patches: tuple[Patch, ...] = ()
    drying_line: DryingLine | None = None
    wind_mps: Annotated[float, Field(ge=0, le=60)] = 0.0
    wind_from_deg: float = 0.0
    outages: tuple[Outage, ...] = ()


class Ground(NamedTuple):
    """The road under a line of n points, and its m patches."""

    surface: np.recarray  # (1,) SURFACE
    patches: np.recarray  # (m,) PATCH
    hollow_1pm: np.ndarray  # (n,) curvature of the surface along the line


def ground_of(path: np.recarray, conditions: Conditions) -> Ground:
    """The Ground under PATH ``path`` (n,)."""
    surface = np.zeros(1, SURFACE).view(np.recarray)
    surface.friction = conditions.friction
    if conditions.drying_line is not None:
        surface.dry_half_m = conditions.drying_line.half_width_m
        surface.dry_friction = conditions.drying_line.friction
    towards = math.radians(conditions.wind_from_deg + 180.0)
    surface.wind_x_mps = conditions.wind_mps * math.sin(towards)
    surface.wind_y_mps = conditions.wind_mps * math.cos(towards)
    patches = np.zeros(len(conditions.patches), PATCH).view(np.recarray)
    for row, patch in zip(patches, conditions.patches, strict=True):
        for name, value in patch.fields().items():
            row[name] = value
    slope, spacing_m = path.slope_rad, path.s_m[1] - path.s_m[0]
    hollow = (np.roll(slope, -1) - np.roll(slope, 1)) / (2.0 * spacing_m)
    # A road that banks into its bend is a bowl: v^2 times curvature has a part across it, and
    # this one down into it.
    return Ground(surface, patches, hollow - path.curvature_1pm * np.sin(path.bank_rad))


@kernel
def friction_at(ground, station_m, across_m):
    """The road's factor on friction at a station, ``across_m`` left of the line."""
    g = ground.surface[0]
    friction = g.dry_friction if abs(across_m) < g.dry_half_m else g.friction
    for k in range(ground.patches.size):
        patch = ground.patches[k]
        if patch.from_m <= patch.to_m:
            along = patch.from_m <= station_m < patch.to_m
        else:
            along = station_m >= patch.from_m or station_m < patch.to_m
        if along and patch.right_m <= across_m < patch.left_m:
            friction = patch.friction
    return friction


@kernel
def _wheels(ground, plant, station_m, length_m, across_m, cos_error, sin_error, road):
    """Look up the four wheels of a car that stands askew to the line by the heading error."""
    p, r = plant[0], road[0]
    for i in range(4):
        if i < 2:
            ahead, left = p.chassis_front_axle_m, 0.5 * p.chassis_front_track_m
        else:
            ahead = p.chassis_front_axle_m - p.chassis_wheelbase_m
            left = 0.5 * p.chassis_rear_track_m
        if i % 2 == 1:
            left = -left
        at_m = station_m + ahead * cos_error - left * sin_error
        at_m -= length_m * math.floor(at_m / length_m)
        r.friction[i] = friction_at(ground, at_m, across_m + ahead * sin_error + left * cos_error)


@kernel
def look(ground, path, plant, state, index, share, across_m, road):
    """Fill ROAD for a car whose foot on the line is ``index`` and ``share``."""
    s, r, g = state[0], road[0], ground.surface[0]
    slope, bank = path[index].slope_rad, path[index].bank_rad
    mapped = ground.patches.size > 0 or g.dry_half_m > 0.0
    r.wind_x_mps, r.wind_y_mps = g.wind_x_mps, g.wind_y_mps
    r.hollow_1pm = ground.hollow_1pm[index]
    r.slope_rad = r.bank_rad = 0.0
    for i in range(4):
        r.friction[i] = g.friction
    if slope == 0.0 and bank == 0.0 and not mapped:
        return
    error = wrap(s.heading_rad - heading_at(path, index, share))
    cos_error, sin_error = math.cos(error), math.sin(error)
    r.slope_rad = slope * cos_error + bank * sin_error
    r.bank_rad = bank * cos_error - slope * sin_error
    if mapped:
        spacing_m = path[1].s_m - path[0].s_m
        station_m, length_m = (index + share) * spacing_m, path.size * spacing_m
        _wheels(ground, plant, station_m, length_m, across_m, cos_error, sin_error, road)
