"""The line of least curvature against cases with an answer known beforehand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tianyuan.control.errors import InputError
from tianyuan.control.planning.bending import bending
from tianyuan.control.planning.corridor import Corridor
from tianyuan.control.planning.curve import closed_curve
from tianyuan.control.planning.raceline import (
    Line,
    breach_m,
    check_width,
    clearance_m,
    minimum_curvature,
    steering_reach_1pm,
)
from tianyuan.control.planning.track import Track, from_points


@settings(max_examples=10)
@given(radius=st.floats(30.0, 120.0), width=st.floats(4.0, 14.0))
def test_on_a_ring_the_line_is_the_outermost_circle(
    new_car: Callable[..., np.recarray],
    ring: Callable[..., Track],
    radius: float,
    width: float,
) -> None:
    car = new_car()
    line = minimum_curvature(Corridor.of(ring(radius, width)), car)
    outermost = radius + width / 2 - clearance_m(car)
    assert np.allclose(np.hypot(line.curve.x_m, line.curve.y_m), outermost, atol=0.02)
    assert np.allclose(line.curve.curvature_1pm, 1 / outermost, rtol=0.02)


def test_straights_stay_straight_and_bends_are_cut(
    new_car: Callable[..., np.recarray], stadium: Track
) -> None:
    line = minimum_curvature(Corridor.of(stadium), new_car()).curve
    straight = np.abs(line.x_m) < 100
    assert np.abs(line.curvature_1pm[straight]).max() < 1e-4
    assert np.sum(line.curvature_1pm**2) * line.spacing_m < 0.9 * 2 * np.pi / 60


def test_a_mirrored_track_has_the_mirrored_line(
    new_car: Callable[..., np.recarray], stadium: Track
) -> None:
    wavy = from_points(
        "wavy", stadium.x_m, stadium.y_m + 8 * np.sin(stadium.x_m / 40), stadium.left_m,
        stadium.right_m + 2,
    )  # fmt: skip
    mirrored = from_points("mirrored", wavy.x_m, -wavy.y_m, wavy.right_m, wavy.left_m)
    line, other = (minimum_curvature(Corridor.of(track), new_car()) for track in (wavy, mirrored))
    assert np.allclose(line.curve.x_m, other.curve.x_m, atol=0.01)
    assert np.allclose(line.curve.y_m, -other.curve.y_m, atol=0.01)
    assert np.allclose(line.left_m, other.right_m, atol=0.01)


def test_scaling_track_and_car_scales_the_line(
    new_car: Callable[..., np.recarray], stadium: Track
) -> None:
    car = new_car()
    line = minimum_curvature(Corridor.of(stadium), car)
    twice = from_points(
        "twice", 2 * stadium.x_m, 2 * stadium.y_m, 2 * stadium.left_m, 2 * stadium.right_m
    )
    large = new_car(width_m=2 * car[0].width_m, planning_edge_margin_m=1.0)
    scaled = minimum_curvature(Corridor.of(twice), large)
    squared = [np.sum(found.curve.curvature_1pm**2) * found.curve.spacing_m for found in
               (line, scaled)]  # fmt: skip
    assert np.isclose(squared[0], 2 * squared[1], rtol=2e-3)


def test_derivatives_of_bending_agree_with_differences(stadium: Track) -> None:
    curve = closed_curve(stadium.x_m, stadium.y_m, 2.0)
    bend = bending(curve)
    offset = np.sin(np.arange(len(curve.x_m)) / 3)
    small = 1e-6 * offset
    moved = replace(
        curve,
        x_m=curve.x_m - small * np.sin(curve.heading_rad),
        y_m=curve.y_m + small * np.cos(curve.heading_rad),
    )
    after = bending(moved)
    assert np.allclose(
        (after.curvature_1pm - bend.curvature_1pm) / 1e-6, bend.by_curvature @ offset, atol=1e-5
    )
    assert np.allclose((after.step_m - bend.step_m) / 1e-6, bend.by_step @ offset, atol=1e-5)


def test_steering_reach_bounds_the_curvature(
    new_car: Callable[..., np.recarray], ring: Callable[..., Track]
) -> None:
    # Asymmetric: wide enough for the steering only when driven on the outside of the bends.
    angle = np.arange(300) * 2 * np.pi / 300
    pin = from_points(
        "pin", 60 * np.cos(angle), 14 * np.sin(angle), np.full(300, 3.0), np.full(300, 6.0)
    )
    free = minimum_curvature(Corridor.of(pin), new_car()).curve
    tightest = float(np.abs(free.curvature_1pm).max())
    car = new_car(limits_steer_rad=float(np.arctan(0.9 * tightest * 2.579)))
    line = minimum_curvature(Corridor.of(pin), car)
    assert np.abs(line.curve.curvature_1pm).max() <= steering_reach_1pm(car)
    assert breach_m(line, car) < 0.02


def test_a_narrow_track_is_named_with_its_station_and_widths(
    new_car: Callable[..., np.recarray], ring: Callable[..., Track]
) -> None:
    wide = ring(100.0, 8.0)
    narrow = np.where(np.abs(wide.s_m - 300) < 5, 1.2, wide.left_m)
    track = replace(wide, left_m=narrow, right_m=np.minimum(narrow, wide.right_m))
    with pytest.raises(InputError) as caught:
        check_width(track, new_car())
    message = str(caught.value)
    assert "1.20 m left and 1.20 m right" in message
    assert "station 29" in message or "station 30" in message
    assert "needs 2.80 m" in message
    with pytest.raises(InputError, match="too narrow"):
        minimum_curvature(Corridor.of(track), new_car())


def test_progress_rises(new_car: Callable[..., np.recarray], stadium: Track) -> None:
    told: list[float] = []
    line = minimum_curvature(Corridor.of(stadium), new_car(), told.append)
    assert isinstance(line, Line)
    assert told == sorted(told)
    assert told
    assert max(told) <= 1
