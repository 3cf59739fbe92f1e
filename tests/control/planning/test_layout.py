"""Curvature integrates to the curve it describes, and closes without a kink."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianyuan.control.errors import InputError
from tianyuan.control.planning.curve import closed_curve
from tianyuan.control.planning.layout import closed_layout


def oval(bend: float) -> tuple[np.ndarray, np.ndarray]:
    """Straights of 200 m, bends of radius 50 m with 40 m of transition, ``bend`` times as sharp."""
    arc = np.pi * 50 - 40
    lengths = np.tile([200, 40, arc, 40], 2)
    station = np.concatenate(([0.0], np.cumsum(lengths)))
    return station, np.array([0, 0, 1, 1, 0, 0, 1, 1, 0]) * bend / 50


@given(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3), st.floats(-np.pi, np.pi))
def test_a_layout_starts_where_it_is_told_and_turns_once(x0: float, y0: float, h0: float) -> None:
    station, curvature = oval(1.0)
    _, x, y = closed_layout("oval", station, curvature, (x0, y0, h0))
    assert (x[0], y[0]) == (x0, y0)
    assert np.isclose(np.angle(np.exp(1j * (np.arctan2(y[1] - y0, x[1] - x0) - h0))), 0, atol=1e-3)
    curve = closed_curve(x, y, 1.0)
    assert np.isclose(curve.length_m, station[-1], atol=1e-3)
    assert np.allclose(curve.curvature_1pm, np.interp(curve.s_m, station, curvature), atol=2e-4)


@given(st.floats(0.998, 1.002))
def test_a_small_gap_is_closed_by_bending_everywhere_a_little(bend: float) -> None:
    station, curvature = oval(bend)
    _, x, y = closed_layout("oval", station, curvature, (0.0, 0.0, 0.0))
    step = np.hypot(np.diff(x, append=x[0]), np.diff(y, append=y[0]))
    assert np.ptp(step) < 1e-5
    assert np.abs(closed_curve(x, y, 1.0).curvature_1pm).max() < 1.01 / 50


def test_a_clockwise_layout_closes_too() -> None:
    station, curvature = oval(-1.001)
    s, x, y = closed_layout("oval", station, curvature, (0.0, 0.0, 0.0))
    assert np.isclose(np.hypot(x[0] - x[-1], y[0] - y[-1]), s[1], atol=1e-6)


def test_a_wide_gap_is_an_open_loop() -> None:
    with pytest.raises(InputError, match=r"oval\.toml: curvature: open loop: the lap ends"):
        closed_layout("oval.toml", *oval(1.02), (0.0, 0.0, 0.0))
