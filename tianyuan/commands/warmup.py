"""``tianyuan warmup``: compile and plan all that a start would wait for."""

from __future__ import annotations

import json as jsonlib
import os
import time
from collections.abc import Callable

import typer

from tianyuan import cache_directory, names
from tianyuan.commands import options
from tianyuan.commands.prepare import prepare
from tianyuan.commands.progress import counter
from tianyuan.firmware.drive import EARLY_NS
from tianyuan.firmware.guard import process as guarding
from tianyuan.firmware.rehearsal import rehearse
from tianyuan.hil import realtime, virtual
from tianyuan.hil.campaign.pool import Lost, run_all

Work = Callable[[], object]

RATE_HZ = 500  # code and line are the same at any other
# What has nothing in common is compiled at the same time. The lockstep is made of all of it.
APART = (("host", "guard"), ("rig",))
TOGETHER = ("lockstep",)


def warmup(
    car: options.CarName = "tianyuan",
    track: options.TrackName = "zhuzhou",
    json: options.Json = None,
) -> None:
    """Fill the cache: compile host and rig, plan the line. Later starts take a second or two.

    To be run after each change of the sources or of the car; a start without it does the
    same, and takes as long.
    """
    began = time.perf_counter()
    ready = prepare(car, track, None, "stanley", RATE_HZ)
    seconds = {"line": time.perf_counter() - began}
    world = virtual.make_rig(ready.car, names.vehicle_file(car), ready.host, 1)
    guard = virtual.make_guard(ready.car, ready.host)
    works: dict[str, Work] = {
        "host": lambda: rehearse(ready.host, EARLY_NS),
        "guard": lambda: guarding.compile_loop(guard.tables),
        "rig": lambda: realtime.warm_up(world, virtual.birth(world, ready.host, 1)),
        "lockstep": lambda: virtual.warm_up(world, ready.host, guard),
    }
    if not ready.car.guard:
        del works["guard"]
    seconds |= _compiled(works)
    if json is not None:
        options.write_json(json, jsonlib.dumps({"seconds": seconds}, indent=2) + "\n")
    if json != "-":
        took = ", ".join(f"{name} {spent:.1f} s" for name, spent in seconds.items())
        typer.echo(f"{took}; kept in {cache_directory()}")


def _compiled(works: dict[str, Work]) -> dict[str, float]:
    """Compile on two cores if there are; the seconds that each work took."""

    def timed(part: tuple[str, ...]) -> dict[str, float]:
        seconds = {}
        for name in (each for each in part if each in works):
            began = time.perf_counter()
            works[name]()
            seconds[name] = time.perf_counter() - began
        return seconds

    cores = len(os.sched_getaffinity(0))
    seconds: dict[str, float] = {}
    with counter("compiling", total=len(works)) as tell:
        for done, _ in run_all(range(len(APART)), lambda k: timed(APART[k]), cores):
            # Where one ended, for want of memory, say, all of it is compiled here.
            seconds |= timed(APART[done.row]) if isinstance(done, Lost) else done
            tell(len(seconds), ", ".join(seconds))
        seconds |= timed(TOGETHER)
    return seconds
