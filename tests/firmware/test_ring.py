"""One writer that never waits, one reader that knows what it lost."""

from __future__ import annotations

import itertools
import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianyuan.control.kernels import unlocked
from tianyuan.dbc.frame import TX, frames
from tianyuan.firmware.ring import push, ring, take

SIZE = 64


def numbered(first: int, count: int):
    made = frames(max(count, 1))
    made.can_id[:count] = np.arange(first, first + count)
    made.payload[:count] = (np.arange(first, first + count) % 251).astype(np.uint8)[:, None]
    made.t_ns[:count] = np.arange(first, first + count)
    return made


@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), max_size=60))
def test_frames_come_in_order_and_what_is_missing_is_counted(steps):
    kept, written, read = ring(SIZE), 0, 0
    for count, look in steps:
        push(kept, numbered(written, count), count, 0)
        written += count
        if look:
            came, new, lost = take(kept, read)
            assert lost == max(written - SIZE - read, 0)
            assert came["can_id"].tolist() == list(range(read + lost, written))
            assert new == written
            read = new


def test_the_mark_tells_sent_from_received():
    kept = ring(SIZE)
    push(kept, numbered(0, 2), 2, 0)
    push(kept, numbered(2, 1), 1, TX)
    assert take(kept, 0)[0]["reserved"].tolist() == [0, 0, TX]


def test_a_writer_in_the_middle_of_its_frames_is_told_from_one_that_rests():
    kept = ring(SIZE)
    push(kept, numbered(0, SIZE), SIZE, 0)
    kept.claimed[0] += 5  # has begun to write five over the oldest ones
    kept.frames[:3] = numbered(SIZE, 3)
    came, read, lost = take(kept, 0)
    assert (came["can_id"].tolist(), read, lost) == (list(range(5, SIZE)), SIZE, 5)


@unlocked
def write(kept, source, count, rounds, stop):
    """Push blocks of frames numbered on and on, as fast as it goes."""
    number = 0
    for _ in range(rounds):
        if stop[0] != 0:
            break
        for i in range(count):
            source[i].can_id = number & 0x7FFF_FFFF
            source[i].t_ns = number
            for k in range(8):
                source[i].payload[k * 8] = number & 0xFF
            number += 1
        push(kept, source, count, 0)
    return number


@pytest.mark.compiled
def test_no_frame_is_torn_under_a_racing_writer():
    """The reader asks for all there is, where it may lose any part, and for the newest few."""
    kept, source, stop = ring(1 << 14), frames(7), np.zeros(1, np.int64)
    write(kept, source, 7, 0, stop)
    thread = threading.Thread(target=write, args=(kept, source, 7, 1 << 40, stop))
    thread.start()
    read = total = missed = 0
    end = time.monotonic() + 60
    try:
        for newest in itertools.cycle((1 << 14, 256)):
            read = before = max(read, int(kept.written[0]) - newest)
            came, read, lost = take(kept, read)
            numbers = before + lost + np.arange(len(came))
            assert np.array_equal(came["t_ns"], numbers)
            assert np.array_equal(came["payload"][:, 56], numbers & 0xFF)
            assert read == before + lost + len(came)
            total, missed = total + len(came), missed + lost
            if (total >= 200_000 and missed > 0) or time.monotonic() > end:
                break
    finally:
        stop[0] = 1
        thread.join()
    assert total >= 200_000
    assert missed > 0
