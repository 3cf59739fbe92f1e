"""``tianyuan hil``: scenarios with faults, and a judge of bus and plant."""

from __future__ import annotations

import datetime
import platform
from pathlib import Path
from typing import Annotated

import typer

from tianyuan.commands import options
from tianyuan.commands.files import written
from tianyuan.commands.progress import bar
from tianyuan.commands.verdicts import print_comparison, print_results
from tianyuan.control.errors import InputError
from tianyuan.drivers.address import LOCAL_INTERFACE, check_interface
from tianyuan.hil.scenario import batch, read
from tianyuan.hil.scenario.batch import Task
from tianyuan.hil.scenario.check import check
from tianyuan.hil.scenario.compare import differences
from tianyuan.hil.scenario.documents import json_of, write_junit
from tianyuan.hil.scenario.on_bus import OnBus
from tianyuan.hil.scenario.runner import Outcome


def hil(
    scenarios: Annotated[
        list[str],
        typer.Argument(metavar="SCENARIO…", help="Shipped names, files, folders, or all."),
    ],
    realtime: Annotated[
        bool, typer.Option("--realtime", help="On a bus, host and guard as processes of their own.")
    ] = False,
    both: Annotated[
        bool, typer.Option("--both", help="In virtual and in real time, and compare.")
    ] = False,
    interface: options.Interface = LOCAL_INTERFACE,
    channel: Annotated[
        str | None,
        typer.Option(
            "--channel",
            "-c",
            help="In real time: the bus; of socketcan the interface, or all with commas. A local "
            "one of its own if not given.",
        ),
    ] = None,
    far_channel: Annotated[
        str | None,
        typer.Option(
            "--far-channel",
            help="In real time: the interface of rig and guard, at the other end of a cable; two "
            "vcans are joined by cangw.",
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed",
            min=0,
            max=options.MOST_SEED,
            help="Of all noise, instead of the files'.",
        ),
    ] = None,
    junit: Annotated[
        Path | None,
        typer.Option("--junit", callback=options.writable, help="Write JUnit's XML."),
    ] = None,
    json: options.Json = None,
    report: options.Report = None,
    workers: Annotated[
        int, typer.Option("--workers", min=1, max=256, help="Processes, in virtual time.")
    ] = 1,
) -> None:
    """Run scenarios and judge them; exit status 1 if one is not as it is expected to be.

    A failure that its file knows of is expected; passing in spite of that is not.
    """
    on = OnBus(interface, channel, far_channel)
    if on != OnBus() and not (realtime or both):
        raise InputError("--interface, --channel, --far-channel: are of real time; say --realtime")
    check_interface(interface)
    tasks = tasks_of(scenarios, seed)
    for task in tasks:
        for where in {on if realtime else None, on if realtime or both else None}:
            check(task.scenario, task.where, where)
    outcomes = run(tasks, on if realtime else None, workers)
    results = [outcome.result for outcome in outcomes]
    if json is not None:
        options.write_json(json, json_of(results))
    if junit is not None:
        written("junit", junit, write_junit, results)
    if report is not None:
        written("report", report, write_report, outcomes)
    if json != "-":
        print_results(results)
    same = not both or compare(outcomes, tasks, on)
    if not same or not all(result.as_expected for result in results):
        raise typer.Exit(1)


def tasks_of(scenarios: list[str], seed: int | None) -> list[Task]:
    """What is to be run; every file is read before the first run. Raises InputError."""
    tasks = []
    for file in read.files(scenarios):
        scenario = read.load(file)
        tasks.append(Task(scenario, scenario.seed if seed is None else seed, str(file)))
    return tasks


def run(tasks: list[Task], realtime: OnBus | None, workers: int) -> list[Outcome]:
    """Run them behind a bar; the first run of all compiles."""
    runs, time = batch.runs_of(tasks), "virtual time" if realtime is None else "real time"
    with bar(f"{runs} runs in {time}", total=runs) as progress:
        return batch.run_all(tasks, workers, realtime, progress)


def compare(outcomes: list[Outcome], tasks: list[Task], on: OnBus) -> bool:
    """Run them in real time as well; whether all is the same."""
    again = run(tasks, on, 1)
    pairs = [(one.result, other.result) for one, other in zip(outcomes, again, strict=True)]
    print_comparison(pairs)
    return not any(differences(*pair) for pair in pairs)


def write_report(file: Path, outcomes: list[Outcome]) -> None:
    """The HTML page; what draws it is imported only for that."""
    from tianyuan.hil.report.scenarios import write_scenarios  # noqa: PLC0415

    date = datetime.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z")
    machine = f"{platform.machine()}, Python {platform.python_version()}"
    write_scenarios(file, outcomes, date, machine)
