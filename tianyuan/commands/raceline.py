"""``tianyuan raceline``: plan the line and its speed profile, and write them down."""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import Annotated

import typer

from tianyuan import names
from tianyuan.commands import options
from tianyuan.commands.progress import bar
from tianyuan.control.errors import InputError
from tianyuan.control.planning.plan import plan
from tianyuan.control.records import Controller
from tianyuan.firmware.car_file import load_car, params_of
from tianyuan.firmware.line_file import write_line
from tianyuan.firmware.track_file import load_track


def raceline(
    output: Annotated[
        Path,
        typer.Option("--output", "-o", callback=options.writable, help="The CSV file to write."),
    ],
    car: options.CarName = "tianyuan",
    track: options.TrackName = "zhuzhou",
    json: options.Json = None,
) -> None:
    """Plan the racing line and speed profile of a car on a circuit."""
    the_car = load_car(names.car_file(car))
    circuit = load_track(names.track_file(track))
    with bar(f"racing line of {circuit.name}") as progress:
        planned = plan(circuit, params_of(the_car, Controller.STANLEY, 0.0), progress)
    try:
        write_line(planned.path, output)
    except OSError as error:
        raise InputError(f"--output {output}: {error.strerror}") from None
    figures = {"length_m": planned.length_m, "predicted_lap_s": planned.predicted_lap_s}
    if json is not None:
        options.write_json(json, jsonlib.dumps(figures, indent=2) + "\n")
    if json != "-":
        typer.echo(
            f"{output}: {planned.length_m:.1f} m in a predicted {planned.predicted_lap_s:.2f} s"
        )
