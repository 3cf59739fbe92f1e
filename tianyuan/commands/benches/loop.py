"""``tianyuan bench loop``: how late the loop wakes, what a tick costs, how soon it answers."""

from __future__ import annotations

import json as jsonlib
import os
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from tianyuan import names
from tianyuan.commands import options
from tianyuan.commands.progress import bar
from tianyuan.commands.results import print_privileges
from tianyuan.control.errors import InputError
from tianyuan.firmware.car_file import load_car
from tianyuan.firmware.host import line_for
from tianyuan.hil.benches import contest, cyclictest
from tianyuan.hil.benches.loop import Setup

CAR, TRACK = "tianyuan", "zhuzhou"
SHARES = ("p50", "p99", "p999", "p9999", "max")
ROWS = {
    "wake_us": "wake-up",
    "cyclictest_us": "wake-up, cyclictest",
    "tick_us": "tick",
    "cycle_us": "cycle",
    "response_us": "sensor to command",
}


def loop(
    rate: options.Rate = 500,
    seconds: Annotated[
        float, typer.Option("--seconds", min=0.5, max=36_000.0, help="Of each turn.")
    ] = 10.0,
    turns: Annotated[int, typer.Option("--turns", min=1, max=1000, help="Merged into one.")] = 3,
    cpu: Annotated[
        int | None, typer.Option("--cpu", min=0, help="The loop's; the last one by default.")
    ] = None,
    against: Annotated[
        str | None, typer.Option("--against", help="cyclictest takes turns with the loop.")
    ] = None,
    json: options.Json = None,
) -> None:
    """The shipped car's host in real time, with all of its traffic on a bus of its own."""
    period_ns = options.period_ns_of(rate)
    loops_cpu, nodes_cpu = cpus_of(cpu)
    compared = is_compared(against)
    car = names.car_file(CAR)
    with bar(f"racing line of {TRACK}") as progress:
        path = line_for(load_car(car), names.track_file(TRACK), None, progress)
    setup = Setup(car, path, period_ns, seconds, loops_cpu, nodes_cpu)
    with bar(f"{turns} turns", total=contest.seconds_of(setup, turns, compared)) as progress:
        figures, steps = contest.measure(setup, turns, compared, progress)
    about = {"rate_hz": rate, "seconds": seconds, "cpu": loops_cpu, "nodes_cpu": nodes_cpu}
    print_privileges(steps)
    if json is not None:
        options.write_json(json, jsonlib.dumps(figures | about, indent=2) + "\n")
    if json != "-":
        print_loop(figures)


def cpus_of(wanted: int | None) -> tuple[int, int]:
    """The loop's CPU, and another one for the other nodes if there is one."""
    usable = sorted(os.sched_getaffinity(0))
    cpu = usable[-1] if wanted is None else wanted
    if cpu not in usable:
        listed = ", ".join(map(str, usable))
        raise InputError(f"--cpu {cpu}: not one of this process; choose one of {listed}")
    return cpu, next((other for other in usable if other != cpu), cpu)


def is_compared(against: str | None) -> bool:
    """Whether cyclictest is wanted; raises InputError for a name that is not known."""
    if against not in (None, cyclictest.PROGRAM):
        raise InputError(f"--against {against}: choose {cyclictest.PROGRAM}")
    return against is not None


def print_loop(figures: dict[str, Any]) -> None:
    """Percentiles in a table, and what was missed."""
    console = Console()
    table = Table(title=f"{figures['ticks']} ticks, microseconds", title_justify="left")
    for heading in ("", *SHARES):
        table.add_column(heading, justify="right" if heading else "left")
    for key, what in ROWS.items():
        if key in figures:
            table.add_row(what, *(f"{figures[key][share]:.0f}" for share in SHARES))
    if "ratio" in figures:
        ratios = [figures["ratio"].get(share) for share in SHARES]
        table.add_row("ours : cyclictest", *("" if r is None else f"{r:.2f}" for r in ratios))
    console.print(table)
    console.print(
        f"deadlines missed: {figures['overruns']}; sensor to command has "
        f"{figures['response_bound_us']:.0f} µs, {figures['unanswered']} of {figures['asked']} "
        "frames were overtaken or never answered"
    )
