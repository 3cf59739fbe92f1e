"""Writes the report of scenarios: one table, then a section each with charts around its fault."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any, Final

import numpy as np

from tianyuan.hil.laps import best_lap
from tianyuan.hil.report.columns import DEGREES, whole
from tianyuan.hil.report.markup import mode_key, row, spans, table, tiles
from tianyuan.hil.report.shell import write_page
from tianyuan.hil.report.wording import (
    DASH,
    KMH_PER_MPS,
    cause_name,
    lap_time,
    mode_name,
    number,
    words,
)
from tianyuan.hil.scenario.documents import sentence
from tianyuan.hil.scenario.excerpt import Excerpt
from tianyuan.hil.scenario.result import Result
from tianyuan.hil.scenario.runner import Outcome

SCRIPTS: Final = ("common.js", "scenarios.js")
FOOTER: Final = (
    "The judge sees the frames on the bus and the plant, nothing inside the host. Charts show two"
    " seconds before a fault and ten after it, or up to the stand."
)
# Column of the page: field of TRACE, factor to what people read, digits.
COLUMNS: Final = {
    "speed": ("speed_mps", KMH_PER_MPS, 1),
    "target": ("target_mps", KMH_PER_MPS, 1),
    "throttle": ("throttle_command", 100.0, 1),
    "brake": ("brake_command_bar", 1.0, 1),
    "pressed": ("brake_bar", 1.0, 1),
    "steer_command": ("steer_command_rad", DEGREES, 2),
    "steer": ("steer_rad", DEGREES, 2),
    "cross_track": ("cross_track_m", 1.0, 3),
    "edge_margin": ("edge_margin_m", 1.0, 2),
}
HEADINGS: Final = (
    "Scenario", "Verdict", "Reaction", "Cause", "After", "Bound", "Stop", "Off line", "Margin",
    "Best lap",
)  # fmt: skip
UNITS: Final = ("", "", "", "", "ms", "ms", "m", "m", "m", "min:s")


def write_scenarios(file: str | Path, outcomes: Sequence[Outcome], date: str, machine: str) -> None:
    """Write the outcomes to ``file`` as one self-contained HTML page, replacing the file.

    Errors: OSError when the file cannot be written.
    """
    results = [outcome.result for outcome in outcomes]
    title = f"{results[0].name}, judged" if len(results) == 1 else f"{len(results)} scenarios"
    write_page(
        file,
        "scenarios.html",
        {
            "table": _table(results),
            "key": mode_key(),
            "sections": "\n".join(_section(k, result) for k, result in enumerate(results)),
        },
        title=title,
        subtitle=(date, machine, _time_of(results)),
        summary=_summary(results),
        footer=FOOTER,
        figures={"scenarios": [json.loads(r.model_dump_json()) for r in results]},
        payload=[payload(outcome) for outcome in outcomes],
        scripts=SCRIPTS,
        styles=("scenarios.css",),
    )


def payload(outcome: Outcome) -> dict[str, Any]:
    """What the charts of one scenario draw; times in seconds since race control began to look."""
    rows, result = outcome.excerpt.rows, outcome.result
    t_s = (rows["t_ns"] - outcome.excerpt.began_ns) / 1e9 if len(rows) else np.zeros(0)
    columns = {
        name: whole(rows[field] * factor, digits)
        for name, (field, factor, digits) in COLUMNS.items()
    }
    return {
        "t": whole(t_s, 3),
        "columns": columns,
        "digits": {name: digits for name, (_, _, digits) in COLUMNS.items()},
        "modes": spells(outcome.excerpt),
        "fault": result.fault_s,
        "reaction": result.reaction_s,
    }


def spells(excerpt: Excerpt) -> list[tuple[float, float, int, str]]:
    """Begin and end in seconds, mode, and mode and cause in words, of each spell of the run."""
    rows = excerpt.rows
    if not len(rows):
        return []
    t_s = (rows["t_ns"] - excerpt.began_ns) / 1e9
    pair = rows["mode"] * 1000 + rows["cause"]
    begins = np.flatnonzero(np.diff(pair, prepend=pair[0] - 1))
    ends = np.append(t_s[begins[1:]], t_s[-1])
    return [
        (
            round(float(t_s[i]), 3),
            round(float(end), 3),
            int(rows["mode"][i]),
            _told(int(rows["mode"][i]), int(rows["cause"][i])),
        )
        for i, end in zip(begins, ends, strict=True)
    ]


def _told(mode: int, cause: int) -> str:
    return mode_name(mode) if cause == 0 else f"{mode_name(mode)}: {cause_name(cause)}"


def _time_of(results: list[Result]) -> str:
    return "real time" if all(result.realtime for result in results) else "virtual time"


def _summary(results: list[Result]) -> str:
    counts = {
        "as expected": sum(result.as_expected for result in results),
        "passed": sum(result.verdict == "passed" for result in results),
        "failed": sum(result.verdict in ("failed", "mended") for result in results),
        "known failures": sum(result.verdict == "known" for result in results),
    }
    off_m = [r.max_cross_track_m for r in results if r.max_cross_track_m is not None]
    return tiles([
        (f"{counts.pop('as expected')} of {len(results)}", "as expected", "first"),
        *((str(count), name, "") for name, count in counts.items()),
        (number(max(off_m, default=None), 2, "m"), "max cross-track", ""),
    ])  # fmt: skip


def _table(results: list[Result]) -> str:
    head = row("th", HEADINGS) + row("th", UNITS, "units")
    return table(head, [_line(k, result) for k, result in enumerate(results)], "verdicts")


def _line(k: int, result: Result) -> str:
    best = best_lap(result.laps)
    cells = (
        words(result.reaction),
        DASH if result.cause == "NONE" else words(result.cause),
        number(result.detected_ms, 1),
        number(result.bound_ms, 0),
        number(result.stop_distance_m, 1),
        number(result.max_cross_track_m, 2),
        number(result.min_edge_margin_m, 2),
        lap_time(best.time_s if best else None),
    )
    rest = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    return (
        f'<tr><td><a href="#scenario{k}">{escape(result.name)}</a></td>'
        f"<td>{_chip(result)}</td>{rest}</tr>"
    )


def _chip(result: Result) -> str:
    return f'<b class="chip {result.verdict}">{result.verdict}</b>'


def _section(k: int, result: Result) -> str:
    told = sentence(result)
    about = spans((
        f"{result.car} on {result.track}", result.controller, f"seed {result.seed}",
        ", ".join(result.faults) or "no fault",
        f"expected: {words(result.expected).lower()}",
    ))  # fmt: skip
    why = f'<p class="why {result.verdict}">{escape(told)}</p>' if told else ""
    return (
        f'<section id="scenario{k}"><h2>{escape(result.name)} {_chip(result)}</h2>'
        f'<p>{escape(result.about)}</p><p class="subtitle">{about}</p>{why}'
        '<div class="run"></div></section>'
    )
