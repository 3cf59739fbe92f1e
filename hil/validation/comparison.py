"""Our plant beside the peer's models: every figure, its difference, and what is left of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from tianyuan.hil.validation.catalogue import Case, cases
from tianyuan.hil.validation.commonroad import DRIFT, MULTI_BODY, Peer, parameters
from tianyuan.hil.validation.expectations import EXPECTATIONS, Expectation
from tianyuan.hil.validation.ours import Ours
from tianyuan.hil.validation.reasons import REASONS
from tianyuan.hil.validation.trace import Trace
from tianyuan.hil.validation.twin import twin

COUNT = len(EXPECTATIONS)


class Beside(NamedTuple):
    """A peer's value of a figure; differences are ours less the peer's.

    ``difference`` and ``left`` are in the terms of the expectation: relative, or absolute.
    """

    peer: str
    value: float
    difference: float
    within: float
    absolute: bool
    reasons: tuple[str, ...]
    left: float
    left_within: float

    def holds(self) -> bool:
        """Whether the difference, and what is left of it, are inside their bounds."""
        return abs(self.difference) <= self.within and abs(self.left) <= self.left_within


class Row(NamedTuple):
    """One figure of one manoeuvre."""

    case: str
    title: str
    figure: str
    unit: str
    ours: float
    beside: tuple[Beside, ...]


class Compared(NamedTuple):
    """A manoeuvre's rows, and its traces by the models' names."""

    case: Case
    rows: tuple[Row, ...]
    traces: Mapping[str, Trace]


class Runs:
    """Runs of one case, each made once, with whatever changed in peer and twin."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._base = dict(case.changed)
        self.ours = lru_cache(None)(self._ours)
        self.peer = lru_cache(None)(self._peer)

    def _ours(self, reasons: tuple[str, ...]) -> Trace:
        p = parameters(**self._base)
        changed = {k: v for name in reasons for k, v in REASONS[name].ours(p).items()}
        return Ours(twin(p, changed)).drive(self._case.manoeuvre)

    def _peer(self, kind: str, reasons: tuple[str, ...]) -> Trace:
        p = parameters(**self._base)
        changed = {k: v for name in reasons for k, v in REASONS[name].peer(p).items()}
        return Peer(kind, self._base | changed).drive(self._case.manoeuvre)


def compare(keys: Iterable[str] = ()) -> Iterator[Compared]:
    """All cases, or those of ``keys``, driven by our twin and by both of the peer's models."""
    wanted = set(keys)
    for case in cases():
        if not wanted or case.key in wanted:
            yield _compared(case)


def _compared(case: Case) -> Compared:
    runs = Runs(case)
    rows = tuple(
        Row(
            case.key,
            case.title,
            figure.name,
            figure.unit,
            float(figure.of(runs.ours(()))),
            tuple(_beside(runs, figure.of, expected) for expected in expectations),
        )
        for figure, expectations in zip(case.figures, EXPECTATIONS[case.key], strict=True)
    )
    traces = {
        "TianYuan": runs.ours(()),
        "CommonRoad MB": runs.peer(MULTI_BODY, ()),
        "CommonRoad STD": runs.peer(DRIFT, ()),
    }
    return Compared(case, rows, traces)


def _beside(runs: Runs, of: Any, expected: Expectation) -> Beside:
    # Only the reasons that change a model are part of its run, so that runs are shared.
    p = parameters()
    theirs = tuple(name for name in expected.reasons if REASONS[name].peer(p))
    own = tuple(name for name in expected.reasons if REASONS[name].ours(p))
    value = float(of(runs.peer(expected.peer, ())))
    difference = _difference(float(of(runs.ours(()))), value, expected.absolute)
    left = _difference(
        float(of(runs.ours(own))), float(of(runs.peer(expected.peer, theirs))), expected.absolute
    )
    return Beside(
        expected.peer, value, difference, expected.within, expected.absolute, expected.reasons,
        left, expected.left,
    )  # fmt: skip


def _difference(ours: float, theirs: float, absolute: bool) -> float:
    if absolute:
        return ours - theirs
    return ours / theirs - 1.0 if theirs else math.nan
