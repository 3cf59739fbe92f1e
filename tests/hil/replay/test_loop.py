"""The replay's kernel: what counts as another frame, and that it runs interpreted and checked."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianyuan.dbc.frame import TX, WORDS, frames
from tianyuan.firmware.host_record import HOST_CHANNEL, TICK_ID
from tianyuan.hil.replay import loop
from tianyuan.hil.replay.difference import COMPARED
from tianyuan.hil.replay.run import Loop
from tianyuan.hil.replay.stretch import Stretch


def differ(one: np.ndarray, other: np.ndarray) -> bool:
    return loop._differ(one.view(np.int64), 0, other.view(np.int64), 0)


@given(st.binary(min_size=80, max_size=80), st.integers(0, 639))
def test_frames_differ_by_what_a_bus_carries_and_by_nothing_else(content, bit):
    one = np.frombuffer(content, frames(1).dtype).copy()
    other = one.copy()
    assert not differ(one, other)
    other.view(np.uint8)[bit // 8] ^= 1 << bit % 8
    assert differ(one, other) == any(np.any(one[name] != other[name]) for name in COMPARED)


@pytest.mark.parametrize(
    ("recorded", "said", "wrong"),
    [([1, 2], [1, 2], 0), ([1, 2], [1], 1), ([1], [1, 2, 3], 2), ([], [], 0), ([1, 2], [2, 1], 2),
     ([1, 3], [1, 2], 1)],
)  # fmt: skip
def test_frames_are_compared_in_their_order(recorded, said, wrong):
    log, out = frames(2 * len(recorded) + 1), frames(4)
    log.can_id[1::2], log.reserved[1::2] = recorded, TX  # between frames that came in
    out.can_id[: len(said)] = said
    words, now = log.view(np.int64), out.view(np.int64)
    assert words.size == log.size * WORDS
    assert loop._wrong(log, words, 0, log.size, now, len(said)) == wrong


def test_garbage_through_the_loop_is_taken_like_on_a_bus_and_comes_out_again(make_bare):
    """Twice the same frames of any kind: what the first host said is what the second must."""
    rng = np.random.default_rng(1)
    ticks, each = 6, 9
    garbage = frames(ticks * each)
    garbage.view(np.uint8)[:] = rng.integers(0, 256, garbage.nbytes, np.uint8)
    garbage.reserved = 0
    times = 10**9 + np.arange(ticks) * 10_000_000
    stretch = Stretch(garbage, np.arange(1, ticks + 1) * each, times)
    first = Loop(make_bare(), own=False).play(stretch)
    sizes = np.diff(first.ends, prepend=0)
    assert (sizes >= 1).all()
    said, at = first.made.copy().view(np.recarray), 0
    said.reserved = TX
    kept = []
    for k in range(ticks):
        kept += [garbage[k * each : (k + 1) * each], said[at : at + sizes[k]]]
        at += int(sizes[k])
    ends = np.cumsum(sizes + each)
    again = Loop(make_bare(), own=True).play(
        Stretch(np.concatenate(kept).view(np.recarray), ends, times)
    )
    assert again.wrong.tolist() == [0] * ticks
    markers = again.made[again.ends - 1]
    assert set(markers.can_id) == {TICK_ID}
    assert set(markers.channel) == {HOST_CHANNEL}
    assert markers.payload[:, :8].copy().view("<i8").ravel().tolist() == times.tolist()
    assert again.commands.tobytes() == first.commands.tobytes()
