"""A command is matched with the sensor frame it was computed from, or with none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianyuan.hil.benches.observer import COMMANDED, SENSOR, SIGHTING, match

PERIOD = 2_000_000
LATENCY = 30_000


def exchange(frames, every=4_007_000, period=PERIOD, first=1_000_000):
    """Sensor frames with rising angles, and the commands of a host that echoes the newest."""
    sensors = [(first + k * every, SENSOR, 2 * k) for k in range(frames)]
    commands = []
    for tick in range(0, first + frames * every, period):
        keys = [key for t, _, key in sensors if t <= tick]
        commands.append((tick + LATENCY, COMMANDED, keys[-1] if keys else -1))
    return np.array(sorted(sensors + commands), SIGHTING)


def test_each_frame_is_answered_by_the_next_tick():
    found = match(exchange(50))
    assert (found.asked, found.unanswered) == (49, 0)
    assert found.response_ns.min() >= LATENCY
    assert found.response_ns.max() <= PERIOD + LATENCY


def test_a_shift_of_the_clock_changes_nothing():
    seen = exchange(40)
    shifted = seen.copy()
    shifted["t_ns"] += 123_456_789_012_345
    np.testing.assert_array_equal(match(shifted).response_ns, match(seen).response_ns)


@given(lost=st.sets(st.integers(0, 60), max_size=30))
def test_a_lost_command_is_counted_or_its_repetition_taken_but_never_anothers(lost):
    seen = exchange(30)
    whole = match(seen)
    commands = np.flatnonzero(seen["side"] == COMMANDED)[1:-1]
    dropped = [commands[i] for i in lost if i < commands.size]
    found = match(np.delete(seen, dropped))

    assert found.asked == whole.asked
    assert found.response_ns.size + found.unanswered == found.asked
    # Two commands carry each angle: what is answered later is so by whole periods.
    late = found.response_ns % PERIOD
    assert set(late.tolist()) <= set((whole.response_ns % PERIOD).tolist())
    assert found.response_ns.max(initial=0) <= 3 * PERIOD + LATENCY


@pytest.mark.parametrize("key", [10, 20])
def test_a_frame_whose_every_command_is_lost_is_unanswered(key):
    seen = exchange(30)
    rest = seen[~((seen["side"] == COMMANDED) & (seen["key"] == key))]
    found = match(rest)
    assert found.unanswered == 1
    assert found.response_ns.max() <= PERIOD + LATENCY


def test_frames_overtaken_in_one_tick_are_unanswered():
    found = match(exchange(60, every=4_000_000, period=10_000_000))
    assert found.unanswered > 0.5 * found.asked
    assert found.response_ns.max() <= 4_000_000 + LATENCY


def test_an_angle_that_stands_still_asks_nothing():
    rows = [(0, COMMANDED, 0), (1, SENSOR, 0), (2, COMMANDED, 0), (3, SENSOR, 0), (4, COMMANDED, 0)]
    found = match(np.array(rows, SIGHTING))
    assert (found.asked, found.response_ns.size) == (0, 0)


@pytest.mark.parametrize("side", [SENSOR, COMMANDED])
def test_one_side_alone_asks_nothing(side):
    seen = exchange(20)
    found = match(seen[seen["side"] == side])
    assert (found.asked, found.unanswered, found.response_ns.size) == (0, 0, 0)
