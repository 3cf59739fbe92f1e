"""Wheel speeds by their teeth: what is timed, what is too slow, and what slips."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianyuan.hil.plant import parameters
from tianyuan.hil.sensors.wheels import timed

MS = 1_000_000
VEHICLE = parameters.load("tianyuan")
RADIUS_M = VEHICLE.tyre.radius_m
NAMES = ("wheel_fl_mps", "wheel_fr_mps", "wheel_rl_mps", "wheel_rr_mps")
PARAMS = VEHICLE.sensor_params()
TABLE = VEHICLE.sensors.wheels
PITCH_M = 2 * math.pi * RADIUS_M / TABLE.teeth


def straight(r, front_mps: float, rear_mps: float | None = None):
    """The wheels turning, the car not."""
    r.state.wheel_radps[0, :2] = front_mps / RADIUS_M
    r.state.wheel_radps[0, 2:] = (front_mps if rear_mps is None else rear_mps) / RADIUS_M
    return r.stand()


@given(st.floats(0.0, 100.0), st.floats(0.0, 0.999))
def test_a_speed_is_whole_teeth_over_whole_ticks(speed_mps, phase):
    told = timed(PARAMS[0], speed_mps / RADIUS_M, PITCH_M, 0.0, phase)
    teeth_hz = speed_mps / PITCH_M
    if teeth_hz < TABLE.least_hz:
        assert told == 0.0
        return
    teeth = max(1, math.floor(teeth_hz * TABLE.gate_s + 1e-9))
    ticks = teeth * PITCH_M / told / TABLE.timer_s
    whole = {n: ticks * n / teeth for n in (teeth, max(1, teeth - 1))}
    assert any(abs(t - round(t)) < 1e-6 * t for t in whole.values())
    # A tick more or less of the shortest time that is measured.
    assert told == pytest.approx(speed_mps, rel=1.01 * TABLE.timer_s / (0.5 * TABLE.gate_s))


@pytest.mark.parametrize("sign", [1, -1])
def test_a_wheel_whose_teeth_are_too_slow_reads_as_standing(rig, sign):
    slowest_mps = TABLE.least_hz * PITCH_M
    r = rig()
    assert straight(r, sign * 0.99 * slowest_mps).measure("wheels")["wheel_fl_mps"] == 0.0
    for _ in range(10):
        straight(r, sign * 1.01 * slowest_mps)
    assert r.measure("wheels")["wheel_fl_mps"] == pytest.approx(1.01 * slowest_mps, rel=1e-3)


def test_a_locked_wheel_reads_zero_and_a_spinning_one_its_own_speed(rig):
    r = rig()
    r.state.vx_mps = 30.0
    for _ in range(10):
        straight(r, 0.0, 36.0)
    got = r.measure("wheels")
    assert [got[name] for name in NAMES] == pytest.approx([0.0, 0.0, 36.0, 36.0], rel=2e-3)


def test_errors_of_the_teeth_cancel_over_many_of_them(rig):
    spread = {}
    for speed_mps in (2.0, 60.0):
        r = rig(wheels={"pitch_share": 0.02})
        for _ in range(20):
            straight(r, speed_mps)
        told = r.series("wheels", "wheel_rl_mps", 800)
        spread[speed_mps] = np.std(told / speed_mps)
        teeth = max(1, math.floor(speed_mps / PITCH_M * TABLE.gate_s))
        assert spread[speed_mps] == pytest.approx(0.02 / teeth, rel=0.15)
    assert spread[60.0] < 0.1 * spread[2.0]


def test_a_fast_tyre_grows_and_its_wheel_seems_slower(rig):
    growth = {"radius_growth_s2pm2": 1e-6}
    r, rigid = rig(wheels=growth), rig()
    for car in (r, rigid):
        car.state.vx_mps = 60.0
        for _ in range(20):
            straight(car, 60.0)
    ratio = r.measure("wheels")["wheel_fl_mps"] / rigid.measure("wheels")["wheel_fl_mps"]
    assert ratio == pytest.approx(1 / 1.0036, abs=1e-3)


def test_each_wheel_has_its_own_errors(rig):
    r = rig(wheels={"pitch_share": 0.02})
    for _ in range(20):
        straight(r, 50.0)
    rows = np.array([[r.stand().measure("wheels")[name] for name in NAMES] for _ in range(600)])
    assert np.abs(np.corrcoef(rows.T) - np.eye(4)).max() < 0.15
