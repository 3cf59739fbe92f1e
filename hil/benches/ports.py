"""What the local bus costs the loop: a frame sent and received, an empty look, a way between.

Everything is timed from compiled code, as the hot loop runs it.
"""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np

from tianyuan.control.kernels import kernel
from tianyuan.dbc.frame import frames
from tianyuan.drivers.clock import monotonic_ns, scratch, sleep_until
from tianyuan.drivers.port import open_port, receive, send
from tianyuan.hil.benches.histogram import Histogram, counted

REPEATS: Final = 20_000
BEST_OF: Final = 5
STAMPS: Final = 2_000
APART_NS: Final = 200_000
COUNTS: Final = (1, 16)


class Figures(NamedTuple):
    """Microseconds of a call."""

    exchange_us: dict[int, float]  # so many frames sent and received
    empty_receive_us: float
    links: int  # that were looked at for it
    one_way: Histogram  # from one process to another that looks without a pause


@kernel
def _exchange(a, b, out, into, n):
    received = 0
    for k in range(n):
        send(a, out, 0, len(out))
        received += receive(b, into, 0, k)
    return received


@kernel
def _look(port, into, n):
    received = 0
    for k in range(n):
        received += receive(port, into, 0, k)
    return received


@kernel
def _stamp(port, out, clock, n):
    """Send frames that carry the instant they were sent at."""
    words = out.view(np.int64)
    start_ns = monotonic_ns(clock) + APART_NS
    for k in range(n):
        sleep_until(clock, start_ns + k * APART_NS)
        words[1] = monotonic_ns(clock)
        send(port, out, 0, 1)


@kernel
def _delays(port, into, clock, took_ns):
    """Look for frames without a pause; note how old each is when it is found."""
    words = into.view(np.int64)
    found = 0
    while found < len(took_ns):
        if receive(port, into, 0, 0) == 1:
            took_ns[found] = monotonic_ns(clock) - words[1]
            found += 1


def measure(progress: Callable[[float], None] = lambda done: None) -> Figures:
    """All figures; ``progress`` is told the share done. Two CPUs are busy for a second."""
    with tempfile.TemporaryDirectory(prefix="bus-") as bus:
        with open_port(bus, "a") as a, open_port(bus, "b") as b:
            exchange_us = {}
            for count in COUNTS:
                out, into = frames(count), frames(64)
                out.length = 8
                arguments = (a.record, b.record, out, into)
                exchange_us[count] = _microseconds(lambda n, a=arguments: _exchange(*a, n))  # type: ignore[misc]  # fmt: skip
            progress(0.5)
            with open_port(bus, "c"), open_port(bus, "d"):
                empty_us = _microseconds(lambda n: _look(a.record, frames(64), n))
                links = int(a.record.links[0])
        progress(0.7)
        return Figures(exchange_us, empty_us, links, counted(_one_way_ns(bus)))


def _microseconds(work: Callable[[int], object]) -> float:
    """The best of some turns: what else the machine does only ever adds."""
    work(1)
    spent = []
    for _ in range(BEST_OF):
        began = time.perf_counter()
        work(REPEATS)
        spent.append(time.perf_counter() - began)
    return min(spent) / REPEATS * 1e6


def _send_stamps(bus: str) -> None:
    out = frames(1)
    out.length = 8
    with open_port(bus, "sender") as port:
        _stamp(port.record, out, scratch(), STAMPS)


def _one_way_ns(bus: str) -> np.ndarray:
    """How long each frame took, less the first, which meet cold caches."""
    took_ns = np.zeros(STAMPS, np.int64)
    with open_port(bus, "receiver") as port:
        _delays(port.record, frames(1), scratch(), took_ns[:0])
        sender = multiprocessing.get_context("spawn").Process(target=_send_stamps, args=(bus,))
        sender.start()
        _delays(port.record, frames(1), scratch(), took_ns)
        sender.join()
    return took_ns[STAMPS // 10 :]
