"""The validation as one HTML file: the tables, and each manoeuvre's traces side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, Final

import numpy as np

from tianyuan.hil.report.markup import row, table, tiles
from tianyuan.hil.report.shell import write_page
from tianyuan.hil.validation import document as d
from tianyuan.hil.validation.trace import Trace

FOOTER: Final = "Differences marked ! are out of their bounds. Traces have a point every 20 ms."
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


def write_validation(
    file: str | Path, document: Mapping[str, Any], traces: Mapping[str, Mapping[str, Trace]]
) -> None:
    """Write the tables, and the traces of each manoeuvre by its title, as one HTML file.

    Errors: OSError when the file cannot be written.
    """
    told = _figures(document)
    write_page(
        file,
        "validation.html",
        {"tables": "\n".join(_tables(document))},
        title="The plant, validated",
        subtitle=(document["vehicle"],),
        summary=_summary(told),
        footer=FOOTER,
        figures=told,
        payload=[{"title": title, "panels": _panels(models)} for title, models in traces.items()],
        scripts=("common.js", "validation.js"),
        styles=("validation.css",),
    )


def _figures(document: Mapping[str, Any]) -> dict[str, Any]:
    """What it comes to; every single figure, some of which may be NaN, is in the document."""
    theory, peer = document["theory"], document["peer"] or ()
    held = [row["holds"] for row in theory]
    held += [each["holds"] for row in peer for each in row["beside"]]
    return {
        "vehicle": document["vehicle"],
        "holds": document["holds"],
        "too_large": held.count(False),
        "against_theory": len(theory),
        "against_commonroad": len(peer),
    }


def _summary(told: Mapping[str, Any]) -> str:
    return tiles([
        ("Inside" if told["holds"] else "Outside", "of the bounds", "first"),
        (str(told["too_large"]), "differences too large", ""),
        (str(told["against_theory"]), "figures against theory", ""),
        (str(told["against_commonroad"]), "figures against CommonRoad", ""),
    ])  # fmt: skip


def _tables(document: Mapping[str, Any]) -> Iterator[str]:
    theory, peer, reasons = document["theory"], document["peer"], document["reasons"]
    yield f"<section><h2>Against theory: {escape(document['vehicle'])}</h2>"
    yield _table(d.THEORY_HEAD, d.theory_cells(theory))
    yield _list("ol", d.theory_notes(theory)) + "</section>"
    if peer is None:
        return
    yield f"<section><h2>Against CommonRoad</h2><p>{escape(d.PEER_INTRODUCTION)}</p>"
    yield _table(d.PEER_HEAD, d.peer_cells(peer, reasons))
    yield _list("ul", d.peer_notes(reasons)) + "</section>"


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


def _list(tag: str, items: Iterable[str]) -> str:
    return f"<{tag}>{''.join(f'<li>{escape(item)}</li>' for item in items)}</{tag}>"
