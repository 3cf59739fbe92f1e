from __future__ import annotations

import cmath
import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tianyuan.control.geometry import approach, clamp, interpolate, on_table, wrap

ordinary = st.floats(-1e6, 1e6)
anything = st.floats()
tables = st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=16).map(np.array)


@given(ordinary)
def test_wrap_keeps_the_direction_and_comes_back_within_half_a_turn(angle):
    wrapped = wrap(angle)
    assert abs(cmath.exp(1j * wrapped) - cmath.exp(1j * angle)) < 1e-9
    assert -math.pi - 1e-9 <= wrapped <= math.pi + 1e-9


@given(st.floats(-3.14, 3.14))
def test_wrap_leaves_alone_what_is_within_half_a_turn(angle):
    assert wrap(angle) == angle


@pytest.mark.parametrize("turns", range(-3, 4))
def test_half_a_turn_wraps_to_either_side_but_never_beyond(turns):
    for angle in (math.pi, -math.pi, np.nextafter(math.pi, 9), np.nextafter(-math.pi, -9)):
        assert abs(wrap(angle + turns * 2 * math.pi)) == pytest.approx(math.pi, abs=1e-9)
    assert wrap(math.pi) == -math.pi


@pytest.mark.parametrize("angle", [math.nan, math.inf, -math.inf])
def test_wrap_of_no_angle_is_no_angle(angle):
    with np.errstate(invalid="ignore"):
        assert math.isnan(wrap(np.float64(angle)))


@given(st.floats(-1e300, 1e300))
def test_wrap_of_any_finite_angle_is_finite(angle):
    assert math.isfinite(wrap(angle))


@given(anything, st.floats(-1e3, 1e3), st.floats(0, 1e3))
@example(math.nan, -2.0, 5.0)
def test_clamp_is_within_its_bounds_whatever_comes_in(value, low, width):
    held = clamp(value, low, low + width)
    assert low <= held <= low + width
    if low <= value <= low + width:
        assert held == value
    if math.isnan(value):
        assert held == low


@given(ordinary, anything, st.floats(0, 1e3))
@example(4.0, math.nan, 1.0)
def test_approach_never_changes_by_more_than_it_may_and_is_never_nan(current, target, most):
    reached = approach(current, target, most)
    assert current - most <= reached <= current + most
    if current - most <= target <= current + most:
        assert reached == target


@given(tables, st.floats(-5, 20))
def test_a_table_is_read_as_numpy_reads_it(table, position):
    expected = np.interp(position, np.arange(table.size), table)
    assert on_table(table, position) == pytest.approx(expected, abs=1e-9)


@given(tables)
def test_a_table_is_held_at_both_ends_and_without_a_position_at_its_first(table):
    assert on_table(table, -math.inf) == on_table(table, math.nan) == table[0]
    assert on_table(table, math.inf) == on_table(table, 1e300) == table[-1]


@given(
    st.lists(st.floats(0, 700), min_size=2, max_size=11, unique_by=lambda x: round(x, 1)),
    st.floats(-100, 800),
    st.data(),
)
def test_an_abscissa_with_an_unused_tail_is_read_as_numpy_reads_its_used_part(used, value, data):
    used = np.sort(used)
    values = np.array(data.draw(st.lists(ordinary, min_size=used.size, max_size=used.size)))
    abscissa, table = np.zeros(16), np.zeros(16)
    abscissa[: used.size], table[: used.size] = used, values
    expected = np.interp(value, used, values)
    assert interpolate(abscissa, table, value) == pytest.approx(expected, rel=1e-9, abs=1e-6)


def test_a_full_abscissa_is_held_at_its_last():
    full = np.arange(16.0)
    assert interpolate(full, 2 * full, 15.0) == interpolate(full, 2 * full, math.inf) == 30.0


def test_no_value_reads_an_abscissa_at_its_first():
    assert interpolate(np.arange(16.0), np.arange(16.0) + 3.0, math.nan) == 3.0
