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
NOMINAL_N = 0.5 * float(PLANT.chassis_mass_kg[0]) * 9.81
slips = st.floats(-1, 1, allow_subnormal=False)


def force(slip: float, slip_y: float, load_n: float = NOMINAL_N, friction: float = 1.0):
    return tyre.force(PLANT[0], load_n, slip, slip_y, TYRE.stiffness_y_1prad, friction)


def magic(slip, peak, shape, curvature, stiffness):
    b = stiffness / (shape * peak) * slip
    return peak * math.sin(shape * math.atan(b - curvature * (b - math.atan(b))))


@given(slips)
def test_pure_slip_is_the_magic_formula(slip):
    t = TYRE
    along = magic(slip, t.friction_x, t.shape_x, t.curvature_x, t.stiffness_x)
    across = magic(slip, t.friction_y, t.shape_y, t.curvature_y, t.stiffness_y_1prad)
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


def test_a_loaded_tyre_grips_less_for_its_load_but_is_as_stiff():
    light, heavy = (max(force(k, 0.0, load)[0] for k in np.linspace(0, 0.3, 3000)) / load
                    for load in (0.5 * NOMINAL_N, 1.5 * NOMINAL_N))  # fmt: skip
    assert heavy / light == pytest.approx(0.95 / 1.05, rel=1e-6)
    for load in (0.5 * NOMINAL_N, 1.5 * NOMINAL_N):
        assert force(1e-6, 0.0, load)[0] / load == pytest.approx(1e-6 * TYRE.stiffness_x, rel=1e-4)


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
