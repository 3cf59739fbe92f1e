"""A track keeps the edges it was given and refuses what is no circuit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tianyuan.control.errors import InputError
from tianyuan.control.planning.track import Track, edges, frenet_to_cartesian, from_points


def circle(points: int = 60, radius: float = 100.0) -> dict[str, np.ndarray]:
    angle = np.arange(points) * 2 * np.pi / points
    half = np.full(points, 5.0)
    return {"x_m": radius * np.cos(angle), "y_m": radius * np.sin(angle), "left_m": half,
            "right_m": half + 1}  # fmt: skip


def test_left_of_an_anticlockwise_ring_is_inside() -> None:
    track = from_points("ring", **circle())
    left, right = edges(track)
    assert track.turns == 1
    assert np.allclose(np.hypot(*left.T), 95.0, atol=0.01)
    assert np.allclose(np.hypot(*right.T), 106.0, atol=0.01)


def test_frenet_coordinates_wrap_around_the_lap(ring: Callable[..., Track]) -> None:
    track = ring(50.0, 10.0)
    s = np.array([-10.0, 3.0, 400.0])
    here = frenet_to_cartesian(track, s, np.array([1.0, -2.0, 0.0]))
    later = frenet_to_cartesian(track, s + track.length_m, np.array([1.0, -2.0, 0.0]))
    assert np.allclose(here, later, atol=1e-9)
    assert np.allclose(np.hypot(*here), (49.0, 52.0, 50.0), atol=1e-3)


def test_an_edge_does_not_fold_over_the_centre_of_its_bend() -> None:
    columns = circle(radius=10.0)
    columns["left_m"] = np.full(60, 15.0)
    assert from_points("ring", **columns).left_m.max() < 10.0


def test_slope_is_carried_over() -> None:
    track = from_points("ring", **circle(), slope_rad=np.full(60, 0.05))
    assert np.allclose(track.slope_rad, 0.05)


def spoilt(field: str, index: int, value: float) -> dict[str, np.ndarray]:
    columns = circle()
    columns[field] = columns[field].copy()
    columns[field][index] = value
    return columns


def test_errors_name_the_point_and_the_value() -> None:
    cases = {
        r"line 9: y_m = nan: not a finite": spoilt("y_m", 7, np.nan),
        r"line 9: x_m = inf": spoilt("x_m", 7, np.inf),
        r"line 7: width left_m = -2: negative": spoilt("left_m", 5, -2.0),
        r"5 points: fewer than 8": {k: v[:5] for k, v in circle().items()},
        r"open loop: .* back to line 2": {k: v[:40] for k, v in circle().items()},
        r"line 3: repeats line 2": {k: np.repeat(v, 2) for k, v in circle().items()},
        r"line 62: repeats line 2": {k: np.append(v, v[0]) for k, v in circle().items()},
        r"crosses itself: the step after line": {
            k: np.concatenate((v[:10], v[20:9:-1], v[21:])) for k, v in circle().items()
        },
    }
    for message, columns in cases.items():
        with pytest.raises(InputError, match=message) as caught:
            from_points("ring.csv", **columns, label=lambda i: f"line {i + 2}")
        assert "\n" not in str(caught.value)


def test_turning_a_track_round_turns_its_sign(ring: Callable[..., Track]) -> None:
    track = ring(50.0, 10.0)
    assert replace(track, y_m=-track.y_m).turns == -1
