"""An axle's two wheels: dry friction is what mechanics asks for, and differentials lock."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianyuan.hil.plant import axle

speeds = st.floats(-100, 100, allow_subnormal=False)
impulses = st.floats(0, 50, allow_subnormal=False)
inertias = st.floats(0, 20)


@given(speeds, speeds, impulses, impulses, inertias)
def test_friction_holds_what_it_can_and_opposes_what_still_turns(left, right, most_l, most_r, j):
    """The conditions of dry friction at both wheels at once, on one mass matrix."""
    both, each = 1 / (2 * 1.7 + j), 1 / (2 * 1.7)
    mobility = np.array([[both + each, both - each], [both - each, both + each]])
    after = np.array(axle.hold(left, right, most_l, most_r, both + each, both - each))
    impulse = np.linalg.solve(mobility, np.array([left, right]) - after)
    for speed, taken, most in zip(after, impulse, (most_l, most_r), strict=True):
        assert abs(taken) <= most + 1e-9 * (1 + most)
        if abs(speed) > 1e-9:
            assert taken == pytest.approx(math.copysign(most, speed), abs=1e-6)


def spin(left=0.0, right=0.0, **given_):
    arguments = {
        "drive_nm": 0.0, "left_tyre_nm": 0.0, "right_tyre_nm": 0.0, "left_held_nm": 0.0,
        "right_held_nm": 0.0, "lock_nm": 0.0, "wheel_kgm2": 1.7, "engine_kgm2": 0.0, "dt_s": 1e-3,
    }  # fmt: skip
    return axle.spin(left, right, *(arguments | given_).values())


def test_an_open_differential_gives_both_wheels_the_same_torque():
    left, right = spin(50.0, 80.0, drive_nm=340.0, engine_kgm2=0.0)
    assert (left - 50.0, right - 80.0) == pytest.approx((0.1, 0.1))


def test_the_engines_inertia_is_on_the_mean_of_the_wheels():
    left, right = spin(50.0, 50.0, left_tyre_nm=100.0, engine_kgm2=6.6)
    assert (left + right) / 2 - 50.0 == pytest.approx(-100.0e-3 / (2 * 1.7 + 6.6))
    assert left - right == pytest.approx(-100.0e-3 / 1.7)


@given(speeds, speeds)
def test_a_locked_differential_makes_one_wheel_of_two(left, right):
    after = spin(left, right, lock_nm=1e9)
    assert after[0] == pytest.approx(after[1], abs=1e-12)
    assert sum(after) == pytest.approx(left + right, abs=1e-9)


def test_a_limited_differential_moves_its_torque_from_the_faster_to_the_slower():
    left, right = spin(80.0, 50.0, lock_nm=68.0)
    assert (left - 80.0, right - 50.0) == pytest.approx((-0.02, 0.02))


def test_the_lock_rises_with_the_torque_either_way():
    assert axle.lock(60.0, 0.4, 0.2, 1000.0) == pytest.approx(460.0)
    assert axle.lock(60.0, 0.4, 0.2, -500.0) == pytest.approx(160.0)
    assert axle.lock(60.0, 0.4, 0.2, 0.0) == 60.0


def test_on_split_friction_a_lock_pulls_off_where_an_open_differential_spins(car):
    """One driven wheel on ice: an open differential gives the other no more than the ice takes."""
    gone = {}
    for kind in ("open", "limited", "locked"):
        locks = {} if kind == "limited" else {"preload_nm": 0.0, "drive_lock": 0.0}
        zero = locks | ({} if kind == "limited" else {"coast_lock": 0.0})
        c = car(0.0, 1, rear_differential={"kind": kind} | zero)
        c.road.friction[0, 2] = 0.05
        c.drive(1.5, throttle=0.25)
        gone[kind] = c.x_m
        if kind == "locked":
            assert c.wheel_radps[2] == pytest.approx(c.wheel_radps[3], abs=1e-9)
        if kind == "open":
            assert c.wheel_radps[2] > 2 * c.wheel_radps[3]
    assert gone["open"] < 0.5 * gone["limited"] < 0.8 * gone["locked"]
