"""Writes the report: one HTML file that opens without the internet.

The charting library is carried along, compressed: as published it is 4.8 MB, compressed
and in base64 2.0 MB. The page's own policy forbids every network address, so that nothing
in it, nor in a name it shows, can load from elsewhere.
"""

from __future__ import annotations

import base64
import gzip
import json
from functools import cache
from html import escape
from pathlib import Path
from string import Template
from typing import Any, Final

from plotly.offline import get_plotlyjs

from tianyuan.hil.report import evidence, parts
from tianyuan.hil.report.columns import POINTS
from tianyuan.hil.report.data import key_figures, payload
from tianyuan.hil.report.run import Run

HERE: Final = Path(__file__).parent
SCRIPTS: Final = ("common.js", "lap.js", "panels.js", "plan.js", "corners.js", "page.js")
TRUTH: Final = "Errors and margins are the plant's truth."
ESTIMATE: Final = "Errors and margins are by the host's own estimate of where it is."


def write_report(file: str | Path, run: Run) -> None:
    """Write ``run`` to ``file`` as one self-contained HTML page, replacing the file.

    Errors: OSError when the file cannot be written.
    """
    figures = key_figures(run)
    page = Template(read("page.html")).substitute(
        title=escape(run.title),
        subtitle=_subtitle(run),
        style=read("page.css"),
        summary=parts.summary(run, figures),
        laps=parts.lap_table(run.laps),
        timing_hidden="" if run.timing else " hidden",
        timing=parts.timing_tables(run),
        time_line=parts.time_line(run),
        evidence=evidence.sections(run.evidence) if run.evidence else "",
        truth=ESTIMATE if run.evidence else TRUTH,
        points=f"{POINTS:,}",
        figures=inert(figures),
        library=library(),
        payload=packed(json.dumps(payload(run), separators=(",", ":"), allow_nan=False)),
        script="\n".join(read(name) for name in SCRIPTS),
    )
    Path(file).write_text(page, encoding="utf-8")


def _subtitle(run: Run) -> str:
    names = (run.track, run.car, run.controller, run.date, run.machine)
    return "".join(f"<span>{escape(name)}</span>" for name in names if name)


def inert(document: dict[str, Any]) -> str:
    """Return JSON that cannot end the element it stands in."""
    text = json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False)
    return text.replace("<", "\\u003c")


def packed(text: str) -> str:
    """Return text compressed, in base64."""
    return base64.b64encode(gzip.compress(text.encode(), 6, mtime=0)).decode()


@cache
def library() -> str:
    """Return the charting library as a page carries it."""
    return packed(get_plotlyjs())


def read(name: str) -> str:
    """Return a file of this folder."""
    return (HERE / name).read_text(encoding="utf-8")
