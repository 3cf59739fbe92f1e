"""The stages of a start: what was done before the first tick, and how long it took."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numba.core.event
from numba.core.runtime import _nrt_python, rtsys

STAGES: Final = ("load", "check", "compile", "warm up", "lock", "arm")


def process_age_s() -> float:
    """Seconds since this process was started, to a hundredth."""
    # After the name, which may hold anything, in brackets; see proc(5).
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    started_s = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started_s


class Boot:
    """Keeps time of the stages; ``seconds`` by stage, in their order.

    The first stage began with the process, and ``ready_s`` is its age when the last one
    ended.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.ready_s = 0.0
        self._since_s = 0.0

    def reached(self, stage: str) -> None:
        """A stage has ended; whatever was done since the one before belongs to it."""
        now_s = process_age_s()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now_s - self._since_s
        self._since_s = self.ready_s = now_s


class Unwanted(numba.core.event.Listener):
    """What must not happen once the loop is armed, counted: compilations, allocations.

    Allocations are those of numba's runtime, the only ones compiled code can make.
    """

    def __init__(self) -> None:
        self.compilations = 0
        self.allocations = 0

    def on_start(self, event: numba.core.event.Event) -> None:
        """Count a function that numba begins to compile."""
        self.compilations += 1

    def on_end(self, event: numba.core.event.Event) -> None:
        """Nothing: it was counted when it began."""

    @contextlib.contextmanager
    def watch(self) -> Iterator[None]:
        """Count what happens inside a ``with``."""
        _nrt_python.memsys_enable_stats()
        before = rtsys.get_allocation_stats().alloc
        numba.core.event.register("numba:compile", self)
        try:
            yield
        finally:
            numba.core.event.unregister("numba:compile", self)
            self.allocations += rtsys.get_allocation_stats().alloc - before


@contextlib.contextmanager
def sealed(*kernels: object) -> Iterator[None]:
    """Inside a ``with`` these kernels run as compiled, and refuse what they were not made for."""
    for kernel in kernels:
        kernel.disable_compile()  # type: ignore[attr-defined]
    try:
        yield
    finally:
        for kernel in kernels:
            kernel.disable_compile(False)  # type: ignore[attr-defined]
