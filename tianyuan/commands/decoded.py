"""What ``tianyuan decode`` tells when it is done."""

from __future__ import annotations

from typing import Any, Final

import typer
from rich.console import Console
from rich.table import Table

from tianyuan.dbc.frame import EXTENDED, EXTENDED_MASK
from tianyuan.hil.decoding.catalogue import Catalogue
from tianyuan.hil.decoding.run import Decoded

SHOWN: Final = 10  # unknown identifiers


def document(done: Decoded, catalogue: Catalogue, seconds: float) -> dict[str, Any]:
    """The JSON. Of unknown identifiers the most frequent are told first, and equals in order."""
    counts = done.counts
    unknown = sorted(counts.unknown.items(), key=lambda each: (-each[1], each[0]))
    return {
        "frames": counts.frames,
        "decoded": counts.decoded,
        "signals": done.signals,
        "seconds": seconds,
        "passed_over": counts.passed_over,
        "unknown": [
            {"channel": channel, "id": identifier(can_id), "frames": frames}
            for (channel, can_id), frames in unknown
        ],
        "unknown_frames": sum(counts.unknown.values()) + counts.uncounted,
        "error_frames": counts.errors,
        "remote_frames": counts.remote,
        "too_short": counts.short,
        "multiplexor_unknown": counts.unselected,
        "notes": [
            {"log": str(file), "kind": note.kind, "times": note.times, "first": note.first}
            for file, note in done.notes
        ],
        "left_out": [str(problem) for problem in catalogue.problems],
    }


def identifier(can_id: int) -> str:
    """An identifier as candump writes it: eight digits if it is extended."""
    return f"{can_id & EXTENDED_MASK:0{8 if can_id & EXTENDED else 3}X}"


def print_summary(figures: dict[str, Any], err: bool = False) -> None:
    """One line of what was decoded, and a line for whatever was not; on standard error if so."""
    rate = figures["frames"] / max(figures["seconds"], 1e-9)
    typer.echo(
        f"{figures['frames']} frames, {figures['decoded']} decoded, {figures['signals']} signals "
        f"in {figures['seconds']:.2f} s ({rate:,.0f} frames a second)",
        err=err,
    )
    for kind in ("error_frames", "remote_frames"):
        if figures[kind]:
            typer.echo(f"{kind.replace('_', ' ')}: {figures[kind]}", err=err)
    for kind, what in (
        ("too_short", "shorter than their message"),
        ("multiplexor_unknown", "with a multiplexor that selects nothing"),
    ):
        if figures[kind]:
            each = ", ".join(f"{name} {times}" for name, times in figures[kind].items())
            typer.echo(f"{sum(figures[kind].values())} frames {what}: {each}", err=err)
    for note in figures["notes"]:
        typer.echo(
            f"{note['log']}: {note['kind']}, {note['times']} times; first: {note['first']}", err=err
        )
    for gone in figures.get("missing_parts", ()):
        typer.echo(f"missing: {gone}", err=err)
    for line in figures["left_out"]:
        typer.echo(f"left out: {line}", err=err)
    if figures["unknown"]:
        print_unknown(figures, err)


def print_unknown(figures: dict[str, Any], err: bool) -> None:
    """The unknown identifiers, the most frequent of them by name."""
    unknown = figures["unknown"]
    share = figures["unknown_frames"] / figures["frames"]
    table = Table(
        title=f"{figures['unknown_frames']} frames ({share:.1%}) of {len(unknown)} identifiers "
        "in no DBC file of their channel",
        title_justify="left",
    )
    for heading in ("channel", "identifier", "frames"):
        table.add_column(heading, justify="left" if heading == "channel" else "right")
    for each in unknown[:SHOWN]:
        table.add_row(each["channel"], each["id"], str(each["frames"]))
    if rest := figures["unknown_frames"] - sum(each["frames"] for each in unknown[:SHOWN]):
        table.add_row("…", "", str(rest))
    Console(stderr=err).print(table)
