"""``tianyuan lap``: laps in virtual time, as fast as the machine goes."""

from __future__ import annotations

import typer

from tianyuan import names
from tianyuan.commands import options
from tianyuan.commands.progress import bar
from tianyuan.commands.results import print_laps, report_of, written
from tianyuan.control.records import Cause
from tianyuan.firmware.car_file import load_car
from tianyuan.firmware.host import line_for, make_host
from tianyuan.hil import laps as lap_table
from tianyuan.hil import virtual
from tianyuan.hil.laps import LapRun
from tianyuan.hil.report import lap_picture, write_report


def lap(
    car: options.CarName = "tianyuan",
    track: options.TrackName = "zhuzhou",
    laps: options.Laps = 3,
    controller: options.ControllerName = "stanley",
    line: options.LineFile = None,
    rate: options.Rate = 500,
    seed: options.Seed = 1,
    json: options.Json = None,
    report: options.Report = None,
    picture: options.Picture = None,
) -> None:
    """Drive laps in virtual time with the same compiled tick as on the car."""
    period_ns = options.period_ns_of(rate)
    law = options.controller_of(controller)
    the_car = load_car(names.car_file(car))
    track_file = names.track_file(track)
    with bar(f"racing line of {track_file.stem}") as progress:
        path = line_for(the_car, track_file, line, progress)
    host = make_host(the_car, path, law, period_ns)
    world = virtual.make_rig(the_car, names.vehicle_file(car), host, seed)
    with bar(f"{laps} laps, {controller}", total=laps) as progress:
        outcome = virtual.run(world, host, laps, period_ns, progress)
    done = lap_table.laps(outcome.telemetry)
    cause = lap_table.stop_cause(outcome.telemetry)
    run = LapRun(
        finished=outcome.finished,
        stop_cause=cause.name,
        laps=done,
        real_time_factor=outcome.real_time_factor,
        track=track_file.stem,
        car=the_car.name,
        controller=controller,
    )
    if json is not None:
        options.write_json(json, run.to_json())
    if json != "-":
        print_laps(run)
    drawn = report_of(run, outcome.telemetry, path)
    if report is not None:
        written("report", report, write_report, drawn)
    if picture is not None:
        written("picture", picture, lap_picture, drawn)
    if not outcome.finished or cause != Cause.CHEQUERED_FLAG:
        raise typer.Exit(1)
