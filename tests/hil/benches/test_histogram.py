"""Merged histograms are the histogram of everything."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianyuan.firmware.accounting import BINS, WAKE, accounts, book
from tianyuan.hil.benches.histogram import counted, merged, ratio, stage_of

durations = st.lists(st.integers(0, 6_000_000), max_size=50)


@given(turns=st.lists(durations, min_size=1, max_size=4))
def test_turns_merged_are_as_one_long_turn(turns):
    parts = merged([counted(np.array(turn, np.int64)) for turn in turns])
    whole = counted(np.array([took for turn in turns for took in turn], np.int64))
    np.testing.assert_array_equal(parts.bins, whole.bins)
    assert parts.figures() == whole.figures()


def test_no_turns_are_no_counts():
    assert set(merged([]).figures().values()) == {0.0}


@given(took_ns=durations)
def test_a_duration_lands_where_the_loop_books_it(took_ns):
    books = accounts()
    for each in took_ns:
        book(books, WAKE, each)
    np.testing.assert_array_equal(
        stage_of(books, WAKE).bins, counted(np.array(took_ns, np.int64)).bins
    )
    assert stage_of(books, WAKE).longest_ns == max(took_ns, default=0)


def test_what_is_beyond_the_last_bin_counts_as_the_longest():
    found = counted(np.array([5_000, BINS * 1000 + 7_000], np.int64)).figures()
    assert found["p50"] == 6.0
    assert found["p99"] == found["max"] == BINS + 7.0


def test_a_ratio_is_ours_to_theirs_and_a_number_even_to_nothing():
    ours = {"p50": 10.0, "p99": 22.0, "p999": 30.0, "max": 99.0}
    theirs = {"p50": 10.0, "p99": 20.0, "p999": 0.0, "max": 1.0}
    assert ratio(ours, theirs) == {"p50": 1.0, "p99": pytest.approx(1.1), "p999": 30.0}
