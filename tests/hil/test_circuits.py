"""The promise: every circuit, both laws, no retuning, never off the track."""

from __future__ import annotations

from pathlib import Path

import pytest

from tianyuan import names
from tianyuan.control.records import Cause, Controller
from tianyuan.firmware.host import make_host
from tianyuan.firmware.racing_line import line_for
from tianyuan.hil import virtual
from tianyuan.hil.laps import best_lap, laps, stop_cause

# Compiled code alone is quick enough, and as shipped alone: bounds are checked on the oval.
pytestmark = [pytest.mark.compiled, pytest.mark.timed]

CIRCUITS = [
    "Austin",
    "BrandsHatch",
    "Budapest",
    "Catalunya",
    "Hockenheim",
    "IMS",
    "Melbourne",
    "Monza",
    "Nuerburgring",
    "Oschersleben",
    "Sepang",
    "Spa",
    "Zandvoort",
]
PERIOD_NS = 2_000_000


@pytest.fixture(scope="module", params=["zhuzhou", *CIRCUITS])
def circuit(request, car):
    if request.param == "zhuzhou":
        file = names.track_file("zhuzhou")
    else:
        file = request.getfixturevalue("tracks") / f"{request.param}.csv"
    return request.param, line_for(car, Path(file))


@pytest.mark.parametrize("controller", Controller)
def test_two_laps_of_any_circuit_stay_on_the_track(circuit, car, controller, record_property):
    name, path = circuit
    host = make_host(car, path, controller, PERIOD_NS)
    world = virtual.make_rig(car, names.vehicle_file("tianyuan"), host, seed=1)
    outcome = virtual.run(world, host, virtual.make_guard(car, host), 2, PERIOD_NS)
    done = laps(outcome.telemetry)
    margins = [round(lap.min_edge_margin_m, 3) for lap in done]
    record_property("margins", str(margins))
    assert outcome.finished
    assert stop_cause(outcome.telemetry) == Cause.CHEQUERED_FLAG
    assert [lap.number for lap in done] == [1, 2]
    assert min(outcome.telemetry.edge_margin_m) > 0
    if name == "zhuzhou":
        assert best_lap(done).time_s < 136.0


def test_the_circuits_are_all_that_were_published(tracks):
    assert {file.stem for file in tracks.glob("*.csv")} == set(CIRCUITS)
