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
from tianyuan.commands.privileges import print_privileges
from tianyuan.commands.progress import bar
from tianyuan.control.errors import InputError
from tianyuan.firmware.car_file import load_car
from tianyuan.firmware.drive import EARLY_NS
from tianyuan.firmware.racing_line import line_for
from tianyuan.hil.benches import contest, cyclictest, disturbed
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
RATIOS = {"ratio": "ours : cyclictest", "ratio_median": "the same, median of turns"}


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
    disturb: Annotated[
        bool, typer.Option("--disturb", help="Calm turns against turns of hog and full disk.")
    ] = False,
    early: options.Early = EARLY_NS // 1000,
    json: options.Json = None,
) -> None:
    """The shipped car's host in real time, with all of its traffic on a bus of its own."""
    period_ns = options.period_ns_of(rate)
    loops_cpu, nodes_cpu = cpus_of(cpu)
    compared = is_compared(against)
    if compared and disturb:
        raise InputError("--disturb: compares the loop with itself; leave out --against")
    car = names.car_file(CAR)
    with bar(f"racing line of {TRACK}") as progress:
        path = line_for(load_car(car), names.track_file(TRACK), None, progress)
    setup = Setup(car, path, period_ns, seconds, loops_cpu, nodes_cpu, early * 1000)
    figures, steps = measured(setup, turns, compared, disturb)
    about = {
        "rate_hz": rate,
        "seconds": seconds,
        "cpu": loops_cpu,
        "nodes_cpu": nodes_cpu,
        "early_us": early,
    }
    print_privileges(steps)
    if json is not None:
        options.write_json(json, jsonlib.dumps(figures | about, indent=2) + "\n")
    if json != "-":
        (print_disturbed if disturb else print_loop)(figures)


def measured(setup: Setup, turns: int, compared: bool, disturb: bool) -> contest.Outcome:
    """One of the two measurements, with a bar."""
    if disturb:
        with bar(f"{turns} turns", total=disturbed.seconds_of(setup, turns)) as progress:
            return disturbed.measure(setup, turns, progress)
    with bar(f"{turns} turns", total=contest.seconds_of(setup, turns, compared)) as progress:
        return contest.measure(setup, turns, compared, progress)


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
    for key, what in RATIOS.items():
        if key in figures:
            ratios = [figures[key].get(share) for share in SHARES]
            table.add_row(what, *("" if r is None else f"{r:.2f}" for r in ratios))
    console.print(table)
    console.print(
        f"deadlines missed: {figures['overruns']}; sensor to command has "
        f"{figures['response_bound_us']:.0f} µs, {figures['unanswered']} of {figures['asked']} "
        "frames were overtaken or never answered"
    )


def print_disturbed(figures: dict[str, Any]) -> None:
    """Percentiles of both sides in a table, and turn by turn what was missed."""
    console = Console()
    table = Table(title="calm and disturbed, microseconds", title_justify="left")
    for heading in ("", "", *SHARES, "missed"):
        table.add_column(heading, justify="right" if heading else "left")
    for side in ("calm", "disturbed"):
        for key in ("wake_us", "tick_us", "cycle_us"):
            cells = [f"{figures[side][key][share]:.0f}" for share in SHARES]
            stage = key.removesuffix("_us")
            missed = figures[side]["missed"].get(stage, 0)
            cells.append(str(figures[side]["overruns"] if stage == "cycle" else missed))
            table.add_row(side, ROWS[key], *cells)
    console.print(table)
    for turn in figures["turns"]:
        after = turn["disturbed"]
        console.print(
            f"missed {turn['calm']['overruns']} calm, {after['overruns']} disturbed: hog on CPU "
            f"{after['hog_cpu']}, {after['never_read']} readers that never read, recorder killed "
            f"{after['recorder_kills']} times, log on {after['disk']} "
            f"({after['lost_by_recorder']} frames not in it)"
        )
