"""A slew is held against when frames are heard: what a queue did to them is no fault of the host's.

A queue that stops holds the oldest frames that found room, loses the others, and gives up what it
holds one after the other once it moves again:

    made    1 2 3 4 5 6 7 8 9
    heard   1                 2 3 4   9
                |<- stopped ->|
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianyuan.control.kernels import kernel
from tianyuan.firmware.guard.slew import AHEAD_S, SLEW, spend

MS = 1_000_000
RATE = 700.0  # bar/s
CYCLE_MS, SILENT_MS = 10, 30


@kernel
def _heard(slew, value, t_ns):
    moved = value - slew[0].value
    return spend(slew[0], value, moved, RATE, AHEAD_S, SILENT_MS * MS, t_ns)


class Ear:
    """Who hears one command, from its first frame on."""

    def __init__(self) -> None:
        self.slew = np.zeros(1, SLEW).view(np.recarray)
        self.t_ms = 1000.0
        self.hear(0.0)

    def hear(self, value: float, after_ms: float = 0.0) -> bool:
        """Whether a frame heard so much later moves too fast."""
        self.t_ms += after_ms
        return bool(_heard(self.slew, value, round(self.t_ms * MS)))


def through_a_queue(made: list[float], stop: int, stopped: int, room: int, late_ms: list[float]):
    """When each frame is heard, and its value: a queue that stops before frame ``stop``."""
    end_ms, last_ms = (stop + stopped) * CYCLE_MS, 0.0
    for i, value in enumerate(made):
        waits = stop <= i < stop + stopped
        if waits and i - stop >= room:
            continue
        at_ms = end_ms if waits else i * CYCLE_MS + late_ms[i % len(late_ms)]
        last_ms = max(last_ms + 0.2, at_ms)
        yield last_ms, value


@given(
    steps=st.lists(st.floats(-1.0, 1.0), min_size=20, max_size=120),
    stop=st.integers(2, 10),
    stopped=st.integers(0, 80),
    room=st.integers(0, 6),
    late_ms=st.lists(st.floats(0.0, 9.0), min_size=1, max_size=7),
)
def test_a_command_within_its_slew_is_never_too_fast_however_a_queue_stops(
    steps, stop, stopped, room, late_ms
):
    made = np.cumsum(steps) * RATE * CYCLE_MS * 1e-3
    ear = Ear()
    for at_ms, value in through_a_queue(list(made), stop, stopped, room, late_ms):
        assert not ear.hear(value, 1010.0 + at_ms - ear.t_ms), f"{at_ms} ms"


@given(
    silence_ms=st.floats(31.0, 1000.0),
    gaps_ms=st.lists(st.floats(0.1, 29.0), min_size=1, max_size=30),
    moves=st.lists(st.floats(0.0, 400.0), min_size=31, max_size=31),
)
def test_what_passes_after_a_silence_is_no_more_than_time_has_earned(silence_ms, gaps_ms, moves):
    ear, value, begun_ms = Ear(), 0.0, 1000.0
    for move, gap_ms in zip(moves, [silence_ms, *gaps_ms], strict=False):
        value += move
        if ear.hear(value, gap_ms):
            return
        assert value <= RATE * ((ear.t_ms - begun_ms) * 1e-3 + AHEAD_S) + 1e-6


@pytest.mark.parametrize(("regular", "too_fast"), [(1, False), (5, False), (6, True), (50, True)])
def test_what_a_silence_earned_expires_once_a_queue_must_be_empty(regular, too_fast):
    ear = Ear()
    assert not ear.hear(0.0, after_ms=500.0)
    for _ in range(regular - 1):
        assert not ear.hear(0.0, after_ms=CYCLE_MS)
    assert ear.hear(60.0, after_ms=CYCLE_MS) == too_fast


def test_a_cycle_that_is_missed_is_no_silence():
    ear = Ear()
    assert not ear.hear(0.0, after_ms=SILENT_MS)
    assert ear.hear(RATE * (AHEAD_S + 0.011), after_ms=CYCLE_MS)
