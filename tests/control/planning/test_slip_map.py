"""The slip tables turn the tyre curve round."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tianyuan.control import slip
from tianyuan.control.grip import GRAVITY_MPS2
from tianyuan.control.planning.slip_map import PEAK_SHARE, fill_slip_map

TYRE = {"stiffness": st.floats(1.0, 40.0), "shape": st.floats(1.0, 2.5)}


@given(friction=st.floats(0.05, 4.0), **TYRE)
def test_the_tables_give_back_the_force_of_steady_cornering(
    new_car: Callable[..., np.recarray], friction: float, stiffness: float, shape: float
) -> None:
    car = new_car(friction=friction, tyre_b_front=stiffness, tyre_c_front=shape)
    fill_slip_map(car)
    p = car[0]
    ay = np.arange(16) * p.slip_ay_step_mps2
    load = p.mass_kg * GRAVITY_MPS2 * (p.wheelbase_m - p.front_axle_m) / p.wheelbase_m
    force = friction * load * np.sin(shape * np.arctan(stiffness * p.slip_front_rad))
    needed = p.mass_kg * ay * (p.wheelbase_m - p.front_axle_m) / p.wheelbase_m
    assert np.allclose(force, needed, rtol=1e-6, atol=1e-6)
    assert np.isclose(ay[-1], PEAK_SHARE * friction * GRAVITY_MPS2)


@given(**TYRE)
def test_the_tables_rise_from_zero_and_are_finite(
    new_car: Callable[..., np.recarray], stiffness: float, shape: float
) -> None:
    car = new_car(tyre_b_rear=stiffness, tyre_c_rear=shape)
    fill_slip_map(car)
    for table in (car[0].slip_front_rad, car[0].slip_rear_rad):
        assert table[0] == 0
        assert np.all(np.isfinite(table))
        assert np.all(np.diff(table) > 0)


def test_the_stiffer_axle_slips_less_and_the_law_reads_it(
    new_car: Callable[..., np.recarray],
) -> None:
    car = new_car()
    fill_slip_map(car)
    assert np.all(car[0].slip_rear_rad[1:] < car[0].slip_front_rad[1:])
    ay = 6 * car[0].slip_ay_step_mps2
    assert np.isclose(slip.front(car, 0.0, -ay, 0.0), -car[0].slip_front_rad[6])
