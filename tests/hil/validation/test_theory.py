"""The shipped plants against theory, by the rows that ``tianyuan validate`` prints."""

from __future__ import annotations

import numpy as np
import pytest

from tianyuan.hil.plant.parameters import load
from tianyuan.hil.validation import energy, limits, theory
from tianyuan.hil.validation.manoeuvre import Manoeuvre, ramp, steady
from tianyuan.hil.validation.ours import Ours

pytestmark = pytest.mark.compiled  # minutes of driving with the JIT off


@pytest.mark.parametrize("name", ["tianyuan", "indy", "ads-dv"])
def test_every_figure_is_as_near_to_theory_as_is_claimed(name):
    broken = [check for check in theory.checks(load(name)) if not check.holds()]
    assert not broken


def test_energy_shows_a_tyre_that_gives_back_what_it_never_took():
    """The balance is no tautology: forces that are not those of the motion break it."""
    vehicle = load("indy")
    run = Manoeuvre(25.0, 1.0, ramp(0.1, 0.0, 0.4), steady(0.0), neutral=True)
    states, controls = Ours(vehicle).history(run)
    bars, steer = np.zeros((len(states) - 1, 2)), controls["steer_rad"][1:]
    before, after = energy.stored_j(vehicle, states[[0, -1]])
    honest = energy.lost_w(vehicle, states[1:], steer, bars).sum() * 1e-3
    states["wheel_fy_n"] *= 0.8
    forged = energy.lost_w(vehicle, states[1:], steer, bars).sum() * 1e-3
    assert honest == pytest.approx(before - after, rel=0.01)
    assert forged != pytest.approx(before - after, rel=0.1)


@pytest.mark.parametrize("name", ["tianyuan", "indy", "ads-dv"])
def test_a_locked_wheel_brakes_less_than_one_at_its_peak_and_braking_moves_load_only(name):
    vehicle = theory.bare(load(name))
    loads = limits.axle_loads_n(vehicle, -6.0, 12.0)
    assert all(limits.locked_n(vehicle, n) < limits.peak_n(vehicle, n) for n in loads)
    assert sum(loads) == pytest.approx(
        vehicle.chassis.mass_kg * 9.81 + vehicle.aero.downforce_n_per_mps2 * 144.0
    )
