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
from tianyuan.hil import replay as replaying
from tianyuan.hil.replay import Outcome


def replay(
    log: Annotated[Path, typer.Argument(help="A log that `tianyuan drive --log` wrote.")],
    json: options.Json = None,
) -> None:
    """Re-run a drive from its log; exit status 1 if any frame comes out otherwise."""
    with tempfile.TemporaryDirectory(prefix="tianyuan-") as folder:
        card = read_card(log, Path(folder))
        host = make_host(card.car, card.path, card.controller, 1_000_000_000 // card.rate_hz)
    began = time.perf_counter()
    with bar(f"replay of {log.name}", total=None) as progress:
        outcome = replaying.replay(log, host, progress)
    figures = figures_of(outcome, time.perf_counter() - began)
    if json is not None:
        options.write_json(json, jsonlib.dumps(figures, indent=2) + "\n")
    if json != "-":
        typer.echo(verdict(outcome))
    if outcome.mismatches:
        raise typer.Exit(1)


def figures_of(outcome: Outcome, seconds: float) -> dict[str, Any]:
    """The JSON of a replay that took ``seconds``."""
    first = outcome.first_mismatch
    return {
        "ticks": outcome.ticks,
        "mismatches": outcome.mismatches,
        "first_mismatch": first._asdict() if first else None,
        "bit_exact": outcome.mismatches == 0,
        "real_time_factor": outcome.seconds / max(seconds, 1e-9),
    }


def verdict(outcome: Outcome) -> str:
    """One line on what the replay found."""
    if outcome.first_mismatch is None:
        return f"replay: bit-exact over {outcome.ticks} ticks, {outcome.seconds:.1f} s of driving"
    first = outcome.first_mismatch
    return (
        f"replay: {outcome.mismatches} frames differ, the first in tick {first.tick}: "
        f"recorded {first.recorded}, replayed {first.replayed}"
    )
