"""How old a fix is when it is read: its own UTC time against the clock of this machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

DAY_S: Final = 86_400.0
HALF_WINDOW_S: Final = 30.0
NS: Final = 1_000_000_000


def _within_a_day(seconds: float) -> float:
    """Seconds between two times of the day, the short way round midnight."""
    return (seconds + DAY_S / 2) % DAY_S - DAY_S / 2


def wall_ahead_ns() -> int:
    """How far the wall clock is ahead of the monotonic clock just now."""
    return time.time_ns() - time.monotonic_ns()


class SystemClock:
    """Ages by this machine's wall clock, which has to be set to UTC (PTP, chrony)."""

    def __init__(self, ahead_ns: Callable[[], int] = wall_ahead_ns) -> None:
        self._ahead_ns = ahead_ns

    def age_s(self, utc_s: float, t_ns: int) -> float:
        """The age at ``t_ns`` on the monotonic clock of what was valid at a second of the day."""
        wall_ns = t_ns + self._ahead_ns()
        return _within_a_day((wall_ns % (int(DAY_S) * NS)) / NS - utc_s)


class ReceiverClock:
    """Ages by the receiver's own time, for a machine whose clock is not set.

    The quickest sentence of the last half minute to a minute is taken to have needed
    ``least_s``; what others need beyond it is seen, what all of them need is not. Two
    windows take turns, so that the drift of the machine's clock, up to 100 ppm, makes no
    more of a difference than 6 ms.
    """

    def __init__(self, least_s: float) -> None:
        self._least_s = least_s
        self._reference: float | None = None  # difference of the clocks that the others turn about
        self._quickest = [float("inf"), float("inf")]  # of this window and of the one before
        self._until_ns = 0

    def age_s(self, utc_s: float, t_ns: int) -> float:
        """As SystemClock's."""
        difference = t_ns / NS % DAY_S - utc_s
        if self._reference is None:
            self._reference = difference
        late = _within_a_day(difference - self._reference)
        if t_ns >= self._until_ns:
            self._quickest = [float("inf"), self._quickest[0]]
            self._until_ns = t_ns + int(HALF_WINDOW_S * NS)
        self._quickest[0] = min(self._quickest[0], late)
        return self._least_s + late - min(self._quickest)


Clock = SystemClock | ReceiverClock
