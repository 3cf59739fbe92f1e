"""The twin of a run with faults: the same one without them, which must not trip."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from tianyuan.hil.scenario.model import Expect, Scenario
from tianyuan.hil.scenario.result import Result
from tianyuan.hil.scenario.trace import Rows

EVERY: Final = 10  # of its rows are enough to compare speeds with


class Twin(NamedTuple):
    """What is kept of it."""

    result: Result
    rows: Rows  # TRACE, thinned


def needs_twin(scenario: Scenario) -> bool:
    """Whether there is anything to compare: a fault that comes once the car could drive."""
    before = all(entry.row.before_the_run for entry in scenario.faults)
    return scenario.twin and bool(scenario.faults) and not before


def twin_of(scenario: Scenario) -> Scenario:
    """The scenario without its faults."""
    expect = Expect(on_track=scenario.expect.on_track)
    named = {"name": f"twin of {scenario.name}", "about": "", "faults": [], "expect": expect}
    return scenario.model_copy(update=named)


def key_of(scenario: Scenario, seed: int) -> str:
    """What twins have in common that can serve for each other: all but how long they drive."""
    unnamed = twin_of(scenario).model_copy(update={"name": "", "seed": seed})
    return unnamed.model_dump_json(exclude={"seconds"})


def longest(scenarios: list[tuple[Scenario, int]]) -> dict[str, tuple[Scenario, int]]:
    """The twins that these scenarios and seeds need, each once and as long as any of them."""
    found: dict[str, tuple[Scenario, int]] = {}
    for scenario, seed in scenarios:
        if not needs_twin(scenario):
            continue
        key = key_of(scenario, seed)
        before = found.get(key)
        if before is None or (before[0].seconds or 0.0) < (scenario.seconds or 0.0):
            found[key] = (twin_of(scenario), seed)
    return found


def thinned(rows: Rows) -> Rows:
    """Every tenth row."""
    return np.ascontiguousarray(rows[::EVERY]).view(np.recarray)
