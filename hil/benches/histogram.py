"""Histograms of one microsecond a bin, merged over turns and read alike, whoever filled them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from tianyuan.firmware.accounting import BINS, Accounts, percentile_us

SHARES: Final = {"p50": 0.5, "p99": 0.99, "p999": 0.999, "p9999": 0.9999}


class Histogram(NamedTuple):
    """Counts in ``bins`` (BINS,) by whole microseconds, the last for all above, and the longest."""

    bins: np.ndarray
    longest_ns: int

    def figures(self) -> dict[str, float]:
        """p50, p99, p999, p9999 and max in microseconds; a percentile is its bin's upper edge."""
        every = {n: percentile_us(self.bins, s, self.longest_ns) for n, s in SHARES.items()}
        return every | {"max": self.longest_ns / 1000.0}


def stage_of(books: Accounts, stage: int) -> Histogram:
    """What the loop booked of one of its stages."""
    return Histogram(books.bins[stage].copy(), int(books.longest_ns[stage]))


def counted(took_ns: np.ndarray) -> Histogram:
    """Durations in integer nanoseconds, counted."""
    places = np.clip(took_ns // 1000, 0, BINS - 1)
    return Histogram(np.bincount(places, minlength=BINS), int(took_ns.max(initial=0)))


def merged(turns: Sequence[Histogram]) -> Histogram:
    """All turns in one: counts add up, and the longest of any is the longest of all."""
    bins = np.sum([turn.bins for turn in turns], axis=0, dtype=np.int64)
    return Histogram(np.broadcast_to(bins, BINS), max((t.longest_ns for t in turns), default=0))


def ratio(ours: dict[str, float], theirs: dict[str, float]) -> dict[str, float]:
    """Ours as a multiple of theirs: p50, p99 and p999; no latency is shorter than its bin."""
    return {share: ours[share] / max(theirs[share], 1.0) for share in ("p50", "p99", "p999")}
