"""What became of a campaign: what fails where, and which parameters tell."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from pydantic import BaseModel, ConfigDict, computed_field
from scipy.stats import spearmanr

BINS: Final = 5
LISTED: Final = 10
NUMBER: Final = re.compile(r"-?\d+(\.\d+)?")
LEAST_RANKED: Final = 8  # rows without which a rank correlation says nothing
Rows = Sequence[Mapping[str, Any]]


class Part(BaseModel):
    """A part of the summary."""

    model_config = ConfigDict(frozen=True)


class Share(Part):
    """Rows of a kind, and how many of them passed."""

    what: str
    rows: int
    passed: int

    @computed_field  # type: ignore[prop-decorator]
    @property
    def pass_rate(self) -> float | None:
        """The share that passed; none of no rows."""
        return self.passed / self.rows if self.rows else None


class Parameter(Part):
    """How verdicts and figures go with one parameter.

    ``tells_bits`` is the information that the bin has on the verdict, less what chance alone
    would give (Miller and Madow): 0 for nothing. ``rank_correlation`` is Spearman's, by figure.
    """

    key: str
    tells_bits: float
    rank_correlation: dict[str, float]
    bins: list[Share]


class Brief(Part):
    """A row that is worth a look."""

    row: int
    scenario: str
    seed: int
    why: str


class Summary(Part):
    """What ``tianyuan campaign --json`` writes, but for the seconds it took."""

    name: str
    rows: int  # that the campaign has
    done: int
    passed: int
    known: int  # failures that their scenarios know of
    failed: int  # errors among them
    errors: int
    scenarios: list[Share]
    parameters: list[Parameter]  # the most telling first
    reasons: list[tuple[str, int]]  # of failures, the most frequent first
    failures: list[Brief]  # the first of them
    fastest: list[Brief]
    slowest: list[Brief]


def summary_of(
    name: str, rows: int, done: Rows, keys: Sequence[str], figures: Sequence[str], lap_time: str
) -> Summary:
    """The summary of ``done`` rows; ``figures`` are ranked by, ``lap_time`` is one of them."""
    passed = sum(bool(row["passed"]) for row in done)
    failed = [row for row in done if not row["passed"] and row["verdict"] != "known"]
    timed = sorted((row for row in done if _number(row[lap_time])), key=lambda row: row[lap_time])
    told = [_parameter(key, done, figures) for key in keys]
    return Summary(
        name=name,
        rows=rows,
        done=len(done),
        passed=passed,
        known=len(done) - passed - len(failed),
        failed=len(failed),
        errors=sum(row["error"] is not None for row in done),
        scenarios=[
            _share(scenario, [row for row in done if row["scenario"] == scenario])
            for scenario in dict.fromkeys(row["scenario"] for row in done)
        ],
        parameters=sorted(told, key=_telling, reverse=True),
        reasons=Counter(reason_of(row) for row in failed).most_common(LISTED),
        failures=[_brief(row, _why(row)) for row in failed[:LISTED]],
        fastest=[_brief(row, f"{row[lap_time]:.3f} s") for row in timed[:3]],
        slowest=[_brief(row, f"{row[lap_time]:.3f} s") for row in timed[:-4:-1]],
    )


def reason_of(row: Mapping[str, Any]) -> str:
    """Why a row failed, less its numbers: rows that failed alike share it."""
    return NUMBER.sub("…", _why(row))


def _why(row: Mapping[str, Any]) -> str:
    if row["error"] is not None:
        return str(row["error"])
    said = json.loads(row["failures"] or "[]")
    return str(said[0]) if said else "failed"


def _brief(row: Mapping[str, Any], why: str) -> Brief:
    return Brief(row=row["row"], scenario=row["scenario"], seed=row["seed"], why=why)


def _share(what: str, rows: Rows) -> Share:
    return Share(what=what, rows=len(rows), passed=sum(bool(row["passed"]) for row in rows))


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _telling(parameter: Parameter) -> tuple[float, float]:
    return parameter.tells_bits, max(map(abs, parameter.rank_correlation.values()), default=0.0)


def _parameter(key: str, rows: Rows, figures: Sequence[str]) -> Parameter:
    bins = [_share(label, members) for label, members in _binned(key, rows)]
    return Parameter(
        key=key,
        tells_bits=tells_bits(bins),
        rank_correlation=_ranked(key, rows, figures),
        bins=bins,
    )


def _binned(key: str, rows: Rows) -> list[tuple[str, Rows]]:
    """Rows by the parameter's value, or where it has many, by its quantiles."""
    values = list(dict.fromkeys(row[key] for row in rows))
    if len(values) <= BINS or not all(map(_number, values)):
        return [(str(value), [row for row in rows if row[key] == value]) for value in values]
    edges = np.quantile([row[key] for row in rows], np.linspace(0, 1, BINS + 1))
    place = np.clip(np.searchsorted(edges, [row[key] for row in rows], "right") - 1, 0, BINS - 1)
    return [
        (
            f"{edges[k]:.4g} to {edges[k + 1]:.4g}",
            [row for row, at in zip(rows, place, strict=True) if at == k],
        )
        for k in range(BINS)
    ]


def tells_bits(bins: Sequence[Share]) -> float:
    """The mutual information of bin and verdict, corrected for chance."""
    filled = [share for share in bins if share.rows]
    counts = np.array([[share.passed, share.rows - share.passed] for share in filled], float)
    total = counts.sum()
    if not total or not counts.sum(axis=0).all():
        return 0.0  # all passed, or none
    joint = counts / total
    apart = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    there = joint > 0
    bits = float((joint[there] * np.log2(joint[there] / apart[there])).sum())
    chance = (len(filled) - 1) / (2.0 * total * np.log(2.0))
    return max(bits - chance, 0.0)


def _ranked(key: str, rows: Rows, figures: Sequence[str]) -> dict[str, float]:
    found = {}
    for figure in figures:
        pairs = [
            (row[key], row[figure]) for row in rows if _number(row[key]) and _number(row[figure])
        ]
        if len(pairs) < LEAST_RANKED:
            continue
        mine, others = zip(*pairs, strict=True)
        if len(set(mine)) > 1 and len(set(others)) > 1:
            found[figure] = round(float(spearmanr(mine, others).statistic), 4)
    return found
