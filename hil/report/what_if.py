"""Writes the page of a what-if: two hosts' commands on the same frames, and how they differ."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from tianyuan.control.records import Cause, Mode
from tianyuan.hil.replay.what_if import COMPARED, WhatIf
from tianyuan.hil.report.columns import DEGREES, whole
from tianyuan.hil.report.markup import mode_key, row, table, tiles
from tianyuan.hil.report.shell import write_page
from tianyuan.hil.report.wording import DASH, KMH_PER_MPS, cause_name, mode_name, number

SCRIPTS: Final = ("common.js", "what_if.js")
FOOTER: Final = (
    "Of each {bucket} the charts show its first tick and the one where the two differ most. Drag to"
    " zoom, double click to see all."
)
POINTS: Final = 6000  # of the charts, two a bucket
# Column of the page: field of ROW, factor to what people read, digits.
COLUMNS: Final = {
    "steer": ("steer_rad", DEGREES, 3),
    "throttle": ("throttle", 100.0, 1),
    "brake": ("brake_bar", 1.0, 2),
    "target": ("target_mps", KMH_PER_MPS, 1),
    "cross_track": ("cross_track_m", 1.0, 3),
}
# Row of the table: what it is called, factor, unit.
ROWS: Final = {
    "steer_rad": ("Steering", DEGREES, "°"),
    "throttle": ("Throttle", 100.0, "%"),
    "brake_bar": ("Brake", 1.0, "bar"),
    "gear": ("Gear", 1.0, ""),
    "target_mps": ("Target speed", KMH_PER_MPS, "km/h"),
    "cross_track_m": ("Off the line", 1.0, "m"),
}


def write_what_if(
    file: str | Path, title: str, about: Sequence[str], both: WhatIf, figures: dict[str, Any]
) -> None:
    """Write ``both`` to ``file`` as one self-contained HTML page, replacing the file.

    Errors: OSError when the file cannot be written.
    """
    shown = shown_ticks(both)
    bucket = f"{_bucket(both)} ticks" if _bucket(both) > 1 else "tick"
    write_page(
        file,
        "what_if.html",
        {"table": _table(figures), "key": mode_key()},
        title=title,
        subtitle=about,
        summary=_summary(both, figures),
        footer=FOOTER.format(bucket=bucket),
        figures=figures,
        payload=payload(both, shown),
        scripts=SCRIPTS,
        styles=("scenarios.css",),
    )


def _bucket(both: WhatIf) -> int:
    return max(-(-2 * both.t_ns.size // POINTS), 1)


def shown_ticks(both: WhatIf) -> np.ndarray:
    """The ticks that the charts show: of each bucket its first and the one that differs most."""
    size, count = _bucket(both), both.t_ns.size
    apart = np.zeros(-(-count // size) * size)
    for field, _, _ in COLUMNS.values():
        step = np.abs(both.would[field] - both.was[field])
        step = np.where(np.isfinite(step), step, 0.0)
        apart[:count] += step / max(float(step.max()), 1e-12)
    firsts = np.arange(0, count, size)
    most = firsts + apart.reshape(-1, size).argmax(axis=1)
    return np.unique(np.concatenate((firsts, most, [count - 1])))


def payload(both: WhatIf, shown: np.ndarray) -> dict[str, Any]:
    """What the charts draw; times in seconds since the first tick."""
    columns, digits = {}, {}
    for name, (field, factor, places) in COLUMNS.items():
        was, would = both.was[field][shown] * factor, both.would[field][shown] * factor
        for kind, values in (("was", was), ("would", would), ("apart", would - was)):
            columns[f"{kind}_{name}"] = whole(values, places)
            digits[f"{kind}_{name}"] = places
    columns["speed"] = whole(both.was["speed_mps"][shown] * KMH_PER_MPS, 1)
    digits["speed"] = 1
    return {
        "t": whole(both.t_s[shown], 3),
        "columns": columns,
        "digits": digits,
        "was_modes": _spells(both.t_s, both.was),
        "would_modes": _spells(both.t_s, both.would),
    }


def _spells(t_s: np.ndarray, rows: np.ndarray) -> list[tuple[float, float, int]]:
    """Begin and end in seconds, and mode."""
    mode = rows["mode"].astype(np.int64)
    begins = np.flatnonzero(np.diff(mode, prepend=mode[0] - 1))
    ends = np.append(t_s[begins[1:]], t_s[-1])
    return [
        (round(float(t_s[i]), 3), round(float(end), 3), int(mode[i]))
        for i, end in zip(begins, ends, strict=True)
    ]


def _summary(both: WhatIf, figures: dict[str, Any]) -> str:
    return tiles([
        (number(float(both.t_s[-1]), 1, "s"), "replayed", "first"),
        *(
            (_most(figures, name), f"{ROWS[name][0].lower()}, most apart", "")
            for name in ("steer_rad", "throttle", "brake_bar", "target_mps")
        ),
        (_parting(figures["mode_differs_first"]), "modes part", "text"),
    ])  # fmt: skip


def _most(figures: dict[str, Any], name: str) -> str:
    _, factor, unit = ROWS[name]
    return number(abs(figures["columns"][name]["most"]) * factor, 2, unit)


def _parting(first: dict[str, Any] | None) -> str:
    return "never" if first is None else f"at {first['t_s']:.2f} s"


def _table(figures: dict[str, Any]) -> str:
    heads = ("", "RMS", "Most", "at", "First", "Ticks")
    body = [row("td", _cells(name, figures["columns"][name])) for name in COMPARED]
    first = figures["mode_differs_first"]
    if first is not None:
        then, now = (_told(first[kind]) for kind in ("was", "would"))
        body.append(row("td", ("Mode", DASH, f"{then} → {now}", DASH, f"{first['t_s']:.3f} s",
                                f"{figures['mode_differs_ticks']:,}")))  # fmt: skip
    return table(row("th", heads), body, "verdicts")


def _cells(name: str, column: dict[str, Any]) -> Iterable[str]:
    called, factor, unit = ROWS[name]
    if not column["ticks"]:
        return (called, DASH, "the same", DASH, DASH, "0")
    return (
        called,
        number(column["rms"] * factor, 3, unit),
        number(column["most"] * factor, 3, unit),
        f"{column['most_at_s']:.3f} s",
        f"{column['first_at_s']:.3f} s",
        f"{column['ticks']:,}",
    )


def _told(spell: dict[str, str]) -> str:
    mode, cause = mode_name(Mode[spell["mode"]]), cause_name(Cause[spell["cause"]])
    return mode if spell["cause"] == "NONE" else f"{mode}: {cause}"
