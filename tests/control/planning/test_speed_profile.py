"""The profile against closed forms: the circle, braking, coasting, the friction limit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianyuan.control import engine
from tianyuan.control.grip import GRAVITY_MPS2
from tianyuan.control.planning.drive_force import FORCE_STEP_MPS, force_table
from tianyuan.control.planning.speed_profile import (
    BRAKING,
    DRIVING,
    LIMITED,
    lap_time,
    speed_profile,
)

NewCar = Callable[..., np.recarray]


def flat(n: int) -> np.ndarray:
    return np.zeros(n)


def corners(scale: float = 1.0) -> tuple[np.ndarray, float]:
    """Two corners of radii 30 m and 60 m, one each way, between straights; curvature, step."""
    s = np.arange(0.0, 1200.0, 2.0)
    bend = np.exp(-(((s - 300) / 40) ** 2)) / 30 - np.exp(-(((s - 800) / 60) ** 2)) / 60
    return bend / scale, 2.0 * scale


@given(radius=st.floats(5.0, 400.0), friction=st.floats(0.2, 2.0))
def test_on_a_circle_speed_is_the_root_of_friction_g_and_radius(
    new_car: NewCar, radius: float, friction: float
) -> None:
    car = new_car(
        friction=friction, drag_n_per_mps2=0, rolling_n=0, planning_lateral_share=0.8,
        limits_speed_mps=120,
    )  # fmt: skip
    profile = speed_profile(car, np.full(50, 1 / radius), flat(50), 2 * np.pi * radius / 50)
    expected = np.sqrt(0.8 * friction * GRAVITY_MPS2 * radius)
    assert np.allclose(profile.speed_mps, expected, rtol=1e-6)
    assert np.isclose(profile.lap_s, 2 * np.pi * radius / expected)
    assert np.allclose(profile.accel_mps2, 0, atol=1e-6)


@pytest.mark.compiled
def test_with_drag_a_circle_is_driven_steadily_on_the_friction_limit(new_car: NewCar) -> None:
    car = new_car()
    p, radius = car[0], 60.0
    profile = speed_profile(car, np.full(400, 1 / radius), flat(400), 2 * np.pi * radius / 400)
    v = profile.speed_mps[0]
    lateral = v**2 / radius / (p.friction * p.planning_lateral_share * GRAVITY_MPS2)
    resistance = (p.drag_n_per_mps2 * v**2 + p.rolling_n) / p.mass_kg
    rear = p.front_axle_m / p.wheelbase_m / (1 - p.friction * p.cg_height_m / p.wheelbase_m)
    drive = resistance / (p.friction * p.planning_drive_share * GRAVITY_MPS2 * rear)
    assert np.ptp(profile.speed_mps) < 1e-6
    assert np.isclose(lateral**2 + drive**2, 1, atol=1e-5)


def test_braking_on_a_straight_follows_v_squared_less_two_a_s(point_mass: np.recarray) -> None:
    curvature = flat(600)
    curvature[300] = 0.05
    profile = speed_profile(point_mass, curvature, flat(600), 1.0)
    decel = point_mass[0].friction * GRAVITY_MPS2
    braking = np.flatnonzero(profile.limit == BRAKING)
    distance = 300 - braking
    assert len(braking) > 20
    expected = np.sqrt(decel / 0.05 + 2 * decel * distance)
    assert np.allclose(profile.speed_mps[braking], expected, rtol=1e-9)
    assert np.allclose(profile.accel_mps2[braking[1:-1]], -decel)


@pytest.mark.compiled
def test_driving_off_is_held_by_the_driven_axle_then_by_the_engine(
    point_mass: np.recarray,
) -> None:
    curvature = flat(900)
    curvature[0] = 0.2
    profile = speed_profile(point_mass, curvature, flat(900), 1.0)
    p = point_mass[0]
    rear = p.friction * p.planning_drive_share * GRAVITY_MPS2 * p.front_axle_m / p.wheelbase_m
    assert np.isclose(profile.accel_mps2[3], rear, rtol=1e-6)
    driving = np.flatnonzero(profile.limit == DRIVING)[50:-1]
    force = [
        max(engine.force_range_n(point_mass, gear, v)[1] for gear in range(1, 7)
            if engine.speed_radps(point_mass, gear, v) <= p.limits_upshift_radps)
        for v in profile.speed_mps[driving]
    ]  # fmt: skip
    expected = np.minimum(np.array(force) / p.mass_kg, rear)
    assert np.allclose(profile.accel_mps2[driving], expected, rtol=0.06)  # gear changes


def use_of_friction(car: np.recarray, curvature: np.ndarray, v: np.ndarray, step: float) -> float:
    """The largest use at either of the ends at which limits hold, from finite differences."""
    p = car[0]
    grip = p.friction * GRAVITY_MPS2
    accel = (np.roll(v, -1) ** 2 - v**2) / (2 * step)
    resist = (p.drag_n_per_mps2 * v**2 + p.rolling_n) / p.mass_kg
    lateral = np.abs(curvature) * v**2 / (grip * p.planning_lateral_share)
    transfer = 1 - p.friction * p.cg_height_m / p.wheelbase_m
    rear = p.front_axle_m / p.wheelbase_m / transfer
    drive = (np.roll(accel, 1) + resist) / (grip * p.planning_drive_share * rear)
    brake = -(accel + resist) / (grip * p.planning_brake_share)
    along = np.maximum(np.maximum(drive, brake), 0)
    return float(np.max(lateral**p.planning_exponent + along**p.planning_exponent))


@pytest.mark.compiled
@given(exponent=st.floats(1.2, 4.0), friction=st.floats(0.3, 1.5))
def test_friction_is_used_up_and_never_exceeded(
    new_car: NewCar, exponent: float, friction: float
) -> None:
    car = new_car(planning_exponent=exponent, friction=friction)
    curvature, step = corners()
    profile = speed_profile(car, curvature, flat(len(curvature)), step)
    assert use_of_friction(car, curvature, profile.speed_mps, step) == pytest.approx(1, abs=1e-3)


def test_coarse_points_keep_to_the_limits_too(new_car: NewCar) -> None:
    car, (curvature, step) = new_car(), corners()
    profile = speed_profile(car, curvature[::10], flat(60), 10 * step)
    v = profile.speed_mps
    assert use_of_friction(car, curvature[::10], v, 10 * step) == pytest.approx(1, abs=1e-3)
    assert {LIMITED, DRIVING, BRAKING} == set(profile.limit)


@pytest.mark.compiled
@given(mirror=st.booleans(), shift=st.integers(0, 599))
def test_mirroring_a_lap_or_starting_it_elsewhere_changes_nothing(
    new_car: NewCar, mirror: bool, shift: int
) -> None:
    curvature, step = corners()
    profile = speed_profile(new_car(), curvature, flat(600), step)
    other = np.roll(-curvature if mirror else curvature, shift)
    moved = speed_profile(new_car(), other, flat(600), step)
    assert np.allclose(moved.speed_mps, np.roll(profile.speed_mps, shift), atol=1e-6)
    assert np.isclose(moved.lap_s, profile.lap_s)


@pytest.mark.compiled
@given(scale=st.floats(0.2, 3.0))
def test_where_grip_alone_limits_lap_time_goes_with_the_root_of_scale(
    new_car: NewCar, scale: float
) -> None:
    # An engine that never is the limit, nothing that depends on speed.
    car = new_car(
        drag_n_per_mps2=0, rolling_n=0, cg_height_m=0, limits_speed_mps=120,
        engine_speed_radps=np.linspace(0, 2500, 16), engine_torque_nm=np.full(16, 2e4),
        limits_upshift_radps=2500, brake_n_per_bar=2000,
    )  # fmt: skip
    lap = [speed_profile(car, c, flat(600), h).lap_s for c, h in (corners(), corners(scale))]
    assert np.isclose(lap[1] / lap[0], np.sqrt(scale), rtol=1e-4)


@pytest.mark.compiled
@given(grip=st.floats(0.5, 1.0), extra=st.floats(0.0, 0.5))
def test_more_grip_is_never_slower(new_car: NewCar, grip: float, extra: float) -> None:
    curvature, step = corners()
    slow, fast = (
        speed_profile(new_car(friction=f), curvature, flat(600), step) for f in (grip, grip + extra)
    )
    assert np.all(fast.speed_mps >= slow.speed_mps - 1e-6)


@pytest.mark.compiled
def test_downforce_and_a_hollow_help_and_a_crest_hurts(new_car: NewCar) -> None:
    n, radius = 400, 100.0
    curvature, step = np.full(n, 1 / radius), 2 * np.pi * radius / 400
    bare = new_car(drag_n_per_mps2=0, rolling_n=0)
    wing = new_car(drag_n_per_mps2=0, rolling_n=0, downforce_n_per_mps2=2.0)
    v = speed_profile(wing, curvature, flat(n), step).speed_mps
    grip = bare[0].friction * bare[0].planning_lateral_share
    lifted = np.sqrt(grip * GRAVITY_MPS2 / (1 / radius - grip * 2.0 / bare[0].mass_kg))
    assert np.allclose(v, lifted)
    waves = 0.03 * np.sin(np.arange(n) * 2 * np.pi / n * 4)
    wavy = speed_profile(bare, curvature, waves, step).speed_mps
    level = speed_profile(bare, curvature, flat(n), step).speed_mps
    crest = np.argmin(np.gradient(waves))
    assert wavy[crest] < level[crest]


@pytest.mark.compiled
def test_downforce_brakes_the_harder_the_faster(point_mass: np.recarray) -> None:
    car = point_mass.copy()
    car[0].downforce_n_per_mps2 = 2.0
    curvature = flat(600)
    curvature[300] = 0.05
    profile = speed_profile(car, curvature, flat(600), 1.0)
    p = car[0]
    braking = np.flatnonzero(profile.limit == BRAKING)
    # d(v^2)/ds = -2 mu (g + c v^2 / m) has an exponential for its solution.
    rate, rest = 2 * p.friction * 2.0 / p.mass_kg, GRAVITY_MPS2 * p.mass_kg / 2.0
    slowest = profile.speed_mps[300] ** 2
    expected = (slowest + rest) * np.exp(rate * (300 - braking)) - rest
    assert np.allclose(profile.speed_mps[braking] ** 2, expected, rtol=5e-3)


@pytest.mark.compiled
def test_uphill_costs_what_gravity_takes(point_mass: np.recarray) -> None:
    curvature = flat(400)
    curvature[0] = 0.2
    hill = np.full(400, 0.04)
    up = speed_profile(point_mass, curvature, hill, 1.0)
    level = speed_profile(point_mass, curvature, flat(400), 1.0)
    # On the driven axle's grip, so at the same force: the load's cosine is 0.9992.
    lost = level.accel_mps2[3] - up.accel_mps2[3]
    assert np.isclose(lost, GRAVITY_MPS2 * np.sin(0.04), rtol=0.02)


@pytest.mark.compiled
def test_the_cap_is_kept_and_a_straight_ring_runs_at_top_speed(new_car: NewCar) -> None:
    capped = speed_profile(new_car(limits_speed_mps=20), flat(300), flat(300), 5.0)
    assert np.allclose(capped.speed_mps, 20)
    assert np.all(capped.limit == LIMITED)
    assert np.isclose(capped.lap_s, 300 * 5 / 20)
    car = new_car()
    p = car[0]
    v = speed_profile(car, flat(2000), flat(2000), 5.0).speed_mps
    assert np.ptp(v) < 1e-3
    balance = engine.force_range_n(car, 6, v[0])[1]
    assert np.isclose(balance, p.drag_n_per_mps2 * v[0] ** 2 + p.rolling_n, rtol=5e-3)


def test_best_gear_never_turns_the_engine_beyond_the_upshift(new_car: NewCar) -> None:
    car = new_car(limits_upshift_radps=500)
    force = force_table(car)
    first_ends = 500 / (4.2 * 3.4) * 0.32
    before, after = int(first_ends / FORCE_STEP_MPS), int(first_ends / FORCE_STEP_MPS) + 1
    assert force[after] < 0.7 * force[before]
    assert np.all(force >= 0)


def test_lap_time_of_constant_acceleration_is_exact() -> None:
    v = np.array([10.0, 20.0, 30.0, 20.0])
    assert np.isclose(lap_time(v, 150.0), 150 / 15 + 150 / 25 + 150 / 25 + 150 / 15)
