"""The shipped car's parameters, and lines to follow whose geometry is known in closed form."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import tianyuan.firmware
from tianyuan.control.planning.slip_map import fill_slip_map
from tianyuan.control.records import GROUPS, SENSORS, Controller, Permit, path, record
from tianyuan.firmware.car_file import load_car, params_of

CAR_FILE = Path(tianyuan.firmware.__file__).parent / "cars" / "tianyuan.toml"
PERIOD_S = 0.005

Segment = tuple[float, float]


@pytest.fixture(scope="session")
def new_params() -> Callable[..., np.recarray]:
    """Makes PARAMS of the shipped car, for a line if one is given; keywords change fields."""
    car = load_car(CAR_FILE)

    def make(line=None, controller=Controller.STANLEY, **changes: float) -> np.recarray:
        params = params_of(car, controller, PERIOD_S)
        fill_slip_map(params)
        if line is not None:
            params[0].path_spacing_m = line.s_m[1]
            params[0].path_length_m = line.s_m[1] * line.size
        for name, value in changes.items():
            params[0][name] = value
        return params

    return make


@pytest.fixture(scope="session")
def new_line() -> Callable[..., np.recarray]:
    """Makes a PATH of segments ``(length_m, curvature_1pm)`` that close; equal spacing."""

    def make(*segments: Segment, spacing_m=1.0, speed_mps=30.0, heading_rad=0.0) -> np.recarray:
        length_m = sum(segment[0] for segment in segments)
        line = path(round(length_m / spacing_m))
        line.s_m = np.arange(line.size) * length_m / line.size
        line.speed_mps = speed_mps
        line.left_m = line.right_m = 5.0
        pose, begin_m = (0.0, 0.0, heading_rad), 0.0
        for segment_m, curvature in segments:
            inside = (line.s_m >= begin_m - 1e-9) & (line.s_m < begin_m + segment_m - 1e-9)
            line.x_m[inside], line.y_m[inside], line.heading_rad[inside] = along(
                pose, curvature, line.s_m[inside] - begin_m
            )
            line.curvature_1pm[inside] = curvature
            pose, begin_m = along(pose, curvature, segment_m), begin_m + segment_m
        assert math.hypot(pose[0], pose[1]) < 1e-6, "the segments do not close"
        return line

    return make


def along(pose, curvature_1pm, distance_m):
    """Pose after driving an arc; the chord of an arc points along its middle."""
    x_m, y_m, heading_rad = pose
    turn = curvature_1pm * distance_m
    chord = distance_m * np.sinc(turn / (2 * np.pi))
    middle = heading_rad + 0.5 * turn
    return x_m + chord * np.cos(middle), y_m + chord * np.sin(middle), heading_rad + turn


@pytest.fixture(scope="session")
def circle(new_line) -> Callable[..., np.recarray]:
    """Makes a circle of a radius, from the origin along ``heading_rad``; to the left, or right."""

    def make(radius_m: float, left=True, **options: float) -> np.recarray:
        curvature = 1 / radius_m if left else -1 / radius_m
        return new_line((2 * math.pi * radius_m, curvature), **options)

    return make


@pytest.fixture(scope="session")
def oval(new_line) -> Callable[..., np.recarray]:
    r"""Makes two straights joined by half circles, driven anticlockwise.

    ::

          .----------<-----------.
         (                        )   radius
          '--o------->-----------'
             start   straight
    """

    def make(straight_m=600.0, radius_m=60.0, **options: float) -> np.recarray:
        half = (math.pi * radius_m, 1 / radius_m)
        return new_line(
            (straight_m / 2, 0.0), half, (straight_m, 0.0), half, (straight_m / 2, 0.0), **options
        )

    return make


@pytest.fixture(scope="session")
def mirrored() -> Callable[[np.recarray], np.recarray]:
    """Makes the line seen in a mirror along the x axis."""

    def make(line: np.recarray) -> np.recarray:
        other = line.copy()
        for name in ("y_m", "heading_rad", "curvature_1pm"):
            other[name] *= -1.0
        other.left_m, other.right_m = line.right_m, line.left_m
        return other

    return make


@pytest.fixture(scope="session")
def healthy() -> Callable[..., np.recarray]:
    """Makes SENSORS in which everything is heard, good and at rest; keywords change fields."""

    def make(t_ns: int, **changes: float) -> np.recarray:
        sensors = record(SENSORS)
        m = sensors[0]
        for group in GROUPS:
            m[f"{group}_t_ns"] = t_ns
        m.gnss_quality = m.gnss_heading_quality = 4.0
        m.permit = Permit.GRANTED
        for name, value in changes.items():
            m[name] = value
        return sensors

    return make
