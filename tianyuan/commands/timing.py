"""What the commands print of a start and of the loop's time."""

from __future__ import annotations

from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from tianyuan.firmware.accounting import STAGES
from tianyuan.firmware.boot import Boot


def print_timing(figures: dict) -> None:
    """Percentiles of the loop's stages, and the deadlines missed."""
    table = Table(title=f"{figures['ticks']} ticks, microseconds", title_justify="left")
    shares = ("p50", "p99", "p999", "p9999", "max")
    for heading in ("stage", *shares):
        table.add_column(heading, justify="left" if heading == "stage" else "right")
    for stage in STAGES:
        values = figures[f"{stage}_us"]
        table.add_row(stage, *(f"{values[share]:.0f}" for share in shares))
    console = Console()
    console.print(table)
    console.print(f"deadlines missed: {figures['overruns']}")
    if figures["lost_by_recorder"]:
        console.print(f"frames missing from the log: {figures['lost_by_recorder']}")
    if figures["log_parts_dropped"]:
        console.print(dropped(figures["log_parts_dropped"], figures["log_parts"]))


def dropped(count: int, parts: int) -> str:
    """What became of the oldest parts of a bounded log."""
    return f"the oldest {count} of the log's {parts} files were dropped for newer ones"


def tell_aside(before: Path | None) -> None:
    """Say on standard error where the log is that had the name of a new one."""
    if before is not None:
        typer.echo(f"the log that was there before is {before} now", err=True)


def print_boot(boot: Boot) -> None:
    """How long the start took, stage by stage."""
    stages = ", ".join(f"{name} {seconds:.2f}" for name, seconds in boot.seconds.items())
    Console(stderr=True, soft_wrap=True).print(f"ready after {boot.ready_s:.2f} s: {stages}")
