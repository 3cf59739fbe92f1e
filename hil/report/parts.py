"""The parts of the page that need no script: summary, lap table, timing, time line."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import numpy as np

from tianyuan.control.records import Mode
from tianyuan.hil.laps import Lap, best_lap
from tianyuan.hil.report.data import spells
from tianyuan.hil.report.markup import mode_key, row, table, tiles
from tianyuan.hil.report.run import Run
from tianyuan.hil.report.wording import (
    DASH,
    KMH_PER_MPS,
    cause_name,
    lap_time,
    mode_name,
    number,
    words,
)

WORSE_S = 0.05  # about a change of mode, in which its fault is told
MOST_SPELLS = 200  # a mode that flickers must not drown the page


def summary(run: Run, figures: dict[str, Any]) -> str:
    """Return the strip of figures at the head."""
    best = best_lap(list(run.laps))
    kind = "best flying lap" if best and best.number > 1 else "lap from standstill"
    return tiles([
        (lap_time(best.time_s if best else None), kind if best else "best lap", "first"),
        (str(len(run.laps)), "laps completed", ""),
        (words(run.stop_cause), "stop cause", "text"),
        (number(figures["max_cross_track_m"], 2, "m"), "max cross-track", ""),
        (number(figures["min_edge_margin_m"], 2, "m"), "min edge margin", ""),
        (number(_kmh(figures["top_speed_mps"]), 0, "km/h"), "top speed", ""),
        *([] if run.evidence else [(_times(figures["real_time_factor"]), "real time", "")]),
        *((_any(v), k, "text" if isinstance(v, str) else "") for k, v in run.figures.items()),
    ])  # fmt: skip


def lap_table(laps: Iterable[Lap]) -> str:
    """Return one row a completed lap, the best marked, or a line that says there is none."""
    laps = list(laps)
    best = best_lap(laps)
    if best is None:
        return '<p class="none">No lap was completed.</p>'
    head = row("th", ["Lap", "Time", "To best", "Top", "RMS", "Max", "Margin"])
    units = row("th", ["", "min:s", "s", "km/h", "m", "m", "m"], "units")
    body = "\n".join(_lap_row(lap, best) for lap in laps)
    return (
        '<div class="wide"><table class="laps">'
        '<colgroup><col><col><col><col><col span="2"><col></colgroup>'
        f"<thead>{head}{units}</thead><tbody>{body}</tbody></table></div>"
        '<p class="note">RMS and Max: cross-track error. Margin: nearest wheel to its edge of '
        "the track. Lap 1 starts from standstill.</p>"
    )


def timing_tables(run: Run) -> str:
    """Return percentiles, overruns and privileges of a real-time run."""
    if run.timing is None:
        return ""
    rows = [
        row("td", [name, *(number(v, 1) for v in (s.p50_us, s.p99_us, s.p999_us, s.max_us))])
        for name, s in run.timing.stages.items()
    ]
    head = row("th", ["Microseconds", "p50", "p99", "p99.9", "max"])
    missed = [row("td", [k, f"{v:,}"]) for k, v in run.timing.overruns.items()]
    got = [row("td", [k, v]) for k, v in run.timing.privileges.items()]
    return (
        table(head, rows)
        + (table(row("th", ["Deadlines missed", "ticks"]), missed) if missed else "")
        + (table(row("th", ["Privilege", "state"]), got, "plain") if got else "")
    )


def time_line(run: Run) -> str:
    """Return the bar of modes with the laps below it, and the list of changes."""
    found = spells(run.telemetry)
    if not found:
        return '<p class="none">Nothing was recorded.</p>'
    begin, end = found[0][0], max(found[-1][1], found[0][0] + 1e-3)
    bar = "".join(
        f'<i class="mode{mode}" style="{_place(a, b, begin, end)}" '
        f'title="{escape(f"{mode_name(mode)}, {cause_name(cause)}, {a:.2f} s to {b:.2f} s")}"></i>'
        for a, b, mode, cause in found[:MOST_SPELLS]
    )
    causes = _causes(run, found[:MOST_SPELLS])
    rows = [
        row("td", [f"{a:.2f}", f"{b - a:.2f}", mode_name(mode), cause])
        for (a, b, mode, _), cause in zip(found[:MOST_SPELLS], causes, strict=True)
    ]
    left_out = len(found) - len(rows)
    more = f'<p class="note">and {left_out:,} more changes</p>' if left_out > 0 else ""
    head = row("th", ["From, s", "For, s", "Mode", "Cause"])
    return (
        f'<div class="modes">{bar}</div>{_marks(run, begin, end)}'
        f'<div class="ticks">{_lap_ticks(run, begin, end)}</div>'
        f"{mode_key()}{table(head, rows, 'changes')}{more}"
    )


def _causes(run: Run, found: Sequence[tuple[float, float, int, int]]) -> Iterable[str]:
    """Return each change's cause in words: of a stop that grew worse the host keeps the first."""
    events = run.evidence.events if run.evidence else ()
    was = 0
    for begin, _, mode, cause in found:
        name = cause_name(cause)
        if mode == Mode.EMERGENCY_STOP and cause == was != 0:
            then = [e.what for e in events if e.grave and abs(e.t_s - begin) < WORSE_S]
            name = f"{name} at first" + (f", then {', '.join(then)}" if then else "; grew worse")
        was = cause
        yield name


def _marks(run: Run, begin: float, end: float) -> str:
    """Return the events of a log, each a stroke below the bar of modes."""
    if run.evidence is None:
        return ""
    strokes = "".join(
        f'<i class="{"grave" if event.grave else ""}" '
        f'style="left:{100 * (event.t_s - begin) / (end - begin):.3f}%" '
        f'title="{escape(f"{event.t_s:.2f} s: {event.what}")}"></i>'
        for event in run.evidence.events[:MOST_SPELLS]
    )
    return f'<div class="marks">{strokes}</div>'


def _lap_ticks(run: Run, begin: float, end: float) -> str:
    numbers, first = np.unique(run.telemetry["lap"], return_index=True)
    every = math.ceil(len(numbers) / 12)
    return "".join(
        f'<b style="left:{100 * (run.telemetry["t_s"][i] - begin) / (end - begin):.3f}%">'
        f"{'Lap ' if n == numbers[numbers >= 1][0] else ''}{n}</b>"
        for n, i in zip(numbers.tolist(), first, strict=True)
        if n >= 1 and (n - 1) % every == 0
    )


def _place(a: float, b: float, begin: float, end: float) -> str:
    span = end - begin
    return f"left:{100 * (a - begin) / span:.3f}%;width:{100 * (b - a) / span:.3f}%"


def _lap_row(lap: Lap, best: Lap) -> str:
    behind = f"+{lap.time_s - best.time_s:.3f}" if lap is not best else DASH
    cells = [
        str(lap.number),
        lap_time(lap.time_s),
        behind.replace("+-", "−"),
        number(_kmh(lap.top_speed_mps), 1),
        number(lap.rms_cross_track_m, 3),
        number(lap.max_cross_track_m, 3),
        number(lap.min_edge_margin_m, 2),
    ]
    return row("td", cells, "best" if lap is best else "", f' data-lap="{lap.number}"')


def _kmh(speed_mps: float | None) -> float | None:
    return None if speed_mps is None else speed_mps * KMH_PER_MPS


def _times(factor: float | None) -> str:
    if factor is None:
        return DASH
    return f"{factor:,.0f} ×" if factor >= 10.0 else f"{factor:.2f} ×"


def _any(value: float | str) -> str:
    return value if isinstance(value, str) else number(value, 3).rstrip("0").rstrip(".")
