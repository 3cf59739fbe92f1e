"""The files that a host in a process of its own is given for a scenario."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

import tomli_w

from tianyuan import names
from tianyuan.firmware.car_file import changed, read_toml
from tianyuan.firmware.line_file import write_line
from tianyuan.hil.faults.files import Inputs
from tianyuan.hil.scenario.model import Scenario, nested
from tianyuan.hil.scenario.prepare import Ready

LINE: Final = "line.csv"


def write_inputs(scenario: Scenario, ready: Ready, folder: Path) -> Inputs:
    """The car file with the scenario's changes, its DBC files beside it, and the line driven."""
    shipped = names.car_file(scenario.car)
    for file in ready.car.dbc_files():
        shutil.copy(file, folder / file.name)
    car = folder / shipped.name
    car.write_text(tomli_w.dumps(changed(read_toml(shipped), nested(scenario.car_file))))
    write_line(ready.path, folder / LINE)
    return Inputs(car, names.track_file(scenario.track), folder / LINE)
