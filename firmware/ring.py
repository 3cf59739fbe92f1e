"""The ring: the loop writes frames and never waits, readers follow behind.

One writer, any number of readers. A reader that falls a whole ring behind loses the oldest
frames and knows how many. ``shared_ring.py`` lays a ring into shared memory.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tianyuan.control.kernels import kernel
from tianyuan.dbc.frame import FRAME, WORDS
from tianyuan.drivers.ordering import store_ordered


class Ring(NamedTuple):
    """``frames`` (capacity,); ``written`` and ``claimed`` (1,) count frames since the start.

    The writer claims slots before it writes over them and counts them as written after.
    """

    frames: np.ndarray
    written: np.ndarray
    claimed: np.ndarray


def ring(capacity: int) -> Ring:
    """An empty ring in this process's own memory."""
    return Ring(np.zeros(capacity, FRAME), np.zeros(1, np.int64), np.zeros(1, np.int64))


@kernel
def push(ring, frames, count, mark):
    """Append the first ``count`` of ``frames``; ``mark`` goes into their ``reserved`` byte."""
    words = ring.frames.view(np.uint64)
    source = frames.view(np.uint64)
    size = ring.frames.size
    written = ring.written[0]
    store_ordered(ring.claimed, written + count)
    for i in range(count):
        slot = (written + i) % size
        for k in range(WORDS):
            words[slot * WORDS + k] = source[i * WORDS + k]
        ring.frames[slot]["reserved"] = mark
    store_ordered(ring.written, written + count)


def take(source: Ring, read: int) -> tuple[np.ndarray, int, int]:
    """Frames written since ``read``: a copy, the new ``read``, and how many were lost."""
    size = source.frames.size
    written = int(source.written[0])
    first = max(read, written - size)
    copied = source.frames[np.arange(first, written) % size]
    # What the writer overtook while we copied, or is writing over now, is not to be trusted.
    overtaken = min(max(int(source.claimed[0]) - size - first, 0), written - first)
    return copied[overtaken:], written, first + overtaken - read
