"""Histograms of the loop against numpy on the durations themselves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianyuan.firmware.accounting import BINS, STAGES, TICK, accounts, book, percentile_us, summary

SHARES = {"p50": 0.5, "p99": 0.99, "p999": 0.999, "p9999": 0.9999}


@given(st.lists(st.integers(0, (BINS - 1) * 1000 - 1), min_size=1, max_size=300))
def test_percentiles_are_numpys_within_a_bin(took_ns):
    kept = accounts()
    for each in took_ns:
        book(kept, TICK, each)
    figures = summary(kept)["tick_us"]
    for name, share in SHARES.items():
        exact_us = np.quantile(took_ns, share, method="inverted_cdf") / 1000
        assert exact_us <= figures[name] <= exact_us + 1
    assert figures["max"] == max(took_ns) / 1000


def test_what_is_longer_than_the_bins_is_neither_lost_nor_understated():
    kept = accounts()
    for took_ns in (10_000, 90_000_000, 90_000_000):
        book(kept, TICK, took_ns)
    assert kept.bins[TICK].sum() == 3
    assert kept.bins[TICK, -1] == 2
    assert summary(kept)["tick_us"]["p99"] == 90_000.0
    assert summary(kept)["tick_us"]["max"] == 90_000.0


@pytest.mark.parametrize("took_ns", [-1, -(10**15), 0, 2**62])
def test_no_duration_leaves_the_histogram(took_ns):
    kept = accounts()
    book(kept, TICK, took_ns)
    assert kept.bins.sum() == kept.bins[TICK].sum() == 1


def test_stages_are_apart_and_empty_ones_are_zero():
    kept = accounts()
    book(kept, TICK, 5000)
    figures = summary(kept)
    assert set(figures) == {f"{stage}_us" for stage in STAGES}
    assert set(figures["wake_us"].values()) == {0.0}
    assert percentile_us(kept.bins[TICK], 0.5, 5000) == 6.0
