"""A line planned once is kept, for exactly what it was planned from."""

from __future__ import annotations

import multiprocessing

import numpy as np
import pytest

from tianyuan import names
from tianyuan.control.errors import InputError
from tianyuan.control.parameters import PARAMETERS, field_name
from tianyuan.control.planning import plan as planning
from tianyuan.control.records import Controller
from tianyuan.firmware import racing_line
from tianyuan.firmware.car_file import params_of
from tianyuan.firmware.line_file import write_line
from tianyuan.firmware.racing_line import PLANNED_FROM, line_for
from tianyuan.firmware.track_file import load_track

pytestmark = pytest.mark.compiled


@pytest.fixture
def planned(monkeypatch, tmp_path):
    """Counts the plans made, in an empty cache."""
    made, really = [], planning.plan

    def plan(track, *arguments):
        made.append(track.name)
        return really(track, *arguments)

    monkeypatch.setattr(planning, "plan", plan)
    monkeypatch.setattr(racing_line, "cache_directory", lambda: tmp_path)
    return made


def circle(file, radius_m: float):
    angles = np.linspace(0.0, 2.0 * np.pi, 80, endpoint=False)
    rows = [f"{radius_m * np.cos(a)},{radius_m * np.sin(a)},5,5" for a in angles]
    file.write_text("\n".join(rows) + "\n")
    return file


def test_a_line_is_planned_once_and_comes_back_to_the_bit(car, planned, tmp_path):
    track = circle(tmp_path / "ring.csv", 100.0)
    first, second = line_for(car, track), line_for(car, track)
    assert planned == ["ring.csv"]
    assert first.tobytes() == second.tobytes()
    assert second.speed_mps[0] == first.speed_mps[0]


def test_another_car_and_another_track_have_lines_of_their_own(car, planned, tmp_path):
    track = circle(tmp_path / "ring.csv", 100.0)
    line_for(car, track)
    vehicle = car.parameters["vehicle"] | {"friction": 0.8}
    slippery = car.model_copy(update={"parameters": car.parameters | {"vehicle": vehicle}})
    slower = line_for(slippery, track)
    assert len(planned) == 2
    assert slower.speed_mps.max() < line_for(car, track).speed_mps.max()
    circle(track, 120.0)  # edited under the same name
    line_for(car, track)
    assert len(planned) == 3


def test_planning_reads_no_parameter_but_those_a_kept_line_is_named_after(car, tmp_path):
    track = load_track(circle(tmp_path / "ring.csv", 100.0))
    params = params_of(car, Controller.STANLEY, 0.0)
    bare = params.copy()
    for parameter in PARAMETERS:
        if parameter.section not in PLANNED_FROM:
            bare[field_name(parameter)] = np.nan
    bare.stale_s, bare.controller, bare.period_s = np.nan, -1, np.nan

    assert planning.plan(track, bare).path.tobytes() == planning.plan(track, params).path.tobytes()


def test_another_gain_has_no_line_of_its_own(car, planned, tmp_path):
    track = circle(tmp_path / "ring.csv", 100.0)
    line_for(car, track)
    stanley = car.parameters["stanley"] | {"k_1ps": 1.5}
    line_for(car.model_copy(update={"parameters": car.parameters | {"stanley": stanley}}), track)
    assert len(planned) == 1


def test_processes_that_want_the_same_line_plan_it_once(car, planned, monkeypatch, tmp_path):
    track, forking = circle(tmp_path / "ring.csv", 100.0), multiprocessing.get_context("fork")
    plans, really = forking.Value("i", 0), planning.plan

    def plan(*arguments):
        with plans.get_lock():
            plans.value += 1
        return really(*arguments)

    monkeypatch.setattr(planning, "plan", plan)
    processes = [forking.Process(target=line_for, args=(car, track)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)

    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert plans.value == 1


@pytest.mark.parametrize("spoil", [lambda b: b[:-1], lambda b: b[:8], lambda b: b[:-9] + bytes(9)])
def test_a_kept_line_that_is_not_whole_is_planned_again(car, planned, tmp_path, spoil):
    track = circle(tmp_path / "ring.csv", 100.0)
    line_for(car, track)
    (kept,) = (tmp_path / "lines").glob("*.npy")
    kept.write_bytes(spoil(kept.read_bytes()))
    assert np.isfinite(line_for(car, track).x_m).all()
    assert len(planned) == 2


def test_a_line_from_a_file_is_checked_and_nothing_is_planned(car, planned, tmp_path):
    track = circle(tmp_path / "ring.csv", 100.0)
    path = line_for(car, track)
    write_line(path, tmp_path / "line.csv")
    assert line_for(car, track, tmp_path / "line.csv").tobytes() == path.tobytes()
    path.x_m[3] = np.nan
    write_line(path, tmp_path / "line.csv")
    with pytest.raises(InputError, match="line 5"):
        line_for(car, track, tmp_path / "line.csv")
    assert len(planned) == 1


def test_a_track_that_cannot_be_read_is_refused(car, planned, tmp_path):
    with pytest.raises(InputError, match="none"):
        line_for(car, names.track_file("oval").with_name("none.csv"))
