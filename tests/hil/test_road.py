"""The road: what each wheel stands on, slope and bank as a car meets them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tianyuan.control import records
from tianyuan.hil import road
from tianyuan.hil.plant import parameters
from tianyuan.hil.plant.road import flat
from tianyuan.hil.plant.state import at_rest

PLANT = parameters.load("tianyuan").plant()
FRONT_M = float(PLANT.chassis_front_axle_m[0])
REAR_M = FRONT_M - float(PLANT.chassis_wheelbase_m[0])
FRONT_HALF_M = float(PLANT.chassis_front_track_m[0]) / 2
REAR_HALF_M = float(PLANT.chassis_rear_track_m[0]) / 2
LENGTH_M = 400.0


def straight(slope_rad: float = 0.0, bank_rad: float = 0.0, curvature_1pm: float = 0.0):
    """A line along x, every metre, that the map at least takes for closed."""
    line = records.path(int(LENGTH_M))
    line.s_m = line.x_m = np.arange(line.size)
    line.slope_rad, line.bank_rad, line.curvature_1pm = slope_rad, bank_rad, curvature_1pm
    return line


def look(conditions, station_m=100.0, across_m=0.0, heading_rad=0.0, line=None):
    line = straight() if line is None else line
    ground = road.ground_of(line, conditions)
    state = at_rest(PLANT, station_m, across_m, heading_rad)
    out, index = flat(), int(station_m)
    road.look(ground, line, PLANT, state, index, station_m - index, across_m, out)
    return out


def conditions(**given_):
    return road.Conditions.model_validate(given_)


def test_without_a_map_it_is_as_slippery_everywhere():
    assert (look(conditions(friction=0.7)).friction == 0.7).all()
    assert (look(road.Conditions()).friction == 1.0).all()


def test_each_wheel_is_looked_up_where_it_stands():
    """A patch to the left of the line, from between the axles on:

    left        o RL    |xxxxxxxx o FL
    line  ------------s-|xxxxxxx----->
    right       o RR    |         o FR
    """
    wet = {"from_m": 100.0, "to_m": 150.0, "right_m": 0.0, "left_m": 5.0, "friction": 0.3}
    got = look(conditions(patches=[wet]), station_m=100.0).friction[0]
    assert got.tolist() == [0.3, 1.0, 1.0, 1.0]


@pytest.mark.parametrize("quarter", range(4))
def test_the_wheels_turn_with_the_car(quarter):
    """Seen from the line, a car across it has its left wheels ahead or behind."""
    heading = quarter * math.pi / 2
    ahead = {"from_m": 100.3, "to_m": 110.0, "friction": 0.3}
    got = look(conditions(patches=[ahead]), station_m=100.0, heading_rad=heading).friction[0]
    wheels = [(FRONT_M, FRONT_HALF_M), (FRONT_M, -FRONT_HALF_M), (REAR_M, REAR_HALF_M),
              (REAR_M, -REAR_HALF_M)]  # fmt: skip
    along = [x * math.cos(heading) - y * math.sin(heading) for x, y in wheels]
    assert got.tolist() == [0.3 if x > 0.3 else 1.0 for x in along]


@given(st.floats(0, LENGTH_M - 1e-6))
def test_a_patch_goes_over_the_finish(station_m):
    wet = {"from_m": 380.0, "to_m": 20.0, "friction": 0.4}
    ground = road.ground_of(straight(), conditions(patches=[wet]))
    inside = station_m >= 380.0 or station_m < 20.0
    assert road.friction_at(ground, station_m, 0.0) == (0.4 if inside else 1.0)


def test_wheels_beyond_the_finish_are_looked_up_at_the_start():
    wet = {"from_m": 0.0, "to_m": 5.0, "friction": 0.4}
    got = look(conditions(patches=[wet]), station_m=399.5).friction[0]
    assert got.tolist() == [0.4, 0.4, 1.0, 1.0]


def test_a_drying_line_is_dry_in_the_middle_and_a_later_patch_lies_over_it():
    wet = conditions(
        friction=0.6, drying_line={"half_width_m": 1.0, "friction": 0.9},
        patches=[{"from_m": 200.0, "to_m": 210.0, "friction": 0.5},
                 {"from_m": 205.0, "to_m": 210.0, "friction": 0.2}],
    )  # fmt: skip
    ground = road.ground_of(straight(), wet)
    assert [road.friction_at(ground, 100.0, y) for y in (-1.1, -0.9, 0.9, 1.1)] == [
        0.6, 0.9, 0.9, 0.6,
    ]  # fmt: skip
    assert [road.friction_at(ground, s, 0.0) for s in (199, 201, 206, 211)] == [0.9, 0.5, 0.2, 0.9]


@pytest.mark.parametrize(
    ("heading", "slope", "bank"),
    [(0.0, 0.05, 0.1), (math.pi / 2, 0.1, -0.05), (math.pi, -0.05, -0.1)],
)
def test_slope_and_bank_turn_with_the_car(heading, slope, bank):
    got = look(conditions(), heading_rad=heading, line=straight(slope_rad=0.05, bank_rad=0.1))
    assert got.slope_rad[0] == pytest.approx(slope)
    assert got.bank_rad[0] == pytest.approx(bank)


def test_a_road_that_banks_into_its_bend_is_a_bowl():
    """Level circle of curvature k in the plan: its curvature down into the road is k sin(bank)."""
    got = look(conditions(), line=straight(curvature_1pm=0.02, bank_rad=-0.3))
    assert got.hollow_1pm[0] == pytest.approx(0.02 * math.sin(0.3))


def test_a_change_of_slope_is_a_hollow_or_a_crest():
    line = straight()
    line.slope_rad = 0.05 * np.sin(2 * math.pi * line.s_m / LENGTH_M)
    rate = 0.05 * 2 * math.pi / LENGTH_M
    assert look(conditions(), 0.0, line=line).hollow_1pm[0] == pytest.approx(rate, rel=1e-3)
    assert look(conditions(), 200.0, line=line).hollow_1pm[0] == pytest.approx(-rate, rel=1e-3)


@pytest.mark.parametrize(
    ("from_deg", "towards"), [(0.0, (0, -1)), (90.0, (-1, 0)), (180.0, (0, 1)), (270.0, (1, 0))]
)
def test_the_wind_comes_from_where_a_weather_report_says(from_deg, towards):
    got = look(conditions(wind_mps=8.0, wind_from_deg=from_deg))
    assert (got.wind_x_mps[0], got.wind_y_mps[0]) == pytest.approx(8.0 * np.array(towards))


@pytest.mark.parametrize(
    "wrong",
    [
        {"friction": 0.0},
        {"frction": 0.5},
        {"patches": [{"from_m": 0.0, "to_m": 5.0}]},
        {"patches": [{"from_m": 0.0, "to_m": 5.0, "friction": 1, "right_m": 2, "left_m": 1}]},
        {"drying_line": {"half_width_m": -1.0, "friction": 0.9}},
    ],
)
def test_conditions_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValidationError):
        road.Conditions.model_validate(wrong)
