"""Closed splines at equal arc length, against the circle and the ellipse."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ellipe

from tianyuan.control.planning.curve import closed_curve, first_crossing, over_ring


def ellipse(a: float, b: float, points: int) -> tuple[np.ndarray, np.ndarray]:
    angle = np.arange(points) * 2 * np.pi / points
    return a * np.cos(angle), b * np.sin(angle)


@given(st.floats(5.0, 2000.0), st.integers(60, 300))
def test_a_circle_has_its_length_and_its_curvature(radius: float, points: int) -> None:
    curve = closed_curve(*ellipse(radius, radius, points), radius / 30)
    assert np.isclose(curve.length_m, 2 * np.pi * radius, rtol=1e-5)
    assert np.allclose(curve.curvature_1pm * radius, 1, rtol=4e-3)


def test_an_ellipse_through_uneven_points_comes_out_at_equal_arc_length() -> None:
    angle = np.arange(150) * 2 * np.pi / 150
    angle += 0.4 * np.sin(angle)  # steps of 7 m to 18 m
    curve = closed_curve(300 * np.cos(angle), 100 * np.sin(angle), 1.0)
    circumference = 4 * 300 * ellipe(1 - (100 / 300) ** 2)
    step = np.hypot(np.roll(curve.x_m, -1) - curve.x_m, np.roll(curve.y_m, -1) - curve.y_m)
    assert np.isclose(curve.length_m, circumference, rtol=1e-5)
    assert np.ptp(step) < 1e-4 * curve.spacing_m
    assert np.isclose(curve.spacing_m * len(curve.s_m), curve.length_m)


@given(st.floats(0.5, 1.0), st.floats(-np.pi, np.pi))
def test_curvature_is_the_derivative_of_an_unwrapped_heading(flat: float, turn: float) -> None:
    x, y = ellipse(100.0, 100.0 * flat, 400)
    c, s = np.cos(turn), np.sin(turn)
    curve = closed_curve(c * x - s * y, s * x + c * y, 0.5)
    around = np.append(curve.heading_rad, curve.heading_rad[0] + 2 * np.pi)
    middle = (curve.curvature_1pm + np.roll(curve.curvature_1pm, -1)) / 2
    assert np.allclose(np.diff(around) / curve.spacing_m, middle, atol=2e-4)


def test_knots_carry_values_over_to_the_new_points() -> None:
    x, y = ellipse(50.0, 50.0, 100)
    curve = closed_curve(x, y, 0.7)
    carried = over_ring(np.arctan2(y, x) % (2 * np.pi), curve.knot)
    angle = np.arctan2(curve.y_m, curve.x_m) % (2 * np.pi)
    inside = (angle > 0.1) & (angle < 6.1)  # away from the jump at a full turn
    assert np.allclose(carried[inside], angle[inside], atol=1e-4)


def test_a_figure_of_eight_crosses_itself_and_an_ellipse_does_not() -> None:
    angle = np.arange(0.05, 2 * np.pi, 0.1)
    found = first_crossing(100 * np.sin(angle), 50 * np.sin(2 * angle))
    assert found is not None
    assert np.allclose(angle[list(found)], (np.pi, 2 * np.pi), atol=0.11) or np.allclose(
        angle[list(found)], (0.0, np.pi), atol=0.11
    )
    assert first_crossing(*ellipse(100.0, 20.0, 300)) is None


def test_legs_side_by_side_do_not_count_as_crossing() -> None:
    x = np.concatenate((np.arange(0.0, 100.0), np.arange(100.0, 0.0, -1.0)))
    y = np.concatenate((np.zeros(100), np.full(100, 0.3)))
    assert first_crossing(x, y) is None
