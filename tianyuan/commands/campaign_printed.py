"""What ``tianyuan campaign`` prints: what fails where, and a row driven again."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tianyuan.hil.campaign.figures import RANKED
from tianyuan.hil.campaign.summary import Parameter, Share, Summary

PARAMETERS_SHOWN: Final = 6


def print_summary(summary: Summary) -> None:
    """Pass rates by scenario and by parameter, failures, fastest and slowest rows."""
    console = Console()
    console.print(
        f"{escape(summary.name)}: {summary.done} of {summary.rows} rows, {summary.passed} passed, "
        f"{summary.failed} failed"
        + f", {summary.errors} by an error" * bool(summary.errors)
        + f", {summary.known} as is known" * bool(summary.known)
    )
    if len(summary.scenarios) > 1:
        console.print(_scenarios(summary.scenarios))
    if summary.parameters:
        console.print(_parameters(summary.parameters))
        console.print(_bins(summary.parameters[0]))
    if summary.failures:
        console.print(_failures(summary))
    for word, briefs in (("fastest", summary.fastest), ("slowest", summary.slowest)):
        if briefs:
            told = ", ".join(f"row {brief.row} {brief.why}" for brief in briefs)
            console.print(f"{word}: {told}")


def _scenarios(shares: list[Share]) -> Table:
    table = _table("by scenario, the worst first", "scenario", "rows", "passed", "")
    for share in sorted(shares, key=lambda share: share.pass_rate or 0.0):
        table.add_row(escape(share.what), *_counts(share))
    return table


def _counts(share: Share) -> tuple[str, str, str]:
    rate = share.pass_rate
    return str(share.rows), str(share.passed), "" if rate is None else f"{rate:.1%}"


def _parameters(parameters: list[Parameter]) -> Table:
    table = _table("what tells on the verdict first, and goes with which figure", "parameter")
    table.add_column("bits", justify="right", no_wrap=True)
    table.add_column("% passed, by fifths", no_wrap=True)
    for word in RANKED.values():
        table.add_column(f"~{word}", justify="right", no_wrap=True)
    named = short_names([parameter.key for parameter in parameters])
    for parameter in parameters[:PARAMETERS_SHOWN]:
        shares = [share.pass_rate for share in parameter.bins if share.pass_rate is not None]
        rates = "".join(f"{100 * rate:4.0f}" for rate in shares)
        ranked = (parameter.rank_correlation.get(figure) for figure in RANKED)
        table.add_row(
            escape(named[parameter.key]),
            f"{parameter.tells_bits:.3f}",
            rates,
            *("" if value is None else f"{value:+.2f}" for value in ranked),
        )
    return table


def short_names(keys: list[str]) -> dict[str, str]:
    """Dotted keys by as much of their ends as tells them apart, two parts at the least."""
    found = {}
    for key in keys:
        parts = key.split(".")
        ends = (".".join(parts[-length:]) for length in range(2, len(parts) + 1))
        found[key] = next(
            (end for end in ends if sum(f".{other}".endswith(f".{end}") for other in keys) == 1),
            key,
        )
    return found


def _bins(parameter: Parameter) -> Table:
    table = _table(escape(parameter.key), "value", "rows", "passed", "")
    for share in parameter.bins:
        table.add_row(escape(share.what), *_counts(share))
    return table


def _failures(summary: Summary) -> Table:
    reasons = ", ".join(f"{count} × {reason}" for reason, count in summary.reasons[:3])
    table = _table(f"failures ({escape(reasons)})", "row", "scenario", "seed")
    table.add_column("why", justify="left", overflow="fold")
    for brief in summary.failures:
        table.add_row(str(brief.row), escape(brief.scenario), str(brief.seed), escape(brief.why))
    if summary.failed > len(summary.failures):
        table.caption = f"and {summary.failed - len(summary.failures)} more"
    return table


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left")
    for heading in headings:
        left = heading in ("scenario", "parameter", "value")
        table.add_column(heading, justify="left" if left else "right")
    return table


def print_row(document: dict[str, Any], results: Path) -> None:
    """A row's columns, and whether the stored one is the same."""
    row = document["row"]
    table = Table(title=f"row {row['row']}", title_justify="left")
    table.add_column("column")
    table.add_column("value", overflow="fold")
    for name, value in row.items():
        if value is not None:
            table.add_row(escape(name), escape(str(value)))
    Console().print(table)
    if not document["stored"]:
        typer.echo(f"{results} does not have this row yet")
    elif document["bit_exact"]:
        typer.echo(f"bit for bit the row in {results}")
    for name, (kept, found) in document["differences"].items():
        typer.echo(f"differs: {name} was {kept!r}, is {found!r}")
    if document["differences"] and document["other_than_stored_with"]:
        others = " and ".join(document["other_than_stored_with"])
        typer.echo(f"the stored row was driven with another {others}")
