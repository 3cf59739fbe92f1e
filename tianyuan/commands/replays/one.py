"""One log: replayed and compared, or asked what would have been commanded."""

from __future__ import annotations

import datetime
import json as jsonlib
import platform
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import typer
from rich.console import Console
from rich.table import Table

from tianyuan.commands import options
from tianyuan.commands.files import written
from tianyuan.commands.progress import bar
from tianyuan.control.records import Controller, Mode
from tianyuan.hil.replay import run
from tianyuan.hil.replay.difference import Names, around, changed_signals, short
from tianyuan.hil.replay.own import Gap
from tianyuan.hil.replay.reference import Result
from tianyuan.hil.replay.run import Outcome
from tianyuan.hil.replay.source import (
    Named,
    Source,
    changed_source,
    changes_of,
    other_versions,
    source_of,
)
from tianyuan.hil.replay.what_if import WhatIf, what_if
from tianyuan.hil.replay.what_if import figures_of as figures_of_both

MOST_CAUSES: Final = 8


def replay_one(log: Path, named: Named, json: str | None) -> bool:
    """Re-run a log; whether all that came out is what was recorded. Raises InputError."""
    with tempfile.TemporaryDirectory(prefix="tianyuan-") as folder:
        source = _source_of(log, named, Path(folder))
        host, names, result = source.host(), Names(source.car), Result(source.car)
    with bar("compiling, the first time only", total=None):
        run.warm_up(host)
        next(source.read(log).stretches(), None)  # and what reads this format
    began = time.perf_counter()
    with bar(f"replay of {log.name}", total=None) as progress:
        watch = None if source.own else result.add
        outcome = run.replay_of(source.read(log), host, progress, watch)
    seconds = time.perf_counter() - began
    if json is not None:
        figures = figures_of(outcome, seconds, names, source.own)
        if not source.own:
            figures["figures"] = result.document(outcome)["figures"]
        options.write_json(json, jsonlib.dumps(figures, indent=2) + "\n")
    if json != "-":
        typer.echo(verdict(outcome, seconds, source.own))
        if not source.own:
            typer.echo(what_it_did(result.document(outcome)))
        print_difference(outcome, names)
        if outcome.mismatches and (told := other_versions(source)):
            typer.echo(told)
    return not outcome.mismatches


def what_it_did(document: Mapping[str, Any]) -> str:
    """What a host did with another host's log: its modes and causes, and how far it drove."""
    found = document["figures"]
    modes = [f"{name} {found[f'{name}_ticks']}" for name in (each.name.lower() for each in Mode)
             if found[f"{name}_ticks"]]  # fmt: skip
    causes = [each.lower().replace("_", " ") for each in found["causes"].split()]
    more = ["…"] if len(causes) > MOST_CAUSES else []
    told = ", ".join(causes[:MOST_CAUSES] + more)
    return f"the host's ticks by mode: {', '.join(modes)}; causes: {told}"


def _source_of(log: Path, named: Named, folder: Path) -> Source:
    with bar("the log's card" if named.car is None else "the line", total=None):
        return source_of(log, named, folder)


def ask_what_if(
    log: Path,
    named: Named,
    texts: Sequence[str],
    law: Controller | None,
    json: str | None,
    report: Path | None,
) -> None:
    """Replay a log with and without other values, and tell how the commands differ."""
    with tempfile.TemporaryDirectory(prefix="tianyuan-") as folder:
        source = _source_of(log, named, Path(folder))
        other = changed_source(source, changes_of(texts), law)
        hosts = source.host(), other.host()
    with bar("compiling, the first time only", total=None):
        run.warm_up(hosts[0])
    recorded = source.read(log)
    with bar(f"replay of {log.name}, twice", total=None) as progress:
        both = what_if(recorded.stretches(hosts[0]), *hosts, source.own, progress)
    figures = figures_of_both(both) | {"set": list(texts), "controller": other.controller.name}
    figures |= {"gaps": [gap._asdict() for gap in recorded.gaps], "notes": recorded.notes}
    if json is not None:
        options.write_json(json, jsonlib.dumps(figures, indent=2) + "\n")
    if json != "-":
        print_both(both, figures)
    if report is not None:
        _write(report, log, source, figures, both)


