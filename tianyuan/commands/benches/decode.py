"""``tianyuan bench decode``: logs to columns, against what others do it with."""

from __future__ import annotations

import json as jsonlib
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from tianyuan.commands import options
from tianyuan.commands.progress import bar
from tianyuan.hil.benches import decode as decoding

Seconds = Annotated[
    float, typer.Option("--seconds", min=1.0, max=3600.0, help="Of the car's traffic, in each log.")
]


def decode(seconds: Seconds = 120.0, turns: options.Turns = 3, json: options.Json = None) -> None:
    """Logs to columns: candump and BLF against python-can with cantools, MF4 against asammdf.

    The logs are of the shipped car's traffic, and published ones where there are any. Exit status
    1 if any value is not that of cantools.
    """
    with tempfile.TemporaryDirectory(prefix="tianyuan-") as folder:
        with bar("logs of the car's traffic") as progress:
            cases = decoding.write_logs(Path(folder), seconds, progress)
        every = cases + decoding.published()
        found: dict[str, decoding.Figures] = {}
        for case in every:
            with bar(case.name, total=turns) as progress:
                found[case.name] = decoding.measure(case, turns, progress)
    own = {case.name for case in cases}
    if json is not None:
        options.write_json(json, jsonlib.dumps(document(found, own), indent=2) + "\n")
    if json != "-":
        print_decode(found)
    if not all(figures.equal for figures in found.values()):
        raise typer.Exit(1)


def document(found: dict[str, decoding.Figures], own: set[str]) -> dict[str, Any]:
    """The JSON: the car's logs by kind, and below them the published ones by name."""
    by_name = {name: figures._asdict() for name, figures in found.items()}
    of_car = {name: figures for name, figures in by_name.items() if name in own}
    return of_car | {"published": {n: each for n, each in by_name.items() if n not in own}}


def print_decode(found: dict[str, decoding.Figures]) -> None:
    """A row a log."""
    table = Table(title="logs to columns, medians", title_justify="left")
    for heading in ("log", "MB", "ours s", "peer s", "times as fast", "as cantools"):
        table.add_column(heading, justify="left" if heading == "log" else "right")
    for name, each in found.items():
        figures = (each.bytes / 1e6, each.ours_s, each.peer_s, each.ratio)
        cells = (
            f"{number:.{places}f}" for number, places in zip(figures, (1, 3, 3, 1), strict=True)
        )
        table.add_row(name, *cells, "yes" if each.equal else "no")
    console = Console()
    console.print(table)
    console.print(
        "The peer of MF4 is asammdf's extract_bus_logging, without reading the columns out of "
        "what it gives; of all others, python-can with cantools."
    )
