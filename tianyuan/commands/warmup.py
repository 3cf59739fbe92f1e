"""``tianyuan warmup``: compile and plan all that a start would wait for."""

from __future__ import annotations

import json as jsonlib
import time
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from tianyuan import cache_directory, names
from tianyuan.commands import options
from tianyuan.commands.prepare import prepare
from tianyuan.commands.progress import bar
from tianyuan.firmware.drive import EARLY_NS
from tianyuan.firmware.guard import process as guarding
from tianyuan.firmware.guard import tables as guard_tables
from tianyuan.firmware.rehearsal import rehearse
from tianyuan.hil import realtime, virtual

RATE_HZ = 500  # code and line are the same at any other


def warmup(
    car: options.CarName = "tianyuan",
    track: options.TrackName = "zhuzhou",
    json: options.Json = None,
) -> None:
    """Fill the cache: compile host and rig, plan the line. Later starts take a second or two.

    To be run after each change of the sources or of the car; a start without it does the
    same, and takes as long.
    """
    seconds: dict[str, float] = {}

    @contextmanager
    def stage(name: str) -> Iterator[None]:
        began = time.perf_counter()
        with bar(f"compiling the {name}" if name != "line" else "planning the line", total=None):
            yield
        seconds[name] = time.perf_counter() - began

    with stage("line"):
        ready = prepare(car, track, None, "stanley", RATE_HZ)
    with stage("host"):
        rehearse(ready.host, EARLY_NS)
    if ready.car.guard:
        with stage("guard"):
            guarding.compile_loop(guard_tables.tables(ready.car, ready.period_ns))
    with stage("rig"):
        world = virtual.make_rig(ready.car, names.vehicle_file(car), ready.host, 1)
        virtual.warm_up(world, ready.host, virtual.make_guard(ready.car, ready.host))
        realtime.warm_up(world, virtual.birth(world, ready.host, 1))
    if json is not None:
        options.write_json(json, jsonlib.dumps({"seconds": seconds}, indent=2) + "\n")
    if json != "-":
        took = ", ".join(f"{name} {spent:.1f} s" for name, spent in seconds.items())
        typer.echo(f"{took}; kept in {cache_directory()}")
