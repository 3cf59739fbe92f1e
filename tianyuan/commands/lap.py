"""``tianyuan lap``: laps in virtual time, as fast as the machine goes."""

from __future__ import annotations

import typer

from tianyuan import names
from tianyuan.commands import options
from tianyuan.commands.files import written
from tianyuan.commands.prepare import prepare
from tianyuan.commands.progress import bar
from tianyuan.commands.results import print_buses, print_laps, report_of, result_of
from tianyuan.hil import virtual
from tianyuan.hil.bus.figures import figures
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
    bus_model: options.BusModel = False,
) -> None:
    """Drive laps in virtual time; exit status 1 if the car did not finish them."""
    ready = prepare(car, track, line, controller, rate)
    world = virtual.make_rig(ready.car, names.vehicle_file(car), ready.host, seed)
    guard = virtual.make_guard(ready.car, ready.host)
    with bar("compiling, the first time only", total=None):
        virtual.warm_up(world, ready.host, guard)
    net = virtual.make_net(ready.car, seed) if bus_model else virtual.AT_ONCE
    with bar(f"{laps} laps, {controller}", total=laps) as progress:
        outcome = virtual.run(world, ready.host, guard, laps, ready.period_ns, progress, net)
    run = result_of(
        ready,
        outcome.telemetry,
        outcome.finished,
        outcome.real_time_factor,
        figures(net, ready.car),
    )
    if json is not None:
        options.write_json(json, run.to_json())
    if json != "-":
        print_laps(run)
        print_buses(run.buses)
    drawn = report_of(run, outcome.telemetry, ready.path)
    if report is not None:
        written("report", report, write_report, drawn)
    if picture is not None:
        written("picture", picture, lap_picture, drawn)
    if not outcome.finished:
        raise typer.Exit(1)
