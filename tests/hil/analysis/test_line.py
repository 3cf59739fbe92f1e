"""A point is told by station and offset, and comes back from them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianyuan.control import projection
from tianyuan.control.records import path as new_path
from tianyuan.hil.analysis.line import Line, of_points, project


@given(st.floats(0.0, 700.0), st.floats(-6.0, 6.0), st.floats(0.5, 8.0))
def test_points_beside_the_line_come_back(workshop, begin_m, offset_m, step_m):
    path = workshop.stadium()
    station_m = begin_m + np.arange(0.0, 300.0, step_m)
    found_m, found_offset_m = project(Line(path, True), *workshop.beside(path, station_m, offset_m))
    assert found_m - found_m[0] == pytest.approx(station_m - station_m[0], abs=0.15)
    assert found_m[0] % 714 == pytest.approx(station_m[0] % 714, abs=0.15) or begin_m > 713
    assert found_offset_m == pytest.approx(offset_m, abs=0.02)


def test_stations_go_on_over_the_start(workshop):
    path = workshop.stadium()
    station_m = np.arange(0.0, 3.0 * workshop.length_m, 3.0)
    found_m, _ = project(Line(path, True), *workshop.beside(path, station_m, 0.0))
    assert found_m[-1] == pytest.approx(station_m[-1], abs=0.3)
    assert (np.diff(found_m) > 0.0).all()


def test_the_foot_is_the_drivers(workshop):
    """The host's own projection gives the same station and offset."""
    path = workshop.stadium()
    x_m, y_m, way = workshop.beside(path, np.arange(20.0, 500.0, 7.3), -2.0)
    found_m, offset_m = project(Line(path, True), x_m, y_m, way)
    spacing_m = float(path.s_m[1])
    for k in range(0, len(x_m), 9):
        start = projection.search(path, x_m[k], y_m[k], way[k])
        index, share, cross_m = projection.foot(path, spacing_m, x_m[k], y_m[k], start)
        assert found_m[k] == pytest.approx((index + share) * spacing_m, abs=1e-9)
        assert offset_m[k] == pytest.approx(cross_m, abs=1e-9)


def test_of_two_lanes_it_is_the_one_that_runs_the_same_way():
    """Out and back on a road, 8 m apart.

    ----->-----.
               )
    -----<-----'
    """
    out = np.arange(0.0, 400.0, 2.0)
    x = np.concatenate([out, [402.0, 402.0], out[::-1]])
    y = np.concatenate([np.zeros(200), [2.0, 6.0], np.full(200, 8.0)])
    line = of_points(x, y, closed=False)
    there = np.arange(20.0, 300.0, 5.0)
    level = np.full(len(there), 5.0)  # nearer to the lane back
    found_m, _ = project(line, there, level, np.zeros(len(there)))
    assert found_m == pytest.approx(there, abs=1.0)


def test_what_is_far_off_is_not_on_the_line(workshop):
    path = workshop.stadium()
    x_m, y_m, way = workshop.beside(path, np.arange(0.0, 100.0, 4.0), 0.0)
    y_m[10:15] -= 500.0
    found_m, offset_m = project(Line(path, True), x_m, y_m, way)
    assert np.flatnonzero(np.isnan(found_m)).tolist() == [10, 11, 12, 13, 14]
    assert np.isfinite(offset_m[15:]).all()


def test_a_line_through_its_own_points_is_the_line_again(workshop):
    path = workshop.stadium()
    line = of_points(path.x_m[::3], path.y_m[::3], closed=True)
    assert line.length_m == pytest.approx(workshop.length_m, rel=0.01)
    assert np.median(line.path.curvature_1pm[line.path.curvature_1pm > 0.015]) == pytest.approx(
        0.02, rel=0.05
    )
    _, offset_m = project(line, path.x_m, path.y_m, path.heading_rad)
    assert np.abs(offset_m).max() < 0.7  # smoothed where straight and circle meet


def test_a_car_that_stands_and_wanders_bends_no_line():
    """A receiver's noise of a standing car, 30 s of it, in the middle of a straight road."""
    rng = np.random.default_rng(3)
    drive = np.arange(0.0, 200.0, 2.0)
    noise = rng.normal(0.0, 0.7, (2, 300))
    x = np.concatenate([drive, 200.0 + noise[0], drive + 202.0])
    y = np.concatenate([np.zeros(100), noise[1], np.zeros(100)])
    line = of_points(x, y, closed=False)
    assert line.length_m == pytest.approx(400.0, abs=3.0)
    assert np.abs(line.path.curvature_1pm).max() < 1.0 / 50.0


def test_an_open_line_ends():
    path = new_path(100)
    path.s_m = path.x_m = np.arange(100.0)
    x_m = np.linspace(-20.0, 120.0, 29)
    found_m, _ = project(Line(path, False), x_m, np.zeros(29), np.zeros(29))
    assert found_m == pytest.approx(np.clip(x_m, 0.0, 99.0))
