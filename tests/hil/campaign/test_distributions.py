"""Draws lie where scipy's distributions have their quantiles, and within their bounds."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import stats

from tianyuan.hil.campaign.distributions import Distribution

SHARE = st.floats(1e-9, 1.0 - 1e-9)  # nearer to 0 and 1 all floats' quantiles lie far apart


@given(share=SHARE)
@pytest.mark.parametrize(
    ("table", "oracle"),
    [
        ({"uniform": [-2.0, 3.0]}, stats.uniform(-2.0, 5.0)),
        ({"loguniform": [0.01, 10.0]}, stats.loguniform(0.01, 10.0)),
        ({"normal": [5.0, 2.0]}, stats.norm(5.0, 2.0)),
        ({"normal": [5.0, 2.0], "min": 4.0, "max": 8.0}, stats.truncnorm(-0.5, 1.5, 5.0, 2.0)),
        ({"normal": [5.0, 2.0], "min": 4.0}, stats.truncnorm(-0.5, math.inf, 5.0, 2.0)),
    ],
)
def test_a_draw_is_the_quantile_that_scipy_has(table, oracle, share):
    assert Distribution(**table).at(share) == pytest.approx(float(oracle.ppf(share)), abs=1e-9)


@given(mean=st.floats(-9, 9), deviation=st.floats(0.1, 5), share=SHARE)
def test_a_cut_normal_never_leaves_its_bounds(mean, deviation, share):
    cut = Distribution(normal=[mean, deviation], min=mean - deviation, max=mean + deviation)
    assert mean - deviation <= cut.at(share) <= mean + deviation


@given(
    table=st.sampled_from([{"uniform": [0, 1]}, {"loguniform": [1, 9]}, {"normal": [0, 1]}]),
    one=SHARE,
    other=SHARE,
)
def test_a_larger_share_never_draws_less(table, one, other):
    drawn = Distribution(**table)
    assert drawn.at(min(one, other)) <= drawn.at(max(one, other))


def test_choices_come_as_often_as_their_weights_say():
    drawn = Distribution(choice=["wet", "dry", "never"], weights=[1, 3, 0])
    found = [drawn.at((k + 0.5) / 400) for k in range(400)]
    assert {value: found.count(value) for value in found} == {"wet": 100, "dry": 300}
    assert [Distribution(choice=[1, 2.5, True]).at(share) for share in (0.1, 0.5, 0.9)] == [
        1, 2.5, True,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "table",
    [
        {},
        {"uniform": [1, 2], "normal": [1, 2]},
        {"uniform": [2, 1]},
        {"uniform": [1, math.inf]},
        {"loguniform": [0, 1]},
        {"normal": [1, 0]},
        {"normal": [0, 1], "min": 2, "max": 1},
        {"uniform": [1, 2], "min": 1},
        {"choice": []},
        {"choice": [1, 2], "weights": [1]},
        {"choice": [1, 2], "weights": [0, 0]},
        {"uniform": [1, 2], "weights": [1, 2]},
        {"uniforn": [1, 2]},
    ],
)
def test_what_cannot_be_drawn_from_is_refused(table):
    with pytest.raises(ValidationError):
        Distribution(**table)
