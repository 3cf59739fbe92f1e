"""cyclictest's figures are read as ours are, and what is none is refused in one line."""

from __future__ import annotations

import os

import numpy as np
import pytest

from tianyuan.control.errors import InputError
from tianyuan.hil.benches import cyclictest
from tianyuan.hil.benches.cyclictest import parse
from tianyuan.hil.benches.histogram import counted


def document(histogram, **thread):
    """What rt-tests 2.4 writes, by hand."""
    total = sum(histogram.values())
    told = {"cycles": total, "min": 1, "max": 40, "avg": 9.5, "cpu": 1, "node": 0} | thread
    return {
        "file_version": 1,
        "cmdline:": "cyclictest -m -q -p 80 -i 2000 -l 1000 -a 1 -t 1 -h 4000 --json=f",
        "rt_test_version:": "2.40",
        "return_code": 0,
        "num_threads": 1,
        "resolution_in_ns": 0,
        "thread": {"0": {"histogram": {str(k): v for k, v in histogram.items()}} | told},
    }


def test_a_document_gives_the_percentiles_of_its_bins():
    found = parse(document({7: 500, 12: 480, 40: 20})).figures()
    assert found == {"p50": 8.0, "p99": 41.0, "p999": 41.0, "p9999": 41.0, "max": 40.0}


def test_both_contestants_round_the_same_latencies_to_the_same_bins():
    took_us = np.array([7.0, 7.9, 12.3, 40.999])
    ours = counted((took_us * 1000).astype(np.int64))
    theirs = parse(document({7: 2, 12: 1, 40: 1}))
    np.testing.assert_array_equal(ours.bins, theirs.bins)


def test_latencies_beyond_the_histogram_are_not_lost():
    found = parse(document({7: 990}, cycles=1000, max=9000))
    assert found.bins.sum() == 1000
    assert found.figures()["p999"] == 9000.0
    assert found.figures()["p50"] == 8.0


@pytest.mark.parametrize(
    "broken",
    [{}, [], {"thread": {}}, {"thread": {"0": {}}}, document({}, cycles=None), document({"x": 1})],
)
def test_what_is_no_document_of_cyclictest_is_refused_in_one_line(broken):
    with pytest.raises(InputError, match="cyclictest") as caught:
        parse(broken)
    assert "\n" not in str(caught.value)


def test_without_the_program_the_package_is_named(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(InputError, match="apt install rt-tests"):
        cyclictest.run(0, 80, 10_000_000, 0.1)


@pytest.mark.timed
def test_a_short_run_gives_a_count_for_each_loop():
    cpu = max(os.sched_getaffinity(0))
    try:
        found = cyclictest.run(cpu, 80, 2_000_000, 0.2)
    except InputError as error:
        pytest.skip(str(error))
    assert found.bins.sum() == 100
    assert found.longest_ns > 0
