"""Sentences put together by the instant they speak of.

A receiver tells one epoch in several sentences, of which some carry no time (VTG, HDT,
THS). Those belong to the newest epoch whose time was told. Where they come before the
sentence that tells it, they come after a pause: half a period after the epoch before began,
they are kept for the one to come.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tianyuan.drivers.fix import Fix, Quality

SAME_S: Final = 0.002  # two times that differ by less are the same epoch
LONGEST_PERIOD_S: Final = 2.0
NS: Final = 1_000_000_000


@dataclass(slots=True)
class Epoch:
    """All that a receiver has said of one instant so far."""

    utc_s: float
    began_ns: int  # when its first sentence was read, on the monotonic clock
    position: Fix | None = None  # a GGA
    moving: Fix | None = None  # the first sentence with a speed
    pointing: Fix | None = None  # the first with a heading, or with word that there is none


class Epochs:
    """Gathers the sentences of one receiver."""

    def __init__(self) -> None:
        self.epoch: Epoch | None = None
        self.period_s: float | None = None  # between the last two epochs
        self._ahead: list[Fix] = []  # without a time, of the epoch to come

    def take(self, fix: Fix, t_ns: int) -> Epoch | None:
        """Add what was read at ``t_ns``; returns its epoch, None while that is not known.

        A heading that is told later than the next epoch's first sentence is lost.
        """
        if fix.utc_s is not None:
            self._begin(fix.utc_s, t_ns)
        elif self._is_ahead(t_ns):
            self._ahead.append(fix)
            return None
        if self.epoch is not None and not self._is_past(fix):
            _add(self.epoch, fix)
            return self.epoch
        return None

    def forget(self) -> None:
        """Begin anew, after an interruption."""
        self.epoch = self.period_s = None
        self._ahead.clear()

    def _is_past(self, fix: Fix) -> bool:
        return fix.utc_s is not None and _apart_s(fix.utc_s, self.epoch) < -SAME_S

    def _is_ahead(self, t_ns: int) -> bool:
        if self.epoch is None:
            return True
        since_s = (t_ns - self.epoch.began_ns) / NS
        return self.period_s is not None and since_s > 0.5 * self.period_s

    def _begin(self, utc_s: float, t_ns: int) -> None:
        """Turn to a new epoch where the time is a new one."""
        apart_s = _apart_s(utc_s, self.epoch)
        if self.epoch is not None and -LONGEST_PERIOD_S < apart_s <= SAME_S:
            return
        fresh = self.epoch is not None and 0.0 < apart_s <= LONGEST_PERIOD_S
        self.period_s = apart_s if fresh else None
        self.epoch = Epoch(utc_s, t_ns)
        for fix in self._ahead:
            _add(self.epoch, fix)
        self._ahead.clear()


def _apart_s(utc_s: float, epoch: Epoch | None) -> float:
    """How much later than an epoch a time is, the short way round midnight."""
    if epoch is None:
        return 0.0
    return (utc_s - epoch.utc_s + 43_200.0) % 86_400.0 - 43_200.0


def _add(epoch: Epoch, fix: Fix) -> None:
    if fix.quality is not None and epoch.position is None:
        epoch.position = fix
    if fix.speed_mps is not None and epoch.moving is None:
        epoch.moving = fix
    if fix.heading_quality is not None and _better(fix, epoch.pointing):
        epoch.pointing = fix


def _better(fix: Fix, before: Fix | None) -> bool:
    """Whether a heading says more of its quality than the one there is.

    HDT and THS tell a heading without its grade, a receiver's own log the same with it.
    """
    if before is None:
        return True
    return before.heading_quality is Quality.SINGLE and fix.heading_quality not in (
        Quality.NONE,
        Quality.SINGLE,
    )
