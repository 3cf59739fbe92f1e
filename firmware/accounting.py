"""Where the time of a tick goes: fixed histograms of one microsecond a bin, kept by the loop."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from tianyuan.control.kernels import kernel

STAGES: Final = ("wake", "receive", "tick", "send", "cycle")
WAKE, RECEIVE, TICK, SEND, CYCLE = range(len(STAGES))
BINS: Final = 4096  # the last one holds everything longer


class Accounts(NamedTuple):
    """Counts in ``bins`` (stage, microsecond); ``longest_ns`` and ``missed`` deadlines by stage."""

    bins: np.ndarray
    longest_ns: np.ndarray
    missed: np.ndarray


def accounts() -> Accounts:
    """Empty accounts."""
    stages = len(STAGES)
    return Accounts(
        np.zeros((stages, BINS), np.int64),
        np.zeros(stages, np.int64),
        np.zeros(stages, np.int64),
    )


@kernel
def book(accounts, stage, took_ns):
    """Count one duration of a stage."""
    took_ns = max(took_ns, 0)
    accounts.bins[stage, min(took_ns // 1000, BINS - 1)] += 1
    accounts.longest_ns[stage] = max(accounts.longest_ns[stage], took_ns)


def percentile_us(bins: np.ndarray, share: float, longest_ns: int) -> float:
    """Upper edge of the bin that holds the given share of the counts; 0 where there are none.

    The last bin has no upper edge but the longest duration there was.
    """
    total = bins.sum()
    if total == 0:
        return 0.0
    place = int(np.searchsorted(np.cumsum(bins), share * total))
    return place + 1.0 if place < BINS - 1 else longest_ns / 1000.0


def summary(kept: Accounts) -> dict[str, dict[str, float]]:
    """``{stage}_us``: p50, p99, p999, p9999 and max in microseconds."""
    shares = {"p50": 0.5, "p99": 0.99, "p999": 0.999, "p9999": 0.9999}
    return {
        f"{stage}_us": {name: percentile_us(bins, share, longest) for name, share in shares.items()}
        | {"max": longest / 1000.0}
        for stage, bins, longest in zip(STAGES, kept.bins, kept.longest_ns.tolist(), strict=True)
    }
