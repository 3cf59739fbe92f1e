"""Whether the conditions on a frame hold, and which of those that other messages need."""

from __future__ import annotations

import numpy as np

from tianyuan.control.kernels import kernel
from tianyuan.dbc.bits import extract
from tianyuan.dbc.records import NO_PARENT
from tianyuan.dbc.selection import selected


@kernel
def _condition(codec, c, words, base):
    """Tell whether a condition holds in the frame, which may not hold its signal."""
    check = codec.checks[c]
    if check.group != NO_PARENT and not selected(codec, check.group, words, base):
        return True
    raw = extract(codec.signals[check.signal], words, base)
    r = check.ranges_first
    while r < check.ranges_end and not codec.ranges[r].low <= raw <= codec.ranges[r].high:
        r += 1
    return (r < check.ranges_end) == (check.within != 0)


@kernel
def holds(codec, message, received, words, base):
    """Tell whether all that the message needs holds, in the frame and of other messages."""
    for c in range(message.checks_first, message.checks_end):
        if not _condition(codec, c, words, base):
            return False
    for n in range(message.needs_first, message.needs_end):
        need = codec.needs[n]
        if (received[need.message].gates >> need.bit) & 1 == 0:
            return False
    return True


@kernel
def gates(codec, message, words, base):
    """Gather what holds in the frame of the conditions that other messages need."""
    found = np.int64(0)
    for c in range(message.checks_end, message.gates_end):
        if _condition(codec, c, words, base):
            found |= np.int64(1) << np.int64(c - message.checks_end)
    return found
