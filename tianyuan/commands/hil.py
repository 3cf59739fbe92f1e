"""``tianyuan hil``: scenarios with faults, and a judge of bus and plant."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tianyuan.commands import options
from tianyuan.commands.progress import bar
from tianyuan.control.errors import InputError
from tianyuan.hil.scenario import batch, documents, read
from tianyuan.hil.scenario.batch import Task
from tianyuan.hil.scenario.result import Result

COLOURS = {"passed": "green", "failed": "red", "known": "yellow", "mended": "red"}


def hil(
    scenarios: Annotated[
        list[str],
        typer.Argument(metavar="SCENARIO…", help="Shipped names, files, folders, or all."),
    ],
    realtime: Annotated[
        bool, typer.Option("--realtime", help="On a bus, host and guard as processes of their own.")
    ] = False,
    seed: Annotated[
        int | None, typer.Option("--seed", min=0, help="Instead of the files'.")
    ] = None,
    junit: Annotated[Path | None, typer.Option("--junit", help="Write JUnit's XML.")] = None,
    json: options.Json = None,
    report: options.Report = None,
    workers: Annotated[
        int, typer.Option("--workers", min=1, max=256, help="Processes, in virtual time.")
    ] = 1,
) -> None:
    """Run scenarios and judge them; exit status 1 if one is not as it is expected to be.

    A failure that its file knows of is expected; passing in spite of that is not.
    """
    tasks = tasks_of(scenarios, seed)
    with bar(f"{len(tasks)} scenarios", total=batch.runs_of(tasks)) as progress:
        outcomes = batch.run_all(tasks, workers, realtime, progress)
    results = [outcome.result for outcome in outcomes]
    if json is not None:
        options.write_json(json, documents.json_of(results))
    if junit is not None:
        written("junit", junit, results)
    if json != "-":
        print_results(results)
    if not all(result.as_expected for result in results):
        raise typer.Exit(1)


def tasks_of(scenarios: list[str], seed: int | None) -> list[Task]:
    """What is to be run; every file is read before the first run. Raises InputError."""
    tasks = []
    for file in read.files(scenarios):
        scenario = read.load(file)
        tasks.append(Task(scenario, scenario.seed if seed is None else seed, str(file)))
    return tasks


def written(what: str, file: Path, results: list[Result]) -> None:
    """Write the JUnit file; raises InputError where it cannot be written."""
    try:
        documents.write_junit(file, results)
    except OSError as error:
        raise InputError(f"--{what} {file}: {error.strerror}") from None
    typer.echo(f"{what}: {file}", err=True)  # standard output may be JSON


def print_results(results: list[Result]) -> None:
    """A line a scenario; what is no plain pass is told below."""
    console = Console()
    table = Table(title="scenarios", title_justify="left")
    for heading in ("scenario", "verdict", "reaction", "cause"):
        table.add_column(heading, overflow="fold")
    for heading in ("after ms", "bound ms", "stop m", "off line m", "to the edge m"):
        table.add_column(heading, justify="right")
    for result in results:
        table.add_row(
            escape(result.name),
            f"[{COLOURS[result.verdict]}]{result.verdict}[/]",
            result.reaction.replace("_", " "),
            "" if result.cause == "NONE" else result.cause,
            figure(result.detected_ms, 1),
            figure(result.bound_ms, 0),
            figure(result.stop_distance_m, 1),
            figure(result.max_cross_track_m, 2),
            figure(result.min_edge_margin_m, 2),
        )
    console.print(table)
    for result in results:
        if result.verdict != "passed":
            console.print(
                f"[{COLOURS[result.verdict]}]{escape(result.name)}[/]: "
                f"{escape(documents.sentence(result))}",
                highlight=False,
            )
    counts = dict.fromkeys(COLOURS, 0)
    for result in results:
        counts[result.verdict] += 1
    console.print(", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count))


def figure(value: float | None, digits: int) -> str:
    """A number with so many decimals, or nothing."""
    return "" if value is None else f"{value:.{digits}f}"
