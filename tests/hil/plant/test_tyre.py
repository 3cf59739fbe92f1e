"""The tyre's force: Magic Formula when pure, inside the ellipse when combined."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianyuan.hil.plant import parameters, tyre

PLANT = parameters.load("tianyuan").plant()
TYRE = parameters.load("tianyuan").tyre
NOMINAL_N = TYRE.nominal_load_n
slips = st.floats(-1, 1, allow_subnormal=False)


def force(slip: float, slip_y: float, load_n: float = NOMINAL_N, friction: float = 1.0):
    return tyre.force(PLANT[0], load_n, slip, slip_y, TYRE.stiffness_y_1prad, friction)[:2]


def stiffness_y(load_n: float) -> float:
    """Over the load: p_Ky1 Fz0 sin(2 atan(Fz / (p_Ky2 Fz0))) / Fz."""
    p_ky1 = TYRE.stiffness_y_1prad * TYRE.stiffness_peak / 2
    angle = 2 * math.atan(load_n / (TYRE.stiffness_peak * NOMINAL_N))
    return p_ky1 * NOMINAL_N * math.sin(angle) / load_n


def magic(slip, peak, shape, curvature, stiffness):
    b = stiffness / (shape * peak) * slip
    return peak * math.sin(shape * math.atan(b - curvature * (b - math.atan(b))))


@given(slips)
def test_pure_slip_is_the_magic_formula(slip):
    t = TYRE
    along = magic(slip, t.friction_x, t.shape_x, t.curvature_x, t.stiffness_x)
    across = magic(slip, t.friction_y, t.shape_y, t.curvature_y, stiffness_y(NOMINAL_N))
    assert force(slip, 0.0)[0] == pytest.approx(along * NOMINAL_N, rel=1e-9, abs=1e-9)
    assert force(0.0, slip)[1] == pytest.approx(across * NOMINAL_N, rel=1e-9, abs=1e-9)


@given(slips, slips, st.floats(0.05, 1.2))
def test_the_force_is_odd_and_inside_the_ellipse(slip, slip_y, friction):
    fx, fy = force(slip, slip_y, friction=friction)
    assert (-fx, -fy) == force(-slip, -slip_y, friction=friction)
    assert (fx, -fy) == force(slip, -slip_y, friction=friction)
    grip = friction * NOMINAL_N * (1 + 1e-12)
    assert (fx / TYRE.friction_x) ** 2 + (fy / TYRE.friction_y) ** 2 <= grip**2
    assert fx * slip >= 0
    assert fy * slip_y >= 0


def test_no_slip_is_no_force():
    assert force(0.0, 0.0) == (0.0, 0.0)


@pytest.mark.parametrize("friction", [0.3, 1.0])
def test_the_peak_is_friction_times_load(friction):
    grid = np.linspace(0, 1, 20001)
    assert max(force(k, 0.0, friction=friction)[0] for k in grid) == pytest.approx(
        friction * TYRE.friction_x * NOMINAL_N, rel=1e-6
    )
    assert max(force(0.0, a, friction=friction)[1] for a in grid) == pytest.approx(
        friction * TYRE.friction_y * NOMINAL_N, rel=1e-6
    )


@pytest.mark.parametrize("load_n", [500.0, 2700.0, 4850.0, 7000.0])
def test_the_load_changes_peaks_and_stiffness_as_in_the_published_tyre(load_n):
    """PDX1, PDX2, PDY1, PDY2, PKY1 and PKY2 of OpenTire's PAC2002."""
    over, grid = load_n / 4850.0 - 1, np.linspace(0, 1, 5001)
    along = max(force(k, 0.0, load_n)[0] for k in grid)
    across = max(force(0.0, a, load_n)[1] for a in grid)
    assert along == pytest.approx((1.1739 - 0.16395 * over) * load_n, rel=1e-4)
    assert across == pytest.approx((1.0489 - 0.18033 * over) * load_n, rel=1e-4)
    slope = 21.92 * 4850.0 * math.sin(2 * math.atan(load_n / (2.0012 * 4850.0)))
    assert force(0.0, 1e-6, load_n)[1] == pytest.approx(1e-6 * slope, rel=1e-3)
    assert force(1e-6, 0.0, load_n)[0] == pytest.approx(1e-6 * TYRE.stiffness_x * load_n, rel=1e-3)


@given(st.floats(0, 10), st.floats(0, 10))
def test_the_pneumatic_trail_shrinks_with_slip_and_is_gone_once_all_slides(one, other):
    less, more = sorted((one, other))
    assert 0.0 <= tyre.trail(0.03, more) <= tyre.trail(0.03, less) <= 0.03
    assert tyre.trail(0.03, 3.0 + more) == 0.0
    assert tyre.trail(0.03, 0.0) == 0.03


def test_an_unloaded_tyre_and_a_frictionless_road_give_no_force():
    assert force(0.2, 0.1, load_n=0.0) == (0.0, 0.0)
    assert abs(force(0.2, 0.1, friction=0.0)[0]) < 0.01


def test_the_carcass_reaches_63_percent_after_its_relaxation_length():
    u, speed, length = 0.0, 20.0, 0.34
    for _ in range(round(length / speed / 1e-3)):
        u = tyre.deflect(u, 0.02 * speed, speed, length, 1e-3)
    assert u / length / 0.02 == pytest.approx(1 - math.exp(-1), abs=0.02)


@given(st.floats(-100, 100), st.floats(0, 200), st.floats(-1, 1))
def test_the_carcass_never_exceeds_full_slip(slip_mps, travel_mps, start):
    travel_mps = max(travel_mps, abs(slip_mps) / 2)
    u = start * 0.15
    for _ in range(200):
        u = tyre.deflect(u, slip_mps, travel_mps, 0.15, 1e-3)
        assert abs(u) <= 0.3 + 1e-12