def _write(report: Path, log: Path, source: Source, figures: dict[str, Any], both: WhatIf) -> None:
    from tianyuan.hil.report.what_if import write_what_if  # noqa: PLC0415, long to import

    asked = ", ".join(figures["set"]) or figures["controller"].lower().replace("_", "-")
    about = (
        log.name, source.car.name, figures["controller"].lower().replace("_", "-"),
        datetime.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z"),
        f"{platform.machine()}, Python {platform.python_version()}",
    )  # fmt: skip
    title = f"What if {asked}?"
    written(
        "report", report, lambda file, both: write_what_if(file, title, about, both, figures), both
    )


def print_both(both: WhatIf, figures: dict[str, Any]) -> None:
    """A line for each command, and where the modes part."""
    table = Table(title=f"{both.t_s[-1]:.1f} s, {both.t_ns.size} ticks", title_justify="left")
    for heading in ("", "rms", "most", "at s", "first s", "ticks"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, column in figures["columns"].items():
        first_s = column["first_at_s"]
        table.add_row(
            name,
            f"{column['rms']:.4g}",
            f"{column['most']:.4g}",
            f"{column['most_at_s']:.3f}",
            "never" if first_s is None else f"{first_s:.3f}",
            str(column["ticks"]),
        )
    Console().print(table)
    first = figures["mode_differs_first"]
    if first is not None:
        was, would = (f"{one['mode']} ({one['cause']})" for one in (first["was"], first["would"]))
        typer.echo(f"mode {would} instead of {was} at {first['t_s']:.3f} s")
    for note in figures["notes"]:
        typer.echo(note)


def figures_of(outcome: Outcome, seconds: float, names: Names, own: bool = True) -> dict[str, Any]:
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
        "bit_exact": outcome.mismatches == 0 if own else None,
        "real_time_factor": outcome.seconds / max(seconds, 1e-9),
        "gaps": [gap._asdict() for gap in outcome.gaps],
        "notes": list(outcome.notes),
    }


def verdict(outcome: Outcome, seconds: float, own: bool = True) -> str:
    """What the replay found, without the difference itself."""
    factor = outcome.seconds / max(seconds, 1e-9)
    over = (
        f"{outcome.ticks} ticks, {outcome.seconds:.1f} s of driving, {factor:.0f} times real time"
    )
    if not own:
        lines = [f"replay: {over}; another host's log, so there is nothing to compare with"]
    elif outcome.first_mismatch is None:
        lines = [f"replay: bit-exact over {over}"]
    else:
        lines = [f"replay: {outcome.mismatches} frames differ in {over}"]
    return "\n".join([*lines, *map(told, outcome.gaps), *outcome.notes])


def told(gap: Gap) -> str:
    """A gap in words."""
    missing = f"{gap.lost} frames are" if gap.lost else "a part is"
    if not gap.tick:
        return (
            f"{missing} missing at the beginning; it began with the host's first state in the log"
        )
    skipped = "" if gap.skipped_s is None else f"; {gap.skipped_s:.3f} s of ticks are not compared"
    return f"{missing} missing after {gap.tick} ticks{skipped}"


def print_difference(outcome: Outcome, names: Names) -> None:
    """The first difference: its signals, and the ticks around it."""
    first = outcome.first_mismatch
    if first is None:
        return
    typer.echo(f"the first in tick {first.tick}: {first.recorded}, now {first.replayed}")
    for each in changed_signals(first, names):
        typer.echo(f"  {each['signal']}: {short(each['recorded'])}, now {short(each['replayed'])}")
    typer.echo("\n".join(around(first, names)))
