"""The guard in real time: a process of its own, on the car's bus."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import numpy as np

from tianyuan.control.kernels import unlocked
from tianyuan.control.records import Permit
from tianyuan.dbc.frame import frames
from tianyuan.drivers import clock
from tianyuan.drivers.address import Places
from tianyuan.drivers.buses import Buses, receive_all, send_all
from tianyuan.drivers.clock import monotonic_ns, sleep_until
from tianyuan.drivers.port_record import closed_port
from tianyuan.drivers.realtime import Step, real_time
from tianyuan.firmware.guard.records import BOOKS, CHANGES, GuardCause
from tianyuan.firmware.guard.tables import Memory, Tables
from tianyuan.firmware.guard.tables import memory as memory_of
from tianyuan.firmware.guard.tick import TICK_NS, end, tick
from tianyuan.firmware.hearing import asked_of

PRIORITY: Final = 85  # above the host's: who watches comes first
LOOK_S: Final = 0.05
FRAMES_IN: Final = 256
# Words through which the loop is spoken to, and says how late it ever woke.
QUIT, LATE_NS = 0, 1


class Change(NamedTuple):
    """The permit became this, for this cause, at an instant of the monotonic clock."""

    t_ns: int
    permit: Permit
    cause: GuardCause


class Guarded(NamedTuple):
    """What a guard leaves behind."""

    seconds: float
    books: dict[str, int]  # counts since the start; see records.py
    latest_wake_us: float
    steps: list[Step]  # what was asked of the system, and got

    def figures(self) -> dict:
        """The guard's figures, as ``--json`` writes them."""
        return {
            **self.books,
            "seconds": self.seconds,
            "latest_wake_us": self.latest_wake_us,
            "privileges": {step.name: step.ok for step in self.steps},
        }


@unlocked
def run(tables, memory, cars, frames_in, frames_out, words, scratch):
    """A tick every TICK_NS until ``words[QUIT]`` is set; then the permit is withdrawn."""
    deadline_ns = monotonic_ns(scratch) + TICK_NS
    while words[QUIT] == 0:
        sleep_until(scratch, deadline_ns)
        now_ns = monotonic_ns(scratch)
        n_in = receive_all(cars, frames_in, now_ns)
        n_out = tick(tables, memory, frames_in, n_in, now_ns, frames_out)
        send_all(cars, frames_out, n_out)
        words[LATE_NS] = max(words[LATE_NS], now_ns - deadline_ns)
        # What was missed is skipped over: a burst of ticks sees nothing that one does not.
        deadline_ns += ((now_ns - deadline_ns) // TICK_NS + 1) * TICK_NS
    n_out = end(tables, memory, monotonic_ns(scratch), frames_out)
    send_all(cars, frames_out, n_out)


def compile_loop(tables: Tables) -> None:
    """Compile the loop, or take it from the cache, by a run that goes nowhere and ends at once."""
    ended = np.ones(2, np.int64)
    nowhere = closed_port(0)
    run(tables, memory_of(tables), nowhere, frames(FRAMES_IN), frames(1), ended, clock.scratch())


def changes(memory: Memory, seen: int) -> Iterator[Change]:
    """The changes of the permit after the first ``seen``, the newest CHANGES at most."""
    count = int(memory.books.changes[0])
    for index in range(max(seen, count - CHANGES), count):
        change = memory.changes[index % CHANGES]
        yield Change(int(change.t_ns), Permit(int(change.permit)), GuardCause(int(change.cause)))


def guard(
    tables: Tables,
    memory: Memory,
    buses: Places,
    stop: threading.Event,
    seconds: float | None = None,
    cpu: int | None = None,
    told: Callable[[Change], None] = lambda change: None,
) -> Guarded:
    """Guard a car's buses until ``stop`` is set, or for ``seconds``.

    ``told`` hears of each change of the permit, soon after it. Raises InputError for a bus
    that cannot be joined.
    """
    words, steps, seen = np.zeros(2, np.int64), list[Step](), 0
    compile_loop(tables)  # before joining: a node on the bus reads
    asked = asked_of(buses, (tables.commands, tables.wheels), (tables.permit,))
    with Buses(asked, "guard") as cars:
        arguments = (tables, memory, cars.record, frames(FRAMES_IN), frames(1))

        def work() -> None:
            with real_time(cpu, PRIORITY) as taken:
                steps.extend(taken)
                run(*arguments, words, clock.scratch())

        thread = threading.Thread(target=work, name="guard")
        began = time.monotonic()
        thread.start()
        while thread.is_alive():
            if stop.wait(LOOK_S) or (seconds is not None and time.monotonic() - began >= seconds):
                words[QUIT] = 1
                thread.join()
            for change in changes(memory, seen):
                told(change)
            seen = int(memory.books.changes[0])
        elapsed = time.monotonic() - began
    books = {name: int(memory.books[name][0]) for name in BOOKS.names or ()}
    return Guarded(elapsed, books, float(words[LATE_NS]) * 1e-3, steps)
