"""Scenarios of files made wrong: the host must refuse them, and say where."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from tianyuan import names
from tianyuan.control.errors import InputError
from tianyuan.control.records import Cause, Controller
from tianyuan.firmware.car_file import load_car
from tianyuan.firmware.commissioning import check_commissioned
from tianyuan.firmware.host import make_host
from tianyuan.firmware.racing_line import line_for
from tianyuan.hil.faults.fault import Layer
from tianyuan.hil.faults.files import Inputs, made_wrong
from tianyuan.hil.scenario.model import Reaction, Scenario
from tianyuan.hil.scenario.result import Result

PATIENCE_S: Final = 120.0  # in which a host with a cold cache starts
BAD_INPUT: Final = 2


def is_of_files(scenario: Scenario) -> bool:
    """Whether the scenario's fault is in what the host reads before it starts."""
    return bool(scenario.faults) and scenario.faults[0].row.virtual is Layer.FILE


def judged(scenario: Scenario, seed: int, realtime: bool, where: str) -> Result:
    """Start a host with the files made wrong, and judge what it says. Raises InputError."""
    if scenario.car_file:
        raise InputError(f"{where}: car_file: goes with no fault of files; leave it out")
    with tempfile.TemporaryDirectory(prefix="hil-") as folder:
        inputs = Inputs(names.car_file(scenario.car), names.track_file(scenario.track))
        wrong = made_wrong(scenario.faults[0], inputs, Path(folder))
        said = _as_a_process(scenario, wrong, folder) if realtime else _at_boot(scenario, wrong)
    failures = _failures(said, wrong)
    reaction: Reaction = "none" if said is None else "refused"
    return Result(
        name=scenario.name,
        passed=not failures,
        reaction=reaction,
        cause=Cause.NONE.name,
        detected_ms=None,
        bound_ms=None,
        max_cross_track_m=None,
        about=scenario.about,
        expected="refused",
        known=scenario.expect.known,
        faults=[entry.fault for entry in scenario.faults],
        fault_s=None,
        reaction_s=None,
        on_track=True,
        min_edge_margin_m=None,
        stop_distance_m=None,
        laps=[],
        top_speed_mps=0.0,
        driven_s=0.0,
        failures=failures,
        seed=seed,
        car=scenario.car,
        track=scenario.track,
        controller=scenario.controller,
        realtime=realtime,
    )


def _at_boot(scenario: Scenario, inputs: Inputs) -> str | None:
    """What a host says that starts as ``tianyuan drive`` does; None if it would drive."""
    law = Controller[scenario.controller.upper().replace("-", "_")]
    try:
        car = load_car(inputs.car)
        check_commissioned(car)
        path = line_for(car, inputs.track, inputs.line)
        make_host(car, path, law, 1_000_000_000 // scenario.rate_hz)
    except InputError as error:
        return str(error)
    return None


def _as_a_process(scenario: Scenario, inputs: Inputs, folder: str) -> str | None:
    """What the real program says, within its patience; None if it drives."""
    line = ("--line", str(inputs.line)) if inputs.line is not None else ()
    command = (
        sys.executable, "-m", "tianyuan", "drive", "--car", str(inputs.car), "--track",
        str(inputs.track), "--rate", str(scenario.rate_hz), "-c", f"{folder}/can0",
        "--seconds", "1", *line,
    )  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    return done.stderr if done.returncode == BAD_INPUT else None


def _failures(said: str | None, wrong: Inputs) -> list[str]:
    if said is None:
        return ["the host starts with it"]
    made = [wrong.car.name, *([wrong.line.name] if wrong.line else [])]
    named = [name for name in made if name in said] or ".dbc" in said
    lines = said.strip().splitlines()
    failures = [] if named else [f"it names neither file nor line: {said.strip()}"]
    return failures + ([] if len(lines) == 1 else [f"it takes {len(lines)} lines to say so"])
