"""``tianyuan drive``: the onboard host in real time."""

from __future__ import annotations

import json as jsonlib
import signal
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from tianyuan import names
from tianyuan.commands import options
from tianyuan.commands.prepare import prepare
from tianyuan.commands.privileges import print_privileges
from tianyuan.commands.progress import bar
from tianyuan.commands.timing import print_boot, print_timing, tell_aside
from tianyuan.firmware.boot import Boot
from tianyuan.firmware.bus_names import bus_of, car_buses
from tianyuan.firmware.car_file import load_car
from tianyuan.firmware.commissioning import check_commissioned
from tianyuan.firmware.drive import EARLY_NS, Terms
from tianyuan.firmware.drive import drive as run_drive
from tianyuan.firmware.log_file import check_log
from tianyuan.firmware.loop_thread import Controls, controls
from tianyuan.firmware.run_card import write_card

NS_PER_US = 1000


def stop_then_quit_on_signals(asked: Controls) -> None:
    """SIGTERM and SIGINT ask for a controlled stop; the second one ends at once."""

    def handle(number: int, frame: FrameType | None) -> None:
        if asked.stopping:
            asked.quit()
        asked.stop()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)


def drive(
    car: options.CarName = "tianyuan",
    track: options.TrackName = "zhuzhou",
    controller: options.ControllerName = "stanley",
    line: options.LineFile = None,
    rate: options.Rate = 500,
    interface: options.Interface = "tianyuan",
    channel: options.Channel = "tianyuan",
    host_bus: options.HostBus = None,
    log: Annotated[
        Path | None, typer.Option("--log", help="Record to a file: .blf, .mf4, .log or .log.gz.")
    ] = None,
    log_part_mb: options.LogPartMb = options.LOG_PART_MB,
    log_part_s: options.LogPartS = 0.0,
    log_total_mb: options.LogTotalMb = 0.0,
    seconds: Annotated[
        float | None, typer.Option("--seconds", min=0.1, help="Stop the car after so long.")
    ] = None,
    cpu: options.Cpu = None,
    early: options.Early = EARLY_NS // NS_PER_US,
    json: options.Json = None,
) -> None:
    """Drive the car: the host on its bus, in real time, until stopped and standing."""
    the_car = load_car(names.car_file(car))
    check_commissioned(the_car)
    buses = car_buses(the_car, channel, interface)
    about = bus_of(host_bus)
    options.advise([*buses, about])
    if log is not None:
        check_log(log)
    boot, asked = Boot(), controls()
    boot.reached("load")
    ready = prepare(car, track, line, controller, rate)

    def card(beside: Path, wall_ns: int) -> None:
        write_card(beside, ready.car, ready.path, ready.law, rate, wall_ns)

    keep = options.limits_of(log_part_mb, log_part_s, log_total_mb)
    stop_then_quit_on_signals(asked)
    terms = Terms(buses, ready.period_ns, cpu, log, card, seconds, early * NS_PER_US, about, keep)
    with bar("driving", total=seconds) as progress:
        result = run_drive(ready.host, terms, asked, boot, progress)
    tell_aside(result.aside)
    print_privileges(result.steps)
    print_boot(result.boot)
    figures = result.figures()
    if json is not None:
        options.write_json(json, jsonlib.dumps(figures, indent=2) + "\n")
    if json != "-":
        print_timing(figures)
