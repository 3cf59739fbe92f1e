"""Lap times: crossings lie between rows, and only whole laps count."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianyuan.control.records import Cause
from tianyuan.hil.laps import LapRun, best_lap, laps, stop_cause
from tianyuan.hil.telemetry import TELEMETRY

LENGTH_M = 1000.0


def run(distance_m, rate_hz: float = 100.0, seconds: float = 60.0, phase_s: float = 0.0):
    """Telemetry of a car that has covered ``distance_m(t)`` since the start at the line."""
    t_s = np.concatenate([[0.0], phase_s + np.arange(1, int(seconds * rate_hz)) / rate_hz])
    covered_m = np.array([distance_m(t) for t in t_s])
    rows = np.zeros(len(t_s), TELEMETRY)
    rows["t_s"] = t_s
    rows["lap"] = 1 + covered_m // LENGTH_M
    rows["station_m"] = covered_m % LENGTH_M
    rows["speed_mps"] = np.gradient(covered_m, t_s)
    rows["cross_track_m"] = 0.3 * np.sin(covered_m / LENGTH_M * 2 * np.pi)
    rows["edge_margin_m"] = 2.0 - np.abs(rows["cross_track_m"])
    return rows


@given(
    speed_mps=st.floats(20, 90),
    rate_hz=st.floats(20, 500),
    phase=st.floats(-0.49, 0.49),
)
def test_constant_speed_gives_exact_lap_times_whatever_the_sampling(speed_mps, rate_hz, phase):
    seconds = 3.3 * LENGTH_M / speed_mps
    rows = run(lambda t: speed_mps * t, rate_hz, seconds, phase / rate_hz)
    assert [lap.number for lap in laps(rows)] == [1, 2, 3]
    for lap in laps(rows):
        assert lap.time_s == pytest.approx(LENGTH_M / speed_mps, abs=1e-6)


@pytest.mark.parametrize(("rate_hz", "error_s"), [(100.0, 5e-6), (10.0, 2e-4)])
@given(phase=st.floats(-0.49, 0.49))
def test_acceleration_across_the_line_hardly_matters(rate_hz, error_s, phase):
    rows = run(lambda t: 4.0 * t * t, rate_hz, 30.0, phase / rate_hz)
    done = laps(rows)
    crossings = [math.sqrt(k * LENGTH_M / 4.0) for k in range(len(done) + 1)]
    assert len(done) == 3
    assert [lap.time_s for lap in done] == pytest.approx(np.diff(crossings).tolist(), abs=error_s)


def test_lap_times_add_up_to_the_run():
    rows = run(lambda t: 40.0 * t + 3.0 * math.sin(t), seconds=110.0)
    done = laps(rows)
    assert len(done) == 4
    total = sum(lap.time_s for lap in done)
    assert 40.0 * total + 3.0 * math.sin(total) == pytest.approx(4 * LENGTH_M, abs=1e-2)


def test_a_stop_in_mid_lap_is_no_lap():
    rows = run(lambda t: min(50.0 * t, 2.4 * LENGTH_M), seconds=80.0)
    assert [lap.number for lap in laps(rows)] == [1, 2]


def test_a_run_that_ends_with_the_first_row_over_the_line_counts_the_lap():
    rows = run(lambda t: 50.0 * t)
    end = int(np.argmax(rows["lap"] == 3)) + 1
    assert laps(rows[:end])[-1].time_s == pytest.approx(20.0, abs=1e-6)
    assert [lap.number for lap in laps(rows[: end - 1])] == [1]


def test_a_lap_that_began_before_the_first_row_is_left_out():
    rows = run(lambda t: 50.0 * t, seconds=90.0)
    assert [lap.number for lap in laps(rows[rows["lap"] >= 2])] == [3, 4]


def test_waiting_before_the_start_does_not_count():
    rows = run(lambda t: 50.0 * max(t - 5.0, 0.0))
    rows["lap"][rows["t_s"] < 5.0] = 0
    first = laps(rows)[0]
    assert first.number == 1
    assert first.time_s == pytest.approx(20.0, abs=1e-6)


def test_a_counter_that_turns_before_the_station_wraps_stays_within_the_row():
    rows = run(lambda t: 50.0 * t)
    turned = int(np.argmax(rows["lap"] == 2)) - 2
    rows["lap"][turned : turned + 2] = 2
    assert laps(rows)[0].time_s == pytest.approx(20.0, abs=0.031)


def test_figures_are_those_of_the_lap_alone():
    rows = run(lambda t: 50.0 * t)
    rows["cross_track_m"][rows["lap"] == 2] *= -2.0
    rows["speed_mps"][np.argmax(rows["lap"] == 2)] = 60.0
    first, second = laps(rows)
    assert first.rms_cross_track_m == pytest.approx(0.3 / math.sqrt(2), rel=1e-3)
    assert first.max_cross_track_m == pytest.approx(0.3, rel=1e-3)
    assert second.max_cross_track_m == pytest.approx(0.6, rel=1e-3)
    assert first.min_edge_margin_m == pytest.approx(1.7, rel=1e-3)
    assert (first.top_speed_mps, second.top_speed_mps) == (pytest.approx(50.0), 60.0)


def test_the_best_lap_is_a_flying_one_where_there_is_one():
    done = laps(run(lambda t: 50.0 * t if t < 20 else 1000.0 + 40.0 * (t - 20.0)))
    assert best_lap(done).number == 2
    assert best_lap(done[:1]).number == 1
    assert best_lap([]) is None


def test_no_rows_are_no_laps():
    assert laps(np.zeros(0, TELEMETRY)) == []
    assert stop_cause(np.zeros(0, TELEMETRY)) is Cause.NONE


def test_the_document_has_its_named_keys_and_is_strict_json():
    rows = run(lambda t: 50.0 * t)
    rows["cause"][-1] = Cause.CHEQUERED_FLAG
    document = LapRun(
        finished=True,
        stop_cause=stop_cause(rows).name,
        laps=laps(rows),
        real_time_factor=math.inf,
        track="a",
        car="b",
        controller="stanley",
    )
    read = json.loads(document.to_json(), parse_constant=pytest.fail)
    assert list(read) == [
        "finished",
        "stop_cause",
        "laps",
        "reactions",
        "real_time_factor",
        "track",
        "car",
        "controller",
        "buses",
    ]
    assert read["stop_cause"] == "CHEQUERED_FLAG"
    assert read["real_time_factor"] is None
    wanted = {"time_s", "rms_cross_track_m", "max_cross_track_m", "min_edge_margin_m"}
    assert wanted | {"top_speed_mps"} <= read["laps"][0].keys()
