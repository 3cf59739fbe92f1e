"""The loop's thread: made ready, armed, and spoken to while it runs."""

from __future__ import annotations

import resource
import threading
from typing import Any, Final, NamedTuple

import numpy as np

from tianyuan.dbc.frame import frames
from tianyuan.drivers import clock
from tianyuan.drivers.port import empty
from tianyuan.drivers.realtime import Step, real_time
from tianyuan.firmware import loop
from tianyuan.firmware.accounting import Accounts, accounts
from tianyuan.firmware.boot import Boot, Unwanted, sealed
from tianyuan.firmware.host import FRAMES_IN, Host
from tianyuan.firmware.ring import Ring
from tianyuan.firmware.snapshot import blank

PRIORITY: Final = 80

Ports = tuple[np.recarray, np.recarray]  # PORTs of the car's buses and that of the host's own


class Beat(NamedTuple):
    """When the loop ticks, and where."""

    period_ns: int
    early_ns: int  # of watching the clock before each deadline
    cpu: int | None = None  # to pin the thread to


class Controls(NamedTuple):
    """The words through which a running loop is spoken to; see ``loop.py``."""

    words: np.ndarray

    @property
    def stopping(self) -> bool:
        """Whether a stop has been asked for."""
        return bool(self.words[loop.SHUTDOWN])

    def stop(self) -> None:
        """Ask for a controlled stop, and the end once the car stands."""
        self.words[loop.SHUTDOWN] = 1

    def quit(self) -> None:
        """End at once."""
        self.words[loop.QUIT] = 1


def controls() -> Controls:
    """Words that ask for nothing."""
    return Controls(np.zeros(loop.CONTROL_WORDS, np.int64))


def arguments(
    host: Host, ports: Ports, ring: Ring, books: Accounts, asked: Controls, beat: Beat
) -> tuple[Any, ...]:
    """What ``loop.run`` takes."""
    return (
        host.tables, host.path, host.sensors, host.memory, host.command, *ports,
        host.frames_in, host.frames_out, ring, blank(host.sensors, host.memory, host.command),
        books, asked.words, clock.scratch(), beat.period_ns, beat.early_ns,
    )  # fmt: skip


def compile_loop(host: Host, ports: Ports, ring: Ring, beat: Beat) -> None:
    """Compile the loop, or take it from the cache, by a run that ends before its first tick."""
    ended = controls()
    ended.quit()
    loop.run(*arguments(host, ports, ring, accounts(), ended, beat))


class LoopThread:
    """Runs the loop in a thread of its own, and keeps what it leaves behind."""

    def __init__(
        self, host: Host, ports: Ports, ring: Ring, asked: Controls, beat: Beat, boot: Boot
    ) -> None:
        self.books, self.steps, self.unwanted = accounts(), list[Step](), Unwanted()
        self.page_faults = self.preempted = 0  # of the thread, while it was armed
        self.armed = threading.Event()
        self._beat, self._boot, self._car = beat, boot, ports[0]
        self._arguments = arguments(host, ports, ring, self.books, asked, beat)
        self._thread = threading.Thread(target=self._work, name="loop")

    def start(self) -> None:
        """Start the thread, and return once it is armed or has failed to be."""
        self._thread.start()
        self.armed.wait()

    def ended(self, within_s: float | None = None) -> bool:
        """Whether the loop has ended, or ends within so many seconds."""
        self._thread.join(within_s)
        return not self._thread.is_alive()

    def _work(self) -> None:
        try:
            with real_time(self._beat.cpu, PRIORITY) as steps, sealed(loop.run):
                self.steps.extend(steps)
                self._boot.reached("lock")
                self._run()
        finally:
            self.armed.set()

    def _run(self) -> None:
        # What came while memory was being locked is older than the first tick would take it for.
        empty(self._car, frames(FRAMES_IN))
        before = resource.getrusage(resource.RUSAGE_THREAD)
        with self.unwanted.watch():
            self._boot.reached("arm")
            self.armed.set()
            loop.run(*self._arguments)
        after = resource.getrusage(resource.RUSAGE_THREAD)
        self.page_faults = after.ru_minflt + after.ru_majflt - before.ru_minflt - before.ru_majflt
        self.preempted = after.ru_nivcsw - before.ru_nivcsw
