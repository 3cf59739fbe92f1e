"""Contestants that take turns, so that what the machine does meanwhile meets all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import NamedTuple


class Contestant(NamedTuple):
    """One turn of ``run`` handles ``units`` things, frames for example."""

    run: Callable[[], object]
    units: int


def nanoseconds(
    contestants: Mapping[str, Contestant],
    turns: int,
    progress: Callable[[float], None] = lambda done: None,
) -> dict[str, float]:
    """Median time a unit in ns, by contestant, after a first turn that does not count.

    ``progress`` is told the rounds done.
    """
    spent: dict[str, list[float]] = {name: [] for name in contestants}
    for contestant in contestants.values():
        contestant.run()
    for turn in range(turns):
        for name, contestant in contestants.items():
            began_ns = time.perf_counter_ns()
            contestant.run()
            spent[name].append((time.perf_counter_ns() - began_ns) / contestant.units)
        progress(turn + 1)
    return {name: median(times) for name, times in spent.items()}
