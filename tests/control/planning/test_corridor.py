"""Distances to the edges along a line's normal.

left edge   ---------------------------
                    |  left_m
line        --------o------------------>
                    |  right_m
right edge  ---------------------------
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tianyuan.control.planning.corridor import Corridor, carried_stations
from tianyuan.control.planning.curve import closed_curve
from tianyuan.control.planning.track import Track, from_points


def circle(radius: float) -> tuple[np.ndarray, np.ndarray]:
    angle = np.arange(400) * 2 * np.pi / 400
    return radius * np.cos(angle), radius * np.sin(angle)


@given(offset=st.floats(-5.9, 5.9))
def test_a_line_beside_the_centre_of_a_ring_knows_both_edges(
    ring: Callable[..., Track], offset: float
) -> None:
    corridor = Corridor.of(ring(60.0, 12.0))
    line = closed_curve(*circle(60.0 - offset), 2.0)
    near = line.s_m * corridor.track.length_m / line.length_m
    left, right = corridor.distances(line, corridor.stations(line, near))
    assert np.allclose(left, 6 - offset, atol=5e-3)
    assert np.allclose(right, 6 + offset, atol=5e-3)


def test_outside_the_track_the_distance_is_negative(ring: Callable[..., Track]) -> None:
    corridor = Corridor.of(ring(60.0, 12.0))
    line = closed_curve(*circle(68.0), 2.0)
    _, right = corridor.distances(line, line.s_m * corridor.track.length_m / line.length_m)
    assert np.allclose(right, -2, atol=5e-3)


def test_where_two_legs_run_side_by_side_each_keeps_its_own_edge(stadium: Track) -> None:
    # Squeezed to 14 m between the legs: the other leg's edges are nearer than the far own one.
    squeezed = from_points(
        "pin", stadium.x_m, np.clip(stadium.y_m, -60, 60) * 7 / 60, stadium.left_m,
        stadium.right_m,
    )  # fmt: skip
    corridor = Corridor.of(squeezed)
    line = closed_curve(squeezed.x_m, squeezed.y_m, 2.0)
    stations = corridor.stations(line, line.s_m)
    left, right = corridor.distances(line, stations)
    straight = np.abs(line.x_m) < 150
    assert np.allclose(left[straight], 5, atol=1e-3)
    assert np.allclose(right[straight], 5, atol=1e-3)


def test_a_corner_of_an_edge_between_two_points_is_seen(ring: Callable[..., Track]) -> None:
    track = ring(60.0, 12.0)
    corridor = Corridor.of(track)
    # One vertex of the left edge pushed in by a metre, as far as can be from any point.
    line = closed_curve(*circle(60.0), 3.0)
    stations = line.s_m * track.length_m / line.length_m
    between = int(len(corridor.left) * (line.s_m[40] + 1.5) / line.length_m)
    corridor.left[between] *= 1 + 1 / np.hypot(*corridor.left[between])
    along, _ = corridor.distances(line, stations)
    seen, _ = corridor.distances(line, stations, 1.5)
    assert along.min() > 5.9
    assert np.isclose(seen.min(), 5.0, atol=0.05)


def test_stations_are_carried_across_the_start() -> None:
    carried = carried_stations(np.array([95.0, 20.0, 45.0, 70.0]), np.array([0.5, 1.0, 3.5]), 100.0)
    assert np.allclose(carried, (7.5, 20.0, 82.5))
