"""``tianyuan validate``: the plant against theory, and against a peer's models."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from tianyuan.commands import options
from tianyuan.commands.files import written
from tianyuan.commands.progress import bar
from tianyuan.hil.plant.parameters import load
from tianyuan.hil.validation import document as d
from tianyuan.hil.validation.markdown import markdown as markdown_of
from tianyuan.hil.validation.theory import checks

BROKEN = 1
CHECKS = 20
HINT = "the peer's models are not installed; pip install commonroad-vehicle-models"


def validate(
    vehicle: Annotated[
        str, typer.Option("--vehicle", help="A shipped plant, or the path of its TOML file.")
    ] = "tianyuan",
    json: options.Json = None,
    markdown: Annotated[
        Path | None,
        typer.Option("--markdown", callback=options.writable, help="Write the tables as Markdown."),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            "--report",
            callback=options.writable,
            help="Write one HTML file with all traces side by side.",
        ),
    ] = None,
) -> None:
    """Drive standard manoeuvres: a vehicle against theory, our model against CommonRoad's.

    Ends with status 1 if a difference is out of its bound.
    """
    the_vehicle = load(vehicle)
    with bar(f"theory of {the_vehicle.name}", CHECKS) as progress:
        found = []
        for check in checks(the_vehicle):
            found.append(check)
            progress(len(found))
    comparison = peer()
    compared = _compared(comparison) if comparison else None
    sentences = {k: v.sentence for k, v in comparison.REASONS.items()} if comparison else {}
    rows = None if compared is None else d.peer(compared)
    told = d.document(the_vehicle.name, d.theory(found), rows, sentences)
    if json is not None:
        options.write_json(json, jsonlib.dumps(told, indent=2) + "\n")
    if markdown is not None:
        written("markdown", markdown, _write_text, markdown_of(told))
    if report is not None:
        written("report", report, partial(_write_page, compared=compared or ()), told)
    if json != "-":
        show(told)
    if not told["holds"]:
        raise typer.Exit(BROKEN)


def peer() -> ModuleType | None:
    """The comparison with the peer's models, where their package is installed."""
    try:
        from tianyuan.hil.validation import comparison  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "vehiclemodels":
            raise
        return None
    return comparison


def _compared(comparison: ModuleType) -> tuple[Any, ...]:
    made: list[Any] = []
    with bar("CommonRoad's models", comparison.COUNT) as progress:
        for one in comparison.compare():
            made.append(one)
            progress(len(made))
    return tuple(made)


def _write_text(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")


def _write_page(file: Path, told: dict[str, Any], compared: Sequence[Any]) -> None:
    from tianyuan.hil.report.validation import write_validation  # noqa: PLC0415

    write_validation(file, told, {one.case.title: one.traces for one in compared})


def show(told: dict[str, Any]) -> None:
    """Both tables in the terminal, with their notes."""
    console = Console()
    theory, rows, reasons = told["theory"], told["peer"], told["reasons"]
    title = f"{told['vehicle']}, against theory"
    console.print(_table(title, d.THEORY_HEAD, d.theory_cells(theory)))
    for k, note in enumerate(d.theory_notes(theory), 1):
        console.print(f"{k:2d}  {note}", highlight=False)
    console.print()
    if rows is None:
        console.print(HINT)
    else:
        console.print(_table("against CommonRoad", d.PEER_HEAD, d.peer_cells(rows, reasons)))
        console.print(d.PEER_INTRODUCTION, highlight=False)
        for note in d.peer_notes(reasons):
            console.print(note, highlight=False)
        console.print()
    console.print(
        "every difference is inside its bound"
        if told["holds"]
        else "differences marked ! are out of their bounds"
    )


def _table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(title=title, title_justify="left")
    for k, heading in enumerate(head):
        table.add_column(heading, justify="left" if k < 2 or heading == "why" else "right")
    for row in rows:
        table.add_row(*row)
    return table
