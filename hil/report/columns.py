"""Telemetry by distance: every lap on one grid of stations, small enough for a page.

One grid for all laps makes comparing them, and finding the values under a cursor, a matter
of one index. A column is whole numbers, each a value times a power of ten, because that
packs best; a gap is None, never NaN, which JSON does not know.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from tianyuan.hil.report.geometry import length_m, rotate

POINTS: Final = 1801
G_MPS2: Final = 9.80665
DEGREES: Final = 180.0 / np.pi


class Channel(NamedTuple):
    """A column of the page, from a field of TELEMETRY."""

    name: str
    source: str
    factor: float  # to what people read
    digits: int
    keep: str = "value"  # or the "peak" or "low" of the rows around, or "step"


CHANNELS: Final = (
    Channel("time", "t_s", 1.0, 3),
    Channel("x", "x_m", 1.0, 2),
    Channel("y", "y_m", 1.0, 2),
    Channel("speed", "speed_mps", 3.6, 1),
    Channel("target", "target_mps", 3.6, 1),
    Channel("ax", "ax_mps2", 1.0 / G_MPS2, 3),
    Channel("ay", "ay_mps2", 1.0 / G_MPS2, 3),
    Channel("cross_track", "cross_track_m", 1.0, 3, "peak"),
    Channel("heading_error", "heading_error_rad", DEGREES, 2, "peak"),
    Channel("edge_margin", "edge_margin_m", 1.0, 2, "low"),
    Channel("position_error", "position_error_m", 1.0, 3, "peak"),
    Channel("steer_command", "steer_command_rad", DEGREES, 2),
    Channel("steer", "steer_rad", DEGREES, 2),
    Channel("throttle_command", "throttle_command", 100.0, 1),
    Channel("throttle", "throttle", 100.0, 1),
    Channel("brake_command", "brake_command_bar", 1.0, 1),
    Channel("brake", "brake_bar", 1.0, 1),
    Channel("gear", "gear", 1.0, 0, "step"),
    Channel("engine", "engine_speed_radps", 30.0 / np.pi, 0),
)
DIGITS: Final = {channel.name: channel.digits for channel in CHANNELS}


def grid_m(path: np.ndarray) -> np.ndarray:
    """Return the POINTS stations of every column, from 0 to the lap's length."""
    return np.linspace(0.0, length_m(path), POINTS)


def lap_values(telemetry: np.ndarray, path: np.ndarray, lap: int) -> dict[str, np.ndarray]:
    """Return lap ``lap`` on the grid, in the units of CHANNELS, NaN where it was not driven.

    Time counts from the line, or from where a lap that began elsewhere began.
    """
    rows, station_m = _rows(telemetry, length_m(path), lap)
    grid = grid_m(path)
    columns = {
        c.name: _on_grid(grid, station_m, rows[c.source] * c.factor, c.keep) for c in CHANNELS
    }
    begun = np.flatnonzero(np.isfinite(columns["time"]))
    if len(begun):
        columns["time"] -= columns["time"][begun[0]]
    return columns


def packed(values: dict[str, np.ndarray], turn_rad: float) -> dict[str, list[int | None]]:
    """Return a lap's columns as the page reads them, its plan turned by ``turn_rad``."""
    x, y = rotate(values["x"], values["y"], turn_rad)
    turned = values | {"x": x, "y": y}
    return {name: whole(column, DIGITS[name]) for name, column in turned.items()}


def whole(values: np.ndarray, digits: int) -> list[int | None]:
    """Return ``values`` times ten to the ``digits`` as whole numbers, None where not finite."""
    scaled = np.asarray(values, float) * 10.0**digits
    finite = np.isfinite(scaled)
    rounded = np.rint(np.where(finite, scaled, 0.0)).astype(np.int64)
    return [v if ok else None for v, ok in zip(rounded.tolist(), finite.tolist(), strict=True)]


def _rows(telemetry: np.ndarray, length: float, lap: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the lap's rows and one from each neighbour, with stations that never fall."""
    known = telemetry[np.isfinite(telemetry["station_m"])]
    inside = np.flatnonzero(known["lap"] == lap)
    begin, end = int(inside[0]), int(inside[-1]) + 1
    first, last = max(begin - 1, 0), min(end + 1, len(known))
    rows = known[first:last]
    # A car may stand behind the line when its first lap begins. So unwrap, and let the
    # lap's own last row, which is never over the line, say which turn it is on.
    station_m = np.unwrap(rows["station_m"].astype(float), period=length)
    own = end - 1 - first
    station_m += rows["station_m"][own] - station_m[own]
    return rows, np.maximum.accumulate(station_m)


def _on_grid(grid: np.ndarray, station_m: np.ndarray, values: np.ndarray, keep: str) -> np.ndarray:
    """Return ``values`` at the grid's stations, NaN outside the rows' stations."""
    if keep == "step":
        before = np.clip(np.searchsorted(station_m, grid, "right") - 1, 0, len(values) - 1)
        outside = (grid < station_m[0]) | (grid > station_m[-1])
        return np.where(outside, np.nan, values[before])
    column = np.interp(grid, station_m, values, np.nan, np.nan)
    if keep == "value":
        return column
    rank = np.abs if keep == "peak" else np.negative
    extremes = _extremes(grid, station_m, values, rank)
    drawn = np.pad(rank(column), 1, constant_values=-np.inf)
    around = np.fmax(np.fmax(drawn[:-2], drawn[2:]), drawn[1:-1])
    return np.where(rank(extremes) > around, extremes, column)


def _extremes(
    grid: np.ndarray, station_m: np.ndarray, values: np.ndarray, rank: np.ufunc
) -> np.ndarray:
    """Return, for each grid point, the highest-ranking row nearest to it, NaN without one."""
    own = np.flatnonzero((station_m >= grid[0]) & (station_m <= grid[-1]) & np.isfinite(values))
    order = own[np.argsort(rank(values[own]), kind="stable")]
    found = np.full(len(grid), np.nan)
    # Of several rows in one cell the last one written stays.
    found[np.rint(station_m[order] / (grid[1] - grid[0])).astype(np.int64)] = values[order]
    return found
