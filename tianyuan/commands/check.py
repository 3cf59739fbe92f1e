"""``tianyuan check``: every mistake of a car file and its DBC files at once."""

from __future__ import annotations

import datetime
import json as jsonlib
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from tianyuan import names
from tianyuan.commands import options
from tianyuan.firmware import commissioning
from tianyuan.firmware.bus_load import Load
from tianyuan.firmware.car_file import load_car
from tianyuan.firmware.check import Findings
from tianyuan.firmware.check import check as findings_of

BAD_INPUT = 2


def check(
    car: options.CarName = "tianyuan",
    commission: Annotated[
        bool,
        typer.Option(
            "--commission",
            help="Note that the car is commissioned with these files; its nodes then start with "
            "no others.",
        ),
    ] = False,
    json: options.Json = None,
) -> None:
    """Find every mistake of a car file and its DBC files, and the load of its buses.

    Ends with status 2 if there is an error; a warning is none.
    """
    file = names.car_file(car)
    found = findings_of(file)
    if commission and not found.errors:
        date = datetime.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")
        noted = commissioning.commission(load_car(file), date)
        typer.echo(f"commissioned: {noted}", err=True)  # standard output may be JSON
        found = findings_of(file)
    if json is not None:
        options.write_json(json, jsonlib.dumps(document(found), indent=2) + "\n")
    if json != "-":
        print_findings(found)
    if found.errors:
        raise typer.Exit(BAD_INPUT)


def document(found: Findings) -> dict:
    """The findings as ``--json`` writes them."""
    return {
        "errors": found.errors,
        "warnings": found.warnings,
        "bus_load": [each._asdict() for each in found.loads],
    }


def print_findings(found: Findings) -> None:
    """Errors, warnings and the buses' loads."""
    for kind, lines in (("error", found.errors), ("warning", found.warnings)):
        for line in lines:
            typer.echo(f"{kind}: {line}")
    if found.loads:
        print_loads(found.loads)
    counts = {"error": len(found.errors), "warning": len(found.warnings)}
    told = (f"{count} {kind}{'' if count == 1 else 's'}" for kind, count in counts.items())
    typer.echo(", ".join(told))


def print_loads(loads: list[Load]) -> None:
    """The buses' loads as a table."""
    table = Table(title="bus load by the messages' cycles", title_justify="left")
    for heading in ("bus", "bit/s", "data bit/s", "messages", "load", "worst"):
        table.add_column(heading, justify="left" if heading == "bus" else "right")
    table.add_column("without a cycle", overflow="fold")
    for each in loads:
        table.add_row(
            each.bus,
            f"{each.bitrate}",
            f"{each.data_bitrate or ''}",
            f"{each.messages}",
            f"{each.load:.1%}",
            f"{each.worst:.1%}",
            ", ".join(each.missing_cycle),
        )
    Console().print(table)
