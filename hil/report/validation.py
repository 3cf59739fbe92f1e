"""The validation as one HTML file: the tables, and each manoeuvre's traces side by side."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import Any, Final

import numpy as np

from tianyuan.hil.report.markup import row, table
from tianyuan.hil.report.shell import library, packed
from tianyuan.hil.report.shell import read as read_shared
from tianyuan.hil.validation import document as d
from tianyuan.hil.validation.trace import Trace

HERE: Final = Path(__file__).parent
EVERY: Final = 4  # samples of 5 ms
PANELS: Final = (
    ("speed, m/s", lambda t: t.vx_mps),
    ("acceleration along, m/s²", lambda t: t.ax_mps2),
    ("steering, mrad", lambda t: 1e3 * t.steer_rad),
    ("yaw rate, rad/s", lambda t: t.yaw_rate_radps),
    ("lateral acceleration, m/s²", lambda t: t.ay_mps2),
    ("sideslip, mrad", lambda t: 1e3 * t.sideslip_rad()),
    ("roll, mrad", lambda t: 1e3 * t.roll_rad),
    ("front left load, N", lambda t: t.wheel_load_n[:, 0]),
    ("rear left load, N", lambda t: t.wheel_load_n[:, 2]),
    ("front left wheel, rad/s", lambda t: t.wheel_radps[:, 0]),
    ("rear left wheel, rad/s", lambda t: t.wheel_radps[:, 2]),
)
STRAIGHT: Final = (0, 1, 7, 8, 9, 10)
TURNING: Final = (2, 3, 4, 5, 6, 7)


def page(document: Mapping[str, Any], traces: Mapping[str, Mapping[str, Trace]]) -> str:
    """The whole page, without any address outside it."""
    theory, peer, reasons = document["theory"], document["peer"], document["reasons"]
    parts = [
        f"<section><h2>Against theory: {escape(document['vehicle'])}</h2>",
        _table(d.THEORY_HEAD, d.theory_cells(theory)),
        _list("ol", [escape(note) for note in d.theory_notes(theory)]),
        "</section>",
    ]
    if peer is not None:
        parts += [
            "<section><h2>Against CommonRoad</h2>",
            f"<p>{escape(d.PEER_INTRODUCTION)}</p>",
            _table(d.PEER_HEAD, d.peer_cells(peer, reasons)),
            _list("ul", [escape(note) for note in d.peer_notes(reasons)]),
            "</section>",
        ]
    payload = [{"title": title, "panels": _panels(models)} for title, models in traces.items()]
    return Template((HERE / "page.html").read_text(encoding="utf-8")).substitute(
        style=read_shared("page.css"),
        verdict=(
            "Every difference is inside its bound."
            if document["holds"]
            else "Differences marked ! are out of their bounds."
        ),
        tables="\n".join(parts),
        library=library(),
        payload=packed(json.dumps(payload, separators=(",", ":"), allow_nan=False)),
    )


def _panels(models: Mapping[str, Trace]) -> list[dict[str, Any]]:
    turns = any(np.any(trace.steer_rad) for trace in models.values())
    return [
        {
            "title": PANELS[k][0],
            "lines": [
                {"name": name, "t": _column(trace.t_s), "y": _column(PANELS[k][1](trace))}
                for name, trace in models.items()
            ],
        }
        for k in (TURNING if turns else STRAIGHT)
    ]


def _column(values: np.ndarray) -> list[float]:
    return [float(f"{value:.5g}") for value in values[::EVERY]]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The first two columns are words."""
    return table(row("th", head), [row("td", cells) for cells in rows], "figures")


def _list(tag: str, items: Sequence[str]) -> str:
    return f"<{tag}>" + "".join(f"<li>{item}</li>" for item in items) + f"</{tag}>"
