"""``tianyuan rig``: the car and the world in real time, on the bus."""

from __future__ import annotations

from typing import Annotated

import typer

from tianyuan import names
from tianyuan.commands import options
from tianyuan.commands.files import written
from tianyuan.commands.prepare import prepare
from tianyuan.commands.progress import bar
from tianyuan.commands.results import print_laps, report_of, result_of, timing_of
from tianyuan.commands.signals import stop_on_signals
from tianyuan.firmware.bus_names import bus_of, car_buses
from tianyuan.firmware.car_file import load_car
from tianyuan.hil import realtime, virtual
from tianyuan.hil.report import write_report

HOST_RATE_HZ = 500  # the rig needs the host's tables, not its rate


def rig(
    car: options.CarName = "tianyuan",
    track: options.TrackName = "zhuzhou",
    laps: options.Laps = 1,
    controller: Annotated[
        str, typer.Option("--controller", "-k", help="The host's law, for the report.")
    ] = "stanley",
    line: options.LineFile = None,
    interface: options.Interface = "tianyuan",
    channel: options.Channel = "tianyuan",
    host_bus: options.HostBus = None,
    seed: options.Seed = 1,
    cpu: options.Cpu = None,
    json: options.Json = None,
    report: options.Report = None,
) -> None:
    """Be the car and the world for a host on the same bus, until its laps are done."""
    buses, about = car_buses(load_car(names.car_file(car)), channel, interface), bus_of(host_bus)
    options.advise([*buses, about])
    ready = prepare(car, track, line, controller, HOST_RATE_HZ)
    world = virtual.make_rig(ready.car, names.vehicle_file(car), ready.host, seed)
    life = virtual.birth(world, ready.host, laps)
    stop = stop_on_signals()
    with bar(f"{laps} laps in real time", total=laps) as progress:
        realtime.drive_rig(
            world,
            life,
            buses,
            cpu,
            lambda: progress(virtual.laps_done(life, ready.host)),
            stop,
            about,
        )
    telemetry = life.rows[: life.written[0]]
    run = result_of(ready, telemetry, virtual.has_finished(life, laps))
    if json is not None:
        options.write_json(json, run.to_json())
    if json != "-":
        print_laps(run)
    if report is not None:
        drawn = report_of(run, telemetry, ready.path, timing_of(life.timing))
        written("report", report, write_report, drawn)
