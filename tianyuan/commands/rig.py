"""``tianyuan rig``: the car and the world in real time, on the bus."""

from __future__ import annotations

import signal
import threading
from typing import Annotated

import typer

from tianyuan import names
from tianyuan.commands import options
from tianyuan.commands.progress import bar
from tianyuan.commands.results import print_laps, report_of, timing_of, written
from tianyuan.firmware.car_file import load_car
from tianyuan.firmware.host import line_for, make_host
from tianyuan.hil import laps as lap_table
from tianyuan.hil import realtime, virtual
from tianyuan.hil.laps import LapRun
from tianyuan.hil.report import write_report


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
    seed: options.Seed = 1,
    cpu: Annotated[int | None, typer.Option("--cpu", min=0, help="Pin the rig to a CPU.")] = None,
    json: options.Json = None,
    report: options.Report = None,
) -> None:
    """Be the car and the world for a host on the same bus, until its laps are done."""
    options.local_only(interface)
    law = options.controller_of(controller)
    the_car = load_car(names.car_file(car))
    track_file = names.track_file(track)
    with bar(f"racing line of {track_file.stem}") as progress:
        path = line_for(the_car, track_file, line, progress)
    host = make_host(the_car, path, law, realtime.HOST_PERIOD_NS)
    world = virtual.make_rig(the_car, names.vehicle_file(car), host, seed)
    life = virtual.birth(world, host, laps)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with bar(f"{laps} laps in real time", total=laps) as progress:
        realtime.drive_rig(
            world, life, channel, cpu, lambda: progress(virtual.laps_done(life, host)), stop
        )
    telemetry = life.rows[: life.written[0]]
    run = LapRun(
        finished=virtual.has_finished(life, laps),
        stop_cause=lap_table.stop_cause(telemetry).name,
        laps=lap_table.laps(telemetry),
        real_time_factor=1.0,
        track=track_file.stem,
        car=the_car.name,
        controller=controller,
    )
    if json is not None:
        options.write_json(json, run.to_json())
    if json != "-":
        print_laps(run)
    if report is not None:
        drawn = report_of(run, telemetry, path, timing_of(life.timing))
        written("report", report, write_report, drawn)
