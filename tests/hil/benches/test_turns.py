"""Contestants take turns, and what is reported is the median of one of theirs."""

from __future__ import annotations

import pytest

from tianyuan.hil.benches import turns
from tianyuan.hil.benches.lockstep import Span, factor
from tianyuan.hil.benches.turns import Contestant, nanoseconds


class Clock:
    """A clock that only moves when a contestant works."""

    def __init__(self) -> None:
        self.now_ns = 0

    def perf_counter_ns(self) -> int:
        return self.now_ns


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(turns, "time", clock)
    return clock


def test_each_round_gives_every_contestant_its_turn(clock):
    log = []
    contestants = {name: Contestant(lambda name=name: log.append(name), 1) for name in "abc"}

    nanoseconds(contestants, 3)

    assert "".join(log) == "abc" * 4  # the first round warms up


def test_a_figure_is_the_median_time_of_a_unit_without_the_first_turn(clock):
    spent_ns = iter([90_000, 100, 7_000, 200])

    def work() -> None:
        clock.now_ns += next(spent_ns)

    assert nanoseconds({"a": Contestant(work, 10)}, 3) == {"a": 20.0}


def test_progress_is_told_of_every_round(clock):
    told = []

    nanoseconds({"a": Contestant(lambda: None, 1)}, 3, told.append)

    assert told == [1, 2, 3]


S = 1_000_000_000


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([Span(0, 2 * S, 100.0, 1.0)], 50.0),
        ([Span(0, 2 * S, 100.0, 1.0), Span(0, 2 * S, 100.0, 1.0)], 100.0),
        # Nothing is gained by the one starting when the other has ended.
        ([Span(0, 2 * S, 100.0, 1.0), Span(2 * S, 4 * S, 100.0, 1.0)], 50.0),
    ],
)
def test_together_is_from_the_first_start_to_the_last_end(spans, expected):
    assert factor(spans) == expected
