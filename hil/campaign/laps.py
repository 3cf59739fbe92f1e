"""One run of a scenario's document: laps in virtual time."""

from __future__ import annotations

from typing import Any

import numpy as np

from tianyuan import names
from tianyuan.control.records import Controller
from tianyuan.firmware.car_file import load_car
from tianyuan.firmware.host import make_host
from tianyuan.firmware.racing_line import line_for
from tianyuan.hil import laps, virtual

PERIOD_NS = 2_000_000
FIGURES = ("passed", "failures", "cause", "laps_driven", "lap_time_s", "max_cross_track_m")


def run(document: dict[str, Any]) -> dict[str, Any]:
    """The figures of a run."""
    car = load_car(names.car_file(document.get("car", "tianyuan")))
    parameters = {
        section: table | document.get("car_file", {}).get(section, {})
        for section, table in car.parameters.items()
    }
    car = car.model_copy(update={"parameters": parameters})
    path = line_for(car, names.track_file(document.get("track", "oval")))
    law = Controller[document.get("controller", "stanley").upper().replace("-", "_")]
    host = make_host(car, path, law, PERIOD_NS)
    vehicle = names.vehicle_file(document.get("car", "tianyuan"))
    world = virtual.make_rig(car, vehicle, host, document["seed"])
    guard = virtual.make_guard(car, host)
    outcome = virtual.run(world, host, guard, document.get("laps", 1), PERIOD_NS)
    driven = laps.laps(outcome.telemetry)
    best = laps.best_lap(driven)
    farthest_m = float(np.abs(outcome.telemetry.cross_track_m).max(initial=0.0))
    return {
        "passed": outcome.finished,
        "failures": [] if outcome.finished else ["not finished"],
        "cause": laps.stop_cause(outcome.telemetry).name,
        "laps_driven": len(driven),
        "lap_time_s": best.time_s if best else None,
        "max_cross_track_m": farthest_m,
    }


def read(name: str) -> dict[str, Any]:
    """The document of a scenario."""
    raise NotImplementedError(name)
