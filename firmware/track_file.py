"""Circuits on disk: our own TOML, and CSV files as TUMFTM publishes them."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.interpolate import CubicSpline

from tianyuan.control.errors import InputError
from tianyuan.control.planning.curve import Array
from tianyuan.control.planning.layout import closed_layout
from tianyuan.control.planning.track import Track, from_points

_CSV_FIELDS = ("x_m", "y_m", "right_m", "left_m")
_KEYS = {"name", "source", "start", "curvature", "left_m", "right_m", "widths", "elevation", "bank"}
_START = ("x_m", "y_m", "heading_deg")
_STEEPEST_DEG = 45.0
_KNOT_M = 1.0  # between the points that a layout hands to the track's spline


def load_track(path: str | Path) -> Track:
    """The Track in a file: our own TOML, or a CSV ``x_m,y_m,w_tr_right_m,w_tr_left_m``.

    The TOML holds ``name``, ``source``, ``start = {x_m, y_m, heading_deg}``, ``curvature``
    (rows of station m and curvature 1/m, linear between, from 0 to the length of the lap),
    either ``left_m`` and ``right_m`` or ``widths`` (rows of station, left, right), and at
    will ``elevation`` (rows of station and height m) and ``bank`` (rows of station and degrees,
    positive when the left is higher, linear between). Raises InputError, of one line that
    names file, line or key, value and remedy, for whatever makes it no circuit.
    """
    path = Path(path)
    readers = {".toml": _from_toml, ".csv": _from_csv}
    if path.suffix.lower() not in readers:
        raise InputError(f"{path}: a track file ends in .toml or .csv; rename or convert it")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"{path}: no such track file; check its name and folder") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as text: {error}; check the file") from None
    return readers[path.suffix.lower()](path, text)


def _from_csv(path: Path, text: str) -> Track:
    rows, numbers = [], []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            rows.append(_csv_row(path.name, number, line))
            numbers.append(number)
    if not rows:
        raise InputError(f"{path.name}: no points; give rows of {','.join(_CSV_FIELDS)}")
    x, y, right, left = np.array(rows).T
    return from_points(path.name, x, y, left, right, label=lambda i: f"line {numbers[i]}")


def _csv_row(name: str, number: int, line: str) -> list[float]:
    cells = line.split(",")
    if len(cells) != len(_CSV_FIELDS):
        raise InputError(
            f"{name}: line {number}: {len(cells)} values, not 4; write "
            f"x_m,y_m,w_tr_right_m,w_tr_left_m"
        )
    try:
        return [float(cell) for cell in cells]
    except ValueError:
        raise InputError(
            f"{name}: line {number}: {line.strip()[:60]!r}: not four numbers; a heading needs a "
            f"leading #"
        ) from None


def _from_toml(path: Path, text: str) -> Track:
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path.name}: not TOML: {error}; correct that place") from None
    return _Layout(path.name, table).track()


class _Layout:
    """The checked reading of one TOML table."""

    def __init__(self, file: str, table: dict[str, Any]) -> None:
        self.file, self.table = file, table
        for key in table:
            if key not in _KEYS:
                raise self.error(key, "unknown key", f"use {', '.join(sorted(_KEYS))}")

    def error(self, key: str, what: str, remedy: str) -> InputError:
        return InputError(f"{self.file}: {key}: {what}; {remedy}")

    def track(self) -> Track:
        curvature = self.knots("curvature", 2)
        length = float(curvature[-1, 0])
        s, x, y = closed_layout(self.file, curvature[:, 0], curvature[:, 1], self.start())
        every = max(1, round(_KNOT_M / s[1]))
        s, x, y = s[::every], x[::every], y[::every]
        left, right = self.widths(s, length)
        slope = self.slope(s, length)
        name = self.table.get("name", self.file)
        if not isinstance(name, str):
            raise self.error("name", f"{name!r} is no text", "put it in quotation marks")
        track = from_points(
            self.file,
            x,
            y,
            left,
            right,
            slope,
            self.bank(s, length),
            label=lambda i: f"station {s[i]:.1f} m",
        )
        return replace(track, name=name)

    def number(self, value: Any, key: str) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.error(key, f"{value!r} is no number", "give a number")
        if not np.isfinite(value):
            raise self.error(key, f"{value} is not finite", "give a finite number")
        return float(value)

    def start(self) -> tuple[float, float, float]:
        start = self.table.get("start", dict.fromkeys(_START, 0.0))
        if not isinstance(start, dict) or set(start) != set(_START):
            raise self.error("start", f"{start!r}", f"give {', '.join(_START)}")
        x, y, heading = (self.number(start[key], f"start.{key}") for key in _START)
        return x, y, float(np.radians(heading))

    def knots(self, key: str, columns: int) -> Array:
        rows = self.table.get(key)
        if not isinstance(rows, list) or len(rows) < 2:
            raise self.error(key, "missing or of fewer than two rows", "give [station, ...] rows")
        values = []
        for i, row in enumerate(rows):
            if not isinstance(row, list) or len(row) != columns:
                raise self.error(f"{key}[{i}]", f"{row!r}", f"give {columns} numbers")
            values.append([self.number(value, f"{key}[{i}]") for value in row])
        knots = np.array(values)
        if knots[0, 0] != 0.0:
            raise self.error(f"{key}[0]", f"station {knots[0, 0]:g}", "begin at station 0")
        falling = np.flatnonzero(np.diff(knots[:, 0]) <= 0)
        if len(falling):
            i = int(falling[0]) + 1
            raise self.error(
                f"{key}[{i}]", f"station {knots[i, 0]:g} does not rise", "put stations in order"
            )
        return knots

    def ring(self, key: str, columns: int, length: float) -> Array:
        """Knots whose last row, if it lies before the end of the lap, leads to the first."""
        knots = self.knots(key, columns)
        if knots[-1, 0] > length:
            i = len(knots) - 1
            raise self.error(
                f"{key}[{i}]", f"station {knots[-1, 0]:g} beyond the lap", f"end by {length:g}"
            )
        if knots[-1, 0] < length:
            return np.vstack((knots, [[length, *knots[0, 1:]]]))
        if not np.array_equal(knots[-1, 1:], knots[0, 1:]):
            raise self.error(
                f"{key}[{len(knots) - 1}]", "differs from the start of the lap", "make them equal"
            )
        return knots

    def widths(self, s: Array, length: float) -> tuple[Array, Array]:
        if "widths" in self.table:
            if "left_m" in self.table or "right_m" in self.table:
                raise self.error("widths", "given along with left_m or right_m", "delete either")
            knots = self.ring("widths", 3, length)
            return np.interp(s, *knots[:, :2].T), np.interp(s, knots[:, 0], knots[:, 2])
        for side in ("left_m", "right_m"):
            if side not in self.table:
                raise self.error(side, "missing", "give left_m and right_m, or widths")
        left, right = (self.number(self.table[side], side) for side in ("left_m", "right_m"))
        return np.full_like(s, left), np.full_like(s, right)

    def slope(self, s: Array, length: float) -> Array | None:
        if "elevation" not in self.table:
            return None
        knots = self.ring("elevation", 2, length)
        return np.arctan(CubicSpline(*knots.T, bc_type="periodic")(s, 1))

    def bank(self, s: Array, length: float) -> Array | None:
        if "bank" not in self.table:
            return None
        knots = self.ring("bank", 2, length)
        if (np.abs(knots[:, 1]) > _STEEPEST_DEG).any():
            i = int(np.argmax(np.abs(knots[:, 1])))
            raise self.error(f"bank[{i}]", f"{knots[i, 1]:g} degrees", f"at most {_STEEPEST_DEG:g}")
        return np.radians(np.interp(s, *knots.T))
