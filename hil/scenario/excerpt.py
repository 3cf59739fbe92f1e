"""What a report draws of a run: some hundred rows around what happened."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from tianyuan.hil.scenario.trace import Rows

POINTS: Final = 700
BEFORE_NS: Final = 2_000_000_000
AFTER_NS: Final = 10_000_000_000


class Excerpt(NamedTuple):
    """Rows of TRACE in order of time, thinned, and what time they count from."""

    rows: Rows
    began_ns: int  # when race control began to look


def excerpt(trace: Rows, begun_ns: int | None, last_ns: int | None) -> Excerpt:
    """From a little before a fault to a little after its end; of a run without one, all of it."""
    if not len(trace):
        return Excerpt(trace, 0)
    first_ns = int(trace.t_ns[0])
    if begun_ns is not None:
        until_ns = max(begun_ns + AFTER_NS, last_ns or 0)
        low, high = np.searchsorted(trace.t_ns, [begun_ns - BEFORE_NS, until_ns])
        trace = trace[low:high]
    every = max(1, -(-len(trace) // POINTS))
    return Excerpt(np.ascontiguousarray(trace[::every]).view(np.recarray), first_ns)
