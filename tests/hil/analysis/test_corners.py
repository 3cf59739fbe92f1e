"""Corners are where the line bends, wherever the lap begins; they add up to the lap."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianyuan.control.records import PATH
from tianyuan.hil.analysis.corners import Corner, bounds_m, find_corners, lost_s, passage


def bending(pieces: list[tuple[float, float]]) -> np.recarray:
    """A line of (length m, curvature 1/m) after each other, at 1 m."""
    bent = np.concatenate([np.full(round(length), curvature) for length, curvature in pieces])
    path = np.zeros(len(bent), PATH).view(np.recarray)
    path.s_m, path.curvature_1pm = np.arange(len(bent)), bent
    return path


def test_a_stadium_has_two_half_circles(workshop):
    corners = find_corners(workshop.stadium())
    assert [corner.number for corner in corners] == [1, 2]
    for corner, begin_m in zip(corners, (100.0, 100.0 + np.pi * 50.0 + 200.0), strict=True):
        assert corner.begin_m == pytest.approx(begin_m, abs=6.0)
        assert corner.end_m == pytest.approx(begin_m + np.pi * 50.0, abs=6.0)
        assert corner.radius_m == pytest.approx(50.0, rel=1e-3)
        assert corner.turn_rad == pytest.approx(np.pi, abs=0.05)


@pytest.mark.parametrize("start_m", [90.0, 150.0, 178.0, 300.0])
def test_corners_do_not_depend_on_where_the_lap_begins(start_m, workshop):
    still = find_corners(workshop.stadium())
    moved = find_corners(workshop.stadium(start_m))
    places = sorted((c.begin_m + start_m) % workshop.length_m for c in moved)
    assert places == pytest.approx(sorted(c.begin_m for c in still), abs=2.5)
    assert all(0.0 <= c.apex_m < workshop.length_m for c in moved)
    assert [c.apex_m for c in moved] == sorted(c.apex_m for c in moved)


def test_left_and_right_that_follow_at_once_are_two_corners_and_a_kink_is_none():
    """Straight, chicane, straight, a kink of 6 degrees, straight.

    ______/\\______________--------
    """
    path = bending([(100, 0), (30, 0.02), (30, -0.02), (200, 0), (20, 0.005), (100, 0)])
    found = find_corners(path, closed=False)
    assert [np.sign(corner.turn_rad) for corner in found] == [1.0, -1.0]


def test_a_bend_that_opens_for_a_moment_is_one_corner():
    path = bending([(100, 0), (40, 0.02), (8, 0.001), (40, 0.02), (100, 0)])
    assert len(find_corners(path, closed=False)) == 1
    apart = bending([(100, 0), (40, 0.02), (60, 0.0), (40, 0.02), (100, 0)])
    assert len(find_corners(apart, closed=False)) == 2


def test_a_straight_line_has_no_corner_and_one_stretch():
    path = bending([(300, 0.0)])
    assert find_corners(path, closed=False) == []
    assert bounds_m([], 300.0).tolist() == [[0.0, 300.0]]


def test_a_passage_is_what_the_speed_says(workshop):
    """10 m/s in the corner's first half, 20 in the second."""
    corner = Corner(1, 100.0, 150.0, 200.0, 1.0, 50.0)
    station_m = np.arange(0.0, 401.0)
    speed_mps = np.where(station_m < 150.0, 10.0, 20.0)
    time_s = np.concatenate([[0.0], np.cumsum(1.0 / speed_mps[:-1])])
    driven = passage(corner, station_m, time_s, speed_mps)
    assert driven.time_s == pytest.approx(50.0 / 10.0 + 50.0 / 20.0)
    assert (driven.entry_mps, driven.exit_mps, driven.min_mps) == (10.0, 20.0, 10.0)
    assert 100.0 <= driven.min_m < 150.0


def test_a_corner_over_the_start_is_passed_in_one():
    corner = Corner(1, -50.0, 10.0, 70.0, 1.0, 50.0)
    station_m = np.arange(0.0, 401.0)
    driven = passage(corner, station_m, station_m / 20.0, np.full(401, 20.0))
    assert driven.time_s == pytest.approx(120.0 / 20.0)


@given(
    st.lists(st.floats(-0.5, 0.5), min_size=30, max_size=30),
    st.floats(0.0, 700.0),
    st.integers(0, 5),
    st.integers(0, 5),
)
def test_what_is_lost_in_the_corners_is_the_difference_of_the_laps(steps, start_m, head, tail):
    station_m = np.linspace(0.0, 700.0, 30)
    delta_s = np.cumsum(steps)
    delta_s[:head] = delta_s[30 - tail :] = np.nan
    turned = (np.array([100.0, 320.0, 560.0]) + start_m) % 700.0
    corners = [
        Corner(k + 1, apex - 30.0, apex, apex + 30.0, 1.0, 50.0)
        for k, apex in enumerate(sorted(turned.tolist()))
    ]
    lost = lost_s(bounds_m(corners, 700.0), station_m, delta_s)
    known = delta_s[np.isfinite(delta_s)]
    assert lost.sum() == pytest.approx(known[-1] - known[0], abs=1e-9)


def test_what_is_lost_in_a_corner_is_told_there():
    corners = [Corner(k + 1, at, at + 20, at + 40, 1.0, 50.0) for k, at in enumerate((100, 300))]
    station_m = np.arange(0.0, 501.0)
    delta_s = np.where(station_m < 320.0, 0.0, 0.7)
    assert lost_s(bounds_m(corners, 500.0), station_m, delta_s) == pytest.approx([0.0, 0.7])
