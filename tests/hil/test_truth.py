"""Where the car really is, against geometry done the slow way."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tianyuan.control import records
from tianyuan.control.parameters import PARAMS
from tianyuan.control.records import record
from tianyuan.hil import truth

FRONT_M, BASE_M, WIDTH_M = 1.156, 2.579, 1.61
LEFT_M, RIGHT_M = 4.0, 6.0
POSE = np.dtype([(name, "f8") for name in ("x_m", "y_m", "heading_rad")])


def circle(radius_m: float) -> np.recarray:
    """A line that is a circle about the origin: to the left for a positive radius."""
    count = round(2 * math.pi * abs(radius_m) / 0.5)
    angle = 2 * np.pi * np.arange(count) / count
    path = records.path(count)
    path.s_m = angle * abs(radius_m)
    turn = math.copysign(1.0, radius_m)
    path.heading_rad, path.curvature_1pm = turn * angle, 1 / radius_m
    path.x_m, path.y_m = abs(radius_m) * np.sin(angle), -radius_m * np.cos(angle)
    path.left_m, path.right_m = LEFT_M, RIGHT_M
    return path


def params_for(path):
    params = record(PARAMS)
    params.front_axle_m, params.wheelbase_m, params.width_m = FRONT_M, BASE_M, WIDTH_M
    params.path_spacing_m = path.s_m[1]
    return params


def wheels(x_m: float, y_m: float, heading_rad: float) -> list[tuple[float, float]]:
    """Outsides of the four wheels."""
    c, s = math.cos(heading_rad), math.sin(heading_rad)
    return [
        (x_m + along * c - across * s, y_m + along * s + across * c)
        for along in (FRONT_M, FRONT_M - BASE_M)
        for across in (WIDTH_M / 2, -WIDTH_M / 2)
    ]


def exact_margin_m(radius_m: float, pose) -> float:
    """Between two concentric circles: each wheel's distance from the centre says all."""
    margins = []
    for x, y in wheels(*pose):
        cross_track = math.copysign(1.0, radius_m) * (abs(radius_m) - math.hypot(x, y))
        margins += [LEFT_M - cross_track, RIGHT_M + cross_track]
    return min(margins)


RADII = st.one_of(st.floats(10, 400), st.floats(-400, -10))


@given(RADII, st.floats(0, 2 * math.pi), st.floats(-3.5, 3.0), st.floats(-0.3, 0.3))
def test_the_margin_to_the_edge_is_that_of_the_nearest_wheel(radius_m, at, cross_m, error_rad):
    path = circle(radius_m)
    turn = math.copysign(1.0, radius_m)
    reach = abs(radius_m) - turn * cross_m
    assume(reach > 6.0)
    heading = turn * at + error_rad
    pose = reach * math.sin(at), -turn * reach * math.cos(at), heading
    state = record(POSE)
    state.x_m, state.y_m, state.heading_rad = pose
    params = params_for(path)
    index, share, cross_track = truth.locate(path, params.path_spacing_m[0], state, -1)
    margin = truth.edge_margin_m(path, params, index, share, cross_track, error_rad)
    assert cross_track == pytest.approx(cross_m, abs=0.01)
    # What is left is the third order of the car's length over the radius.
    tolerance_m = 0.01 + 4.0 / (radius_m * radius_m)
    assert margin == pytest.approx(exact_margin_m(radius_m, pose), abs=tolerance_m)


@given(st.floats(0.6, 1.0), st.floats(-2, 2))
def test_the_car_is_found_across_the_seam(share_of_lap, cross_m):
    path, radius_m = circle(80.0), 80.0
    params, state, index = params_for(path), record(POSE), -1
    spacing_m, length_m = params.path_spacing_m[0], path.size * params.path_spacing_m[0]
    stations = []
    for lap in np.arange(share_of_lap, share_of_lap + 0.8, 0.01):
        at = 2 * math.pi * lap
        reach = radius_m - cross_m
        state.x_m, state.y_m = reach * math.sin(at), -reach * math.cos(at)
        state.heading_rad = at
        index, share, cross_track = truth.locate(path, spacing_m, state, index)
        assert cross_track == pytest.approx(cross_m, abs=0.01)
        stations.append((index + share) * spacing_m)
        assert 0 <= stations[-1] <= length_m
    steps = np.diff(np.unwrap(stations, period=length_m))
    assert steps == pytest.approx(0.01 * length_m, abs=0.02)


def test_a_car_anywhere_is_found_without_a_hint():
    path = circle(80.0)
    for i in range(0, path.size, 37):
        state = record(POSE)
        state.x_m, state.y_m, state.heading_rad = path.x_m[i], path.y_m[i], path.heading_rad[i]
        index, share, cross_track = truth.locate(path, path.s_m[1], state, -1)
        assert (index + share) % path.size == pytest.approx(i, abs=1e-6)
        assert cross_track == pytest.approx(0, abs=1e-9)
