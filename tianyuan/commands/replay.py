"""``tianyuan replay``: logs through the same compiled tick, or onto a bus."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

import typer

from tianyuan.commands import options
from tianyuan.commands.replays.folder import replay_folder
from tianyuan.commands.replays.one import ask_what_if, replay_one
from tianyuan.commands.replays.onto_bus import replay_onto_bus
from tianyuan.control.errors import InputError
from tianyuan.control.records import Controller
from tianyuan.firmware.log_file import card_file, parts
from tianyuan.hil.replay.source import Named

LOCAL: Final = "tianyuan"  # interface and channel where nothing is said


def replay(
    log: Annotated[
        Path,
        typer.Argument(help="A log of `tianyuan drive --log`, any other, or a folder of logs."),
    ],
    car: Annotated[
        str | None, typer.Option("--car", help="For another host's log: a car, or its TOML file.")
    ] = None,
    track: Annotated[
        str | None, typer.Option("--track", help="For another host's log: a circuit, or its file.")
    ] = None,
    line: options.LineFile = None,
    controller: Annotated[
        str | None,
        typer.Option("--controller", "-k", help="Another law than the run's; stanley for others."),
    ] = None,
    rate: Annotated[
        int | None,
        typer.Option(
            "--rate", help=f"Of another host's log: {options.RATE_HELP} 500 if not given."
        ),
    ] = None,
    bus: Annotated[
        list[str] | None,
        typer.Option("--bus", help="BUS=CHANNEL: which of the log's channels is a car's bus."),
    ] = None,
    changed: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="KEY=VALUE of the car's file: what would have been commanded with it? With "
            "--to-bus, a setting of python-can's interface. May be repeated.",
        ),
    ] = None,
    report: Annotated[
        Path | None, typer.Option("--report", help="With --set: draw both in one HTML file.")
    ] = None,
    to_bus: Annotated[
        bool, typer.Option("--to-bus", help="Play the log onto a bus, with its own spacing.")
    ] = False,
    interface: Annotated[
        str,
        typer.Option(
            "--interface",
            "-i",
            help="With --to-bus: tianyuan, socketcan, or any interface of python-can.",
        ),
    ] = LOCAL,
    channel: Annotated[
        str,
        typer.Option("--channel", "-c", help="With --to-bus: a bus for each channel, by commas."),
    ] = LOCAL,
    speed: Annotated[
        float, typer.Option("--speed", min=0.01, max=100.0, help="With --to-bus: times as fast.")
    ] = 1.0,
    frames: Annotated[
        str, typer.Option("--frames", help="With --to-bus: all, or those that came in or went out.")
    ] = "all",
    cpu: options.Cpu = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Of a folder: processes; one a core.")
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option("--cluster", help="Of a folder: a Dask scheduler's address or file."),
    ] = None,
    accept: Annotated[
        bool, typer.Option("--accept", help="Of a folder: what comes out is the new reference.")
    ] = False,
    junit: Annotated[
        Path | None, typer.Option("--junit", help="Of a folder: write JUnit's XML.")
    ] = None,
    json: options.Json = None,
) -> None:
    """Re-run a drive from its log; exit status 1 if any frame comes out otherwise.

    A folder of logs is a regression suite: each is held against the reference beside it.
    """
    # Of a log whose first part was dropped, its card says that there was one.
    if not log.exists() and not card_file(log).exists():
        raise InputError(f"{log}: no such file")
    law = options.controller_of(controller) if controller is not None else None
    if rate is not None:
        options.period_ns_of(rate)  # refuses others
    named = Named(car, track, line, law or Controller.STANLEY, rate, _buses_of(bus or []))
    folders: dict[str, object] = {
        "--workers": workers,
        "--cluster": cluster,
        "--accept": accept,
        "--junit": junit,
    }
    if to_bus:
        of_host: dict[str, object] = {
            "--car": car,
            "--track": track,
            "--line": line,
            "--controller": controller,
            "--rate": rate,
            "--bus": bus,
            "--report": report,
        }
        _refuse(of_host | folders, "is not for --to-bus, which plays the frames as they are")
        replay_onto_bus(log, interface, channel, speed, frames, changed or [], cpu, json)
        return
    _refuse(
        {"--interface": interface != LOCAL, "--channel": channel != LOCAL, "--speed": speed != 1.0,
         "--frames": frames != "all", "--cpu": cpu is not None},
        "is for --to-bus",
    )  # fmt: skip
    if log.is_dir():
        single: dict[str, object] = {"--set": changed, "--report": report}
        if car is None:  # and then all logs have their own
            single["--controller"] = controller
        _refuse(single, "is for a single log")
        fine = replay_folder(log, named, workers, cluster, accept, junit, json)
    else:
        _refuse(folders, "is for a folder of logs")
        options.spare([*parts(log), card_file(log)], report=report, json=json)
        if changed or (law is not None and car is None):
            ask_what_if(log, named, changed or [], law, json, report)
            return
        _refuse({"--report": report}, "draws a difference: give --set or --controller too")
        fine = replay_one(log, named, json)
    if not fine:
        raise typer.Exit(1)


def _refuse(given: Mapping[str, object], why: str) -> None:
    for option, value in given.items():
        if value:
            raise InputError(f"{option} {why}")


def _buses_of(texts: list[str]) -> dict[str, str]:
    """The log's channel of each bus, of ``--bus BUS=CHANNEL``."""
    found = {}
    for text in texts:
        bus, equals, channel = text.partition("=")
        if not (equals and bus and channel):
            raise InputError(f"--bus {text}: not BUS=CHANNEL, as car=can0")
        found[bus] = channel
    return found
