"""The recorder's ring: the loop writes frames and never waits, a reader follows behind.

A reader that falls a whole ring behind loses the oldest frames and knows how many.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from tianyuan.control.kernels import kernel
from tianyuan.dbc.frame import FRAME

SENT: Final = 1  # in a frame's ``reserved`` byte: it went out


class Ring(NamedTuple):
    """``frames`` (capacity,) and ``written`` (1,): frames ever written."""

    frames: np.recarray
    written: np.ndarray


def ring(capacity: int) -> Ring:
    """An empty ring of a power of two of frames."""
    return Ring(np.zeros(capacity, FRAME).view(np.recarray), np.zeros(1, np.int64))


@kernel
def push(ring, frames, count, mark):
    """Append the first ``count`` of ``frames``; ``mark`` goes into their ``reserved`` byte."""
    words = ring.frames.view(np.uint64)
    source = frames.view(np.uint64)
    size = ring.frames.size
    stride = words.size // size
    written = ring.written[0]
    for i in range(count):
        slot = (written + i) % size
        for k in range(stride):
            words[slot * stride + k] = source[i * stride + k]
        ring.frames[slot].reserved = mark
    ring.written[0] = written + count


def take(source: Ring, read: int) -> tuple[np.ndarray, int, int]:
    """Frames written since ``read``: a copy, the new ``read``, and how many were lost."""
    size = source.frames.size
    written = int(source.written[0])
    first = max(read, written - size)
    copied = source.frames[np.arange(first, written) % size]
    # What the writer overtook while we copied is not to be trusted.
    overtaken = max(int(source.written[0]) - size - first, 0)
    return copied[overtaken:], written, first + overtaken - read
