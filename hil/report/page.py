"""Writes the report of a run: laps, line, speed, actuators, timing, and what a log tells of it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tianyuan.hil.report import evidence, parts
from tianyuan.hil.report.columns import POINTS
from tianyuan.hil.report.data import key_figures, payload
from tianyuan.hil.report.run import Run
from tianyuan.hil.report.shell import lap_parts, write_page

SCRIPTS: Final = ("common.js", "lap.js", "panels.js", "plan.js", "corners.js", "page.js")
TRUTH: Final = "Errors and margins are the plant's truth."
ESTIMATE: Final = "Errors and margins are by the host's own estimate of where it is."
THINNED: Final = (
    f"Columns are thinned to {POINTS:,} points a lap; the cross-track, heading and position errors"
    " keep the largest value between two points, the margin its smallest."
)


def write_report(file: str | Path, run: Run) -> None:
    """Write ``run`` to ``file`` as one self-contained HTML page, replacing the file.

    Errors: OSError when the file cannot be written.
    """
    figures = key_figures(run)
    write_page(
        file,
        "page.html",
        {
            **lap_parts("Lap"),
            "laps": parts.lap_table(run.laps),
            "timing_hidden": "" if run.timing else " hidden",
            "timing": parts.timing_tables(run),
            "time_line": parts.time_line(run),
            "evidence": evidence.sections(run.evidence) if run.evidence else "",
        },
        title=run.title,
        subtitle=(run.track, run.car, run.controller, run.date, run.machine),
        summary=parts.summary(run, figures),
        footer=f"{ESTIMATE if run.evidence else TRUTH} {THINNED}",
        figures=figures,
        payload=payload(run),
        scripts=SCRIPTS,
    )
