"""The summary counts every row once, and names the parameter that decides first."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianyuan.hil.campaign.summary import Share, Summary, summary_of, tells_bits

KEYS = ["friction", "gain", "law"]


def row(number: int, passed: bool, error: str | None = None, **parameters) -> dict:
    return {
        "row": number, "scenario": "ab"[number % 2], "seed": number, "passed": int(passed),
        "error": error, "verdict": "passed" if passed else "failed",
        "failures": "[]" if passed else '["it was 0.31 m off its line"]',
        "time_s": 100.0 + number if error is None else None,
        **dict.fromkeys(KEYS, 0.0), **parameters,
    }  # fmt: skip


def summed(rows: list[dict]) -> Summary:
    return summary_of("it", len(rows) + 5, rows, KEYS, ["time_s"], "time_s")


def grip_decides(count: int = 200) -> list[dict]:
    random = np.random.default_rng(1)
    return [
        row(number, friction > 0.4, friction=friction, gain=gain, law=law)
        for number, (friction, gain, law) in enumerate(
            zip(random.random(count), random.random(count), ["s", "p"] * count, strict=False), 1
        )
    ]


def test_the_parameter_that_decides_comes_first():
    found = summed(grip_decides()).parameters
    assert found[0].key == "friction"
    assert found[0].tells_bits > 10 * max(parameter.tells_bits for parameter in found[1:])
    rates = [share.pass_rate for share in found[0].bins]
    assert rates == sorted(rates)
    assert rates[0] == 0.0
    assert rates[-1] == 1.0


@given(
    rows=st.lists(
        st.tuples(st.booleans(), st.floats(0, 1), st.sampled_from(["s", "p"])), max_size=40
    )
)
def test_every_row_is_in_one_bin_of_each_parameter(rows):
    done = [
        row(number, passed, friction=friction, law=law)
        for number, (passed, friction, law) in enumerate(rows, 1)
    ]
    found = summed(done)
    assert found.done == found.passed + found.failed == len(done)
    assert sum(share.rows for share in found.scenarios) == len(done)
    for parameter in found.parameters:
        assert sum(share.rows for share in parameter.bins) == len(done)
        assert sum(share.passed for share in parameter.bins) == found.passed
    assert sum(count for _, count in found.reasons) == found.failed


def test_what_grows_with_a_figure_has_rank_correlation_one():
    done = [row(number, True, gain=number**3, friction=-number) for number in range(1, 20)]
    found = {parameter.key: parameter.rank_correlation for parameter in summed(done).parameters}
    assert found == {"friction": {"time_s": -1.0}, "gain": {"time_s": 1.0}, "law": {}}


def test_failures_that_differ_in_numbers_alone_are_of_one_kind():
    done = [
        row(1, False),
        row(2, False) | {"failures": '["it was 1.2 m off its line"]'},
        row(3, False, error="InputError: laps = 0"),
        row(4, True),
    ]
    found = summed(done)
    assert found.reasons == [("it was … m off its line", 2), ("InputError: laps = …", 1)]
    assert [brief.why for brief in found.failures] == [
        "it was 0.31 m off its line", "it was 1.2 m off its line", "InputError: laps = 0",
    ]  # fmt: skip
    assert found.errors == 1
    assert [brief.row for brief in found.fastest] == [1, 2, 4]
    assert [brief.row for brief in found.slowest] == [4, 2, 1]


def test_a_failure_that_its_scenario_knows_of_is_no_failure_of_the_campaign():
    found = summed([row(1, True), row(2, False), row(3, False) | {"verdict": "known"}])
    assert (found.passed, found.known, found.failed) == (1, 1, 1)
    assert [brief.row for brief in found.failures] == [2]


def test_two_equal_bins_that_decide_tell_one_bit_less_chance():
    bins = [Share(what="", rows=1000, passed=0), Share(what="", rows=1000, passed=1000)]
    assert tells_bits(bins) == pytest.approx(1.0, abs=1e-3)
    assert tells_bits([Share(what="", rows=9, passed=9)] * 2) == 0.0
    assert tells_bits([]) == 0.0
    assert tells_bits([Share(what="", rows=50, passed=25)] * 4) == 0.0
