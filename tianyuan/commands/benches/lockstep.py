"""``tianyuan bench lockstep``: how much faster than real time host and rig go."""

from __future__ import annotations

import json as jsonlib
import os
from typing import Annotated

import typer

from tianyuan import names
from tianyuan.commands import options
from tianyuan.commands.progress import bar
from tianyuan.firmware.car_file import load_car
from tianyuan.firmware.racing_line import line_for
from tianyuan.hil.benches import lockstep as driving

CAR, TRACK = "tianyuan", "zhuzhou"


def lockstep(
    seconds: Annotated[
        float, typer.Option("--seconds", min=1.0, max=3600.0, help="Virtual time of a turn.")
    ] = 120.0,
    turns: options.Turns = 7,
    json: options.Json = None,
) -> None:
    """Host at 500 Hz and plant at 1 kHz over the full codec, on one core and on two."""
    car = names.car_file(CAR)
    with bar(f"racing line of {TRACK}") as progress:
        path = line_for(load_car(car), names.track_file(TRACK), None, progress)
    drive = driving.Drive(car, names.vehicle_file(CAR), path, seconds)
    with bar(f"{turns} turns of one process and two", total=turns) as progress:
        figures = driving.measure(drive, turns, progress)
    if json is not None:
        about = {"seconds": seconds, "turns": turns, "cores": len(os.sched_getaffinity(0))}
        options.write_json(json, jsonlib.dumps(figures._asdict() | about, indent=2) + "\n")
    if json != "-":
        print_lockstep(figures, seconds)


def print_lockstep(figures: driving.Figures, seconds: float) -> None:
    """Two lines."""
    typer.echo(
        f"lockstep: {figures.real_time_factor:.0f} times real time on one core, "
        f"{seconds:g} s a turn, {figures.laps:.2f} laps"
    )
    typer.echo(f"two processes side by side: {figures.speedup_2_workers:.2f} times one")
