"""``tianyuan replay``: a drive's log through the same compiled tick, compared bit for bit."""

from __future__ import annotations

import json as jsonlib
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from tianyuan.commands import options
from tianyuan.commands.progress import bar
from tianyuan.firmware.host import make_host
from tianyuan.firmware.run_card import read_card
from tianyuan.hil.replay import run
from tianyuan.hil.replay.difference import Names, around, changed_signals, short
from tianyuan.hil.replay.run import Outcome


def replay(
    log: Annotated[Path, typer.Argument(help="A log that `tianyuan drive --log` wrote.")],
    json: options.Json = None,
) -> None:
    """Re-run a drive from its log; exit status 1 if any frame comes out otherwise."""
    with tempfile.TemporaryDirectory(prefix="tianyuan-") as folder:
        card = read_card(log, Path(folder))
        host = make_host(card.car, card.path, card.controller, 1_000_000_000 // card.rate_hz)
        names = Names(card.car)
    with bar("compiling, the first time only", total=None):
        run.warm_up(host)
    began = time.perf_counter()
    with bar(f"replay of {log.name}", total=None) as progress:
        outcome = run.replay(log, host, progress)
    seconds = time.perf_counter() - began
    if json is not None:
        figures = figures_of(outcome, seconds, names)
        options.write_json(json, jsonlib.dumps(figures, indent=2) + "\n")
    if json != "-":
        typer.echo(verdict(outcome, seconds))
        print_difference(outcome, names)
    if outcome.mismatches:
        raise typer.Exit(1)


def figures_of(outcome: Outcome, seconds: float, names: Names) -> dict[str, Any]:
    """The JSON of a replay that took ``seconds``."""
    first = outcome.first_mismatch
    return {
        "ticks": outcome.ticks,
        "mismatches": outcome.mismatches,
        "first_mismatch": {
            "tick": first.tick,
            "recorded": first.recorded,
            "replayed": first.replayed,
            "t_ns": first.t_ns,
            "signals": changed_signals(first, names),
            "around": around(first, names),
        }
        if first
        else None,
        "bit_exact": outcome.mismatches == 0,
        "real_time_factor": outcome.seconds / max(seconds, 1e-9),
        "gap": outcome.gap._asdict() if outcome.gap else None,
        "notes": list(outcome.notes),
    }


def verdict(outcome: Outcome, seconds: float) -> str:
    """What the replay found, without the difference itself."""
    factor = outcome.seconds / max(seconds, 1e-9)
    lines = [
        f"replay: bit-exact over {outcome.ticks} ticks, {outcome.seconds:.1f} s of driving, "
        f"{factor:.0f} times real time"
        if outcome.first_mismatch is None
        else f"replay: {outcome.mismatches} frames differ in {outcome.ticks} ticks"
    ]
    if outcome.gap is not None:
        lines.append(
            f"the log has a gap of {outcome.gap.lost} frames after tick {outcome.gap.tick}: "
            "what comes later cannot be compared"
        )
    return "\n".join([*lines, *outcome.notes])


def print_difference(outcome: Outcome, names: Names) -> None:
    """The first difference: its signals, and the ticks around it."""
    first = outcome.first_mismatch
    if first is None:
        return
    typer.echo(f"the first in tick {first.tick}: {first.recorded}, now {first.replayed}")
    for each in changed_signals(first, names):
        typer.echo(f"  {each['signal']}: {short(each['recorded'])}, now {short(each['replayed'])}")
    typer.echo("\n".join(around(first, names)))
