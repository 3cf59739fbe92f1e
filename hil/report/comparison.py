"""Writes the comparison of two laps: one HTML file, drawn by the report's own scripts."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np

from tianyuan.hil.analysis.compare import Comparison, Side
from tianyuan.hil.analysis.corners import Passage
from tianyuan.hil.report import geometry
from tianyuan.hil.report.columns import DEGREES, DIGITS, packed
from tianyuan.hil.report.data import LEVELS, finite, plan, through
from tianyuan.hil.report.markup import tiles
from tianyuan.hil.report.page import SCRIPTS
from tianyuan.hil.report.palette import ON_LIGHT, speed_colours
from tianyuan.hil.report.shell import lap_parts, write_page
from tianyuan.hil.report.wording import KMH_PER_MPS, lap_time, number

LABELS: Final = ("A", "B")
FOOTER: Final = (
    "Both laps by distance along one line. Time behind is counted from the first point that both"
    " drove. Zoom into a corner, by the list or by a click on its row, to see the two lines on the"
    " track."
)
SEEN_S: Final = 0.005  # less than this is no difference


def write_comparison(file: str | Path, found: Comparison) -> None:
    """Write two laps to ``file`` as one self-contained HTML page, replacing the file.

    Errors: OSError when the file cannot be written.
    """
    write_page(
        file,
        "comparison.html",
        lap_parts("Of"),
        title=f"{named(found.a)} and {named(found.b)}",
        subtitle=(
            f"{label}: {named(side)}, {lap_time(side.lap_s)}"
            for label, side in zip(LABELS, (found.a, found.b), strict=True)
        ),
        summary=_summary(found),
        footer=FOOTER,
        figures=figures(found),
        payload=payload(found),
        scripts=SCRIPTS,
    )


def named(side: Side) -> str:
    """Return a lap by its log and number."""
    return f"{side.name}, lap {side.lap}"


def figures(found: Comparison) -> dict[str, Any]:
    """Return the comparison for machines: SI units, None where unknown."""
    return {
        "a": _lap(found.a),
        "b": _lap(found.b),
        "delta_s": finite(found.total_s),
        "length_m": found.line.length_m,
        "closed": found.line.closed,
        "corners": [
            each.corner._asdict()
            | {"delta_s": finite(each.delta_s)}
            | {"a": _passage(each.a), "b": _passage(each.b)}
            for each in found.through
        ],
    }


def _lap(side: Side) -> dict[str, Any]:
    return {"log": side.name, "lap": side.lap, "time_s": finite(side.lap_s)}


def _passage(driven: Passage) -> dict[str, float | None]:
    return {name: finite(value) for name, value in driven._asdict().items()}


def payload(found: Comparison) -> dict[str, Any]:
    """Return what the charts draw, with the keys of a run's payload."""
    path, corners = found.line.path, [each.corner for each in found.through]
    turn_rad = geometry.landscape_rad(path)
    laps = []
    for label, side in zip(LABELS, (found.a, found.b), strict=True):
        columns = _columns(side)
        laps.append({
            "number": side.lap,
            "label": label,
            "name": label,
            "completed": True,
            "time_s": finite(side.lap_s),
            "best": False,
            "columns": packed(columns, turn_rad),
            **through(corners, found.station_m, columns["time"], columns["speed"]),
        })  # fmt: skip
    speeds = np.concatenate([side.speed_mps for side in (found.a, found.b)]) * KMH_PER_MPS
    return {
        "length_m": float(found.station_m[-1]),
        "points": len(found.station_m),
        "digits": DIGITS,
        "colours": speed_colours(LEVELS, ON_LIGHT),
        "speed_range": geometry.tens(speeds),
        **plan(path, corners, turn_rad, found.line.closed),
        "laps": laps,
        "against": [1],
        "stages": {},
    }


def _columns(side: Side) -> dict[str, np.ndarray]:
    """Return a lap in the units of the page."""
    return {
        "time": side.time_s,
        "x": side.x_m,
        "y": side.y_m,
        "speed": side.speed_mps * KMH_PER_MPS,
        "cross_track": side.offset_m,
        "steer": side.steer_rad * DEGREES,
        "throttle": side.throttle * 100.0,
        "brake": side.brake_bar,
    }


def _summary(found: Comparison) -> str:
    total_s = found.total_s
    shown = [
        (
            f"{abs(total_s):.3f} s",
            f"B {'behind' if total_s >= 0.0 else 'ahead of'} A at the end",
            "first",
        ),
        (lap_time(found.a.lap_s), "A", ""),
        (lap_time(found.b.lap_s), "B", ""),
    ]
    known = [each for each in found.through if np.isfinite(each.delta_s)]
    by_loss = sorted(known, key=lambda each: each.delta_s)
    for each, what in ((by_loss[-1:], "loses"), (by_loss[:1], "wins")):
        if each and abs(each[0].delta_s) > SEEN_S and (each[0].delta_s > 0.0) is (what == "loses"):
            text = f"corner {each[0].corner.number}, {each[0].delta_s:+.2f} s"
            shown.append((text, f"where B {what} most", "text"))
    shown.append((number(found.line.length_m, 0, "m"), "line", ""))
    return tiles((value.replace("-", "−"), name, kind) for value, name, kind in shown)
