"""Plans of real circuits: within the margins, smooth, and never slower than simpler lines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import cKDTree

from tianyuan import names
from tianyuan.control.errors import InputError
from tianyuan.control.planning.corridor import Corridor
from tianyuan.control.planning.plan import Plan, plan, planned
from tianyuan.control.planning.raceline import centre_line, clearance_m, minimum_curvature
from tianyuan.control.planning.slip_map import fill_slip_map
from tianyuan.control.planning.track import Track, edges, from_points
from tianyuan.firmware.track_file import load_track

SHIPPED = ("zhuzhou", "oval")
PUBLISHED = (
    "Austin", "BrandsHatch", "Budapest", "Catalunya", "Hockenheim", "IMS", "Melbourne", "Monza",
    "Nuerburgring", "Oschersleben", "Sepang", "Spa", "Zandvoort",
)  # fmt: skip
OVER_M = 0.04  # of the margin, that the finer grid of the PATH may show

NewCar = Callable[..., np.recarray]


@dataclass(frozen=True)
class Circuit:
    track: Track
    car: np.recarray
    plan: Plan


@pytest.fixture(scope="module", params=SHIPPED + PUBLISHED)
def circuit(request: pytest.FixtureRequest, new_car: NewCar) -> Circuit:
    name = request.param
    if name in SHIPPED:
        track = load_track(names.track_file(name))
    else:
        folder: Path = request.getfixturevalue("shared_data")
        track = load_track(folder / "tracks" / f"{name}.csv")
    car = new_car()
    return Circuit(track, car, plan(track, car))


@pytest.mark.compiled
def test_the_line_stays_within_the_margins(circuit: Circuit) -> None:
    path, least = circuit.plan.path, clearance_m(circuit.car) - OVER_M
    assert min(path.left_m.min(), path.right_m.min()) > least
    # And as the crow flies, without the planner's own way of measuring.
    points = np.column_stack((path.x_m, path.y_m))
    normal = np.column_stack((-np.sin(path.heading_rad), np.cos(path.heading_rad)))
    left, right = edges(circuit.track, 0.05)
    for edge, distance in ((left, path.left_m), (right, -path.right_m)):
        tree = cKDTree(edge)
        assert tree.query(points)[0].min() > least
        # The distances lead to that very edge.
        assert tree.query(points + distance[:, None] * normal)[0].max() < 0.06


@pytest.mark.compiled
def test_the_line_is_closed_smooth_and_evenly_spaced(circuit: Circuit) -> None:
    path, spacing = circuit.plan.path, circuit.plan.spacing_m
    step = np.hypot(np.roll(path.x_m, -1) - path.x_m, np.roll(path.y_m, -1) - path.y_m)
    around = np.append(path.heading_rad, path.heading_rad[0] + circuit.track.turns * 2 * np.pi)
    bend = (path.curvature_1pm + np.roll(path.curvature_1pm, -1)) / 2
    assert np.allclose(path.s_m, np.arange(len(path)) * spacing)
    assert np.isclose(spacing * len(path), circuit.plan.length_m)
    assert np.allclose(step, spacing, rtol=2e-3)
    assert np.allclose(np.diff(around) / spacing, bend, atol=1e-3)
    assert np.abs(np.diff(path.curvature_1pm, append=path.curvature_1pm[0])).max() < 0.01 * spacing


@pytest.mark.compiled
def test_a_steering_actuator_can_follow_the_line(circuit: Circuit) -> None:
    path, p = circuit.plan.path, circuit.car[0]
    steer = np.arctan(p.wheelbase_m * path.curvature_1pm)
    rate = np.diff(steer) / circuit.plan.spacing_m * path.speed_mps[1:]
    assert np.abs(steer).max() < p.limits_steer_rad
    assert np.abs(rate).max() < p.limits_steer_rate_radps / 2


@pytest.mark.compiled
def test_a_slow_actuator_gets_a_gentler_line(new_car: NewCar) -> None:
    track = load_track(names.track_file("zhuzhou"))

    def busiest(rate_radps: float) -> float:
        car = new_car(limits_steer_rate_radps=rate_radps)
        found = plan(track, car)
        steer = np.arctan(car[0].wheelbase_m * found.path.curvature_1pm)
        return float(np.abs(np.diff(steer) / found.spacing_m * found.path.speed_mps[1:]).max())

    assert busiest(0.1) < 0.065 < busiest(0.8)


@pytest.mark.compiled
def test_the_lap_beats_the_centre_line_and_least_curvature(circuit: Circuit) -> None:
    car = circuit.car.copy()
    fill_slip_map(car)
    corridor = Corridor.of(circuit.track)
    centre = planned(corridor, centre_line(corridor), car)
    smooth = planned(corridor, minimum_curvature(corridor, car), car)
    assert circuit.plan.predicted_lap_s <= smooth.predicted_lap_s < centre.predicted_lap_s
    # What moving line and speed together is for.
    assert circuit.plan.predicted_lap_s < 0.995 * smooth.predicted_lap_s


@pytest.mark.compiled
def test_the_profile_is_consistent_with_its_own_acceleration(circuit: Circuit) -> None:
    path, spacing = circuit.plan.path, circuit.plan.spacing_m
    rise = (np.roll(path.speed_mps, -1) ** 2 - np.roll(path.speed_mps, 1) ** 2) / (4 * spacing)
    assert np.allclose(path.accel_mps2, rise, atol=1e-6)
    assert path.speed_mps.max() <= circuit.car[0].limits_speed_mps
    lateral = path.speed_mps**2 * np.abs(path.curvature_1pm)
    p = circuit.car[0]
    assert lateral.max() <= p.friction * p.planning_lateral_share * 9.80665 * (1 + 1e-6)


@pytest.mark.compiled
def test_zhuzhou_is_3774_m_long_and_the_lap_beats_the_human(new_car: NewCar) -> None:
    track = load_track(names.track_file("zhuzhou"))
    found = plan(track, new_car())
    assert abs(track.length_m - 3774) < 1
    assert track.turns == 1
    assert found.predicted_lap_s < 130  # the human drove 136


@pytest.mark.compiled
def test_progress_rises_from_the_start_to_one(new_car: NewCar) -> None:
    told: list[float] = []
    plan(load_track(names.track_file("oval")), new_car(), told.append)
    assert told == sorted(told)
    assert len(told) >= 4
    assert told[0] > 0
    assert told[-1] == 1


@pytest.mark.compiled
def test_a_mirrored_circuit_is_driven_in_the_same_time(new_car: NewCar) -> None:
    oval = load_track(names.track_file("oval"))
    mirrored = from_points("mirrored", oval.x_m, -oval.y_m, oval.right_m, oval.left_m)
    laps = [plan(track, new_car()) for track in (oval, mirrored)]
    assert np.isclose(laps[0].predicted_lap_s, laps[1].predicted_lap_s, rtol=1e-4)
    assert np.allclose(laps[0].path.curvature_1pm, -laps[1].path.curvature_1pm, atol=2e-4)


@pytest.mark.compiled
def test_planning_leaves_the_parameters_alone(new_car: NewCar) -> None:
    car = new_car()
    before = car.copy()
    plan(load_track(names.track_file("oval")), car)
    assert np.array_equal(car, before)


@pytest.mark.compiled
def test_spacing_is_what_is_asked_for(new_car: NewCar) -> None:
    found = plan(load_track(names.track_file("oval")), new_car(planning_spacing_m=2.5))
    assert abs(found.spacing_m - 2.5) < 0.01


@pytest.mark.compiled
def test_a_track_tighter_than_the_steering_is_refused(
    new_car: NewCar, ring: Callable[..., Track]
) -> None:
    with pytest.raises(InputError, match=r"ring: .* beyond .*, the reach of limits\.steer_rad"):
        plan(ring(20.0, 6.0), new_car(limits_steer_rad=0.1))
