"""How ``tianyuan hil`` prints verdicts."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tianyuan.hil.scenario.compare import differences, lap_share
from tianyuan.hil.scenario.documents import sentence
from tianyuan.hil.scenario.result import Result

COLOURS = {"passed": "green", "failed": "red", "known": "yellow", "mended": "red"}
WIDE = 110  # columns of a terminal that has room for the cause


def print_results(results: list[Result]) -> None:
    """A line a scenario; what is no plain pass is told below."""
    console = Console()
    wide = console.width >= WIDE
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, int(wide)))
    for heading in ("scenario", "verdict", "reaction", *(["cause"] if wide else [])):
        table.add_column(heading, no_wrap=True)
    for heading in ("ms", "bound", "stop m", "off m", "edge m"):
        table.add_column(heading, justify="right", no_wrap=True)
    for result in results:
        cause = "" if result.cause == "NONE" else result.cause
        table.add_row(
            escape(result.name),
            verdict(result),
            result.reaction.replace("_", " "),
            *([cause] if wide else []),
            figure(result.detected_ms, 1),
            figure(result.bound_ms, 0),
            figure(result.stop_distance_m, 1),
            figure(result.max_cross_track_m, 2),
            figure(result.min_edge_margin_m, 2),
        )
    console.print(table)
    for result in results:
        if result.verdict != "passed":
            told = f"[{COLOURS[result.verdict]}]{escape(result.name)}[/]: "
            console.print(told + escape(sentence(result)), highlight=False)
    console.print(summary(results), highlight=False)


def summary(results: list[Result]) -> str:
    """How many there are of each verdict."""
    counts = dict.fromkeys(COLOURS, 0)
    for result in results:
        counts[result.verdict] += 1
    return ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)


def print_comparison(pairs: list[tuple[Result, Result]]) -> None:
    """Virtual beside real time, a line a scenario; what differs is told below."""
    console = Console()
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    for heading in ("scenario", "virtual", "real time", "same"):
        table.add_column(heading, overflow="fold")
    for heading in ("laps s", "laps s real", "apart"):
        table.add_column(heading, justify="right")
    for virtual, real in pairs:
        share = lap_share(virtual, real)
        table.add_row(
            escape(virtual.name),
            f"{verdict(virtual)} {virtual.reaction}",
            f"{verdict(real)} {real.reaction}",
            "no" if differences(virtual, real) else "yes",
            times(virtual),
            times(real),
            "" if share is None else f"{share:.2%}",
        )
    console.print(table)
    for virtual, real in pairs:
        for told in (*differences(virtual, real), *real.failures):
            console.print(f"{escape(virtual.name)}: {escape(told)}", highlight=False)


def times(result: Result) -> str:
    """The lap times of a run."""
    return " ".join(f"{lap.time_s:.3f}" for lap in result.laps)


def verdict(result: Result) -> str:
    """The verdict in its colour."""
    return f"[{COLOURS[result.verdict]}]{result.verdict}[/]"


def figure(value: float | None, digits: int) -> str:
    """A number with so many decimals, or nothing."""
    return "" if value is None else f"{value:.{digits}f}"
