"""The validation as one document: plain values for JSON, and the numbers as people read them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tianyuan.hil.validation.theory import Check


def theory(checks: Iterable[Check]) -> list[dict[str, Any]]:
    """The rows against theory."""
    return [
        check._asdict() | {"difference": check.difference(), "holds": check.holds()}
        for check in checks
    ]


def peer(compared: Iterable[Any]) -> list[dict[str, Any]]:
    """The rows against the peer's models, from ``comparison.Compared``."""
    return [
        {
            **row._asdict(),
            "beside": [each._asdict() | {"holds": each.holds()} for each in row.beside],
        }
        for one in compared
        for row in one.rows
    ]


def document(
    vehicle: str,
    against_theory: list[dict[str, Any]],
    against_peer: list[dict[str, Any]] | None,
    sentences: Mapping[str, str],
) -> dict[str, Any]:
    """All of it; ``peer`` is null where the peer's package is not installed."""
    outcomes = [row["holds"] for row in against_theory]
    outcomes += [each["holds"] for row in against_peer or () for each in row["beside"]]
    return {
        "vehicle": vehicle,
        "holds": all(outcomes),
        "theory": against_theory,
        "peer": against_peer,
        "reasons": dict(sentences) if against_peer else {},
    }


def number(value: float) -> str:
    """Four figures."""
    if math.isnan(value):
        return "–"
    if abs(value) < 5e-4:
        return "0"
    places = min(4, max(0, 3 - math.floor(math.log10(abs(value)))))
    return f"{value:.{places}f}".replace("-", "−")


def apart(value: float, absolute: bool) -> str:
    """A difference, in per cent or in the figure's unit, with its sign."""
    if absolute:
        text = f"{value:+.3g}" if abs(value) >= 1e-3 else "0"
    else:
        text = f"{100 * value:+.2f} %" if abs(value) >= 5e-5 else "0 %"
    return text.replace("-", "−")


def bound(value: float, absolute: bool) -> str:
    """What a difference may be."""
    return f"{value:.3g}" if absolute else f"{100 * value:.3g} %"


def letters(reasons: Sequence[str], known: Mapping[str, str]) -> str:
    """The reasons as letters, in the order of the list below the table."""
    order = list(known)
    return " ".join(chr(ord("a") + order.index(name)) for name in reasons)


THEORY_HEAD = ("manoeuvre", "figure", "plant", "theory", "difference", "within", "why")
PEER_HEAD = (
    "manoeuvre", "figure", "TianYuan", "MB", "difference", "left", "why",
    "STD", "difference", "left", "why",
)  # fmt: skip


def theory_cells(rows: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """The table against theory, a manoeuvre named once."""
    notes = theory_notes(rows)
    return [
        [
            row["title"] if k == 0 or rows[k - 1]["title"] != row["title"] else "",
            f"{row['figure']}, {row['unit']}",
            number(row["ours"]),
            number(row["theory"]),
            _marked(apart(row["difference"], row["absolute"]), row["holds"]),
            bound(row["within"], row["absolute"]),
            str(1 + notes.index(_note(row))),
        ]
        for k, row in enumerate(rows)
    ]


def _marked(text: str, holds: bool) -> str:
    return text if holds else f"{text} !"


def _note(row: Mapping[str, Any]) -> str:
    return f"{row['source']}. {row['excuse']}"


def theory_notes(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Where each theory is from and what it leaves out, in order of appearance."""
    return list(dict.fromkeys(_note(row) for row in rows))


def peer_cells(rows: Sequence[Mapping[str, Any]], sentences: Mapping[str, str]) -> list[list[str]]:
    """The table against the peer's models."""
    table = []
    for k, row in enumerate(rows):
        beside = {each["peer"]: each for each in row["beside"]}
        cells = [
            row["title"] if k == 0 or rows[k - 1]["title"] != row["title"] else "",
            f"{row['figure']}, {row['unit']}",
            number(row["ours"]),
        ]
        for name in ("MB", "STD"):
            cells += _beside_cells(beside.get(name), sentences)
        table.append(cells)
    return table


def _beside_cells(each: Mapping[str, Any] | None, sentences: Mapping[str, str]) -> list[str]:
    if each is None:
        return ["", "", "", ""]
    left = apart(each["left"], each["absolute"]) if each["reasons"] else ""
    return [
        number(each["value"]),
        _marked(apart(each["difference"], each["absolute"]), each["holds"]),
        left,
        letters(each["reasons"], sentences),
    ]


def peer_notes(sentences: Mapping[str, str]) -> list[str]:
    """The reasons, each with its letter."""
    return [
        f"{letters([name], sentences)}  {name}: {sentence}" for name, sentence in sentences.items()
    ]


PEER_INTRODUCTION = (
    "TianYuan's plant with the parameters of the peer's vehicle 2 beside the peer's multi-body "
    "(MB) and single-track drift (STD) models. Left is what remains of a difference once its "
    "reasons are taken out of the models. Figures without a reason are within 1 %, or too near "
    "zero to tell: what is left there are the integrators, and 20 mm of relaxation in our tyres."
)
