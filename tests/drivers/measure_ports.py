"""Measure the local bus on this machine: ``python tests/drivers/measure_ports.py``.

Everything is timed from compiled code, as the hot loop runs it. The last figure keeps two
CPUs busy for half a second.
"""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from collections.abc import Callable

import numpy as np
from numba import njit

from tianyuan.dbc.frame import frames
from tianyuan.drivers.clock import monotonic_ns, scratch, sleep_until
from tianyuan.drivers.port import open_port, receive, send

REPEATS = 20_000
STAMPS = 2_000
APART_NS = 200_000


@njit
def exchange(a: np.ndarray, b: np.ndarray, out: np.ndarray, into: np.ndarray, n: int) -> int:
    received = 0
    for k in range(n):
        send(a, out, 0, len(out))
        received += receive(b, into, 0, k)
    return received


@njit
def look(port: np.ndarray, into: np.ndarray, n: int) -> int:
    received = 0
    for k in range(n):
        received += receive(port, into, 0, k)
    return received


@njit
def stamp(port: np.ndarray, out: np.ndarray, room: np.ndarray, n: int) -> None:
    """Send frames that carry the instant they were sent at."""
    words = out[0].payload.view(np.int64)
    start_ns = monotonic_ns(room) + APART_NS
    for k in range(n):
        sleep_until(room, start_ns + k * APART_NS)
        words[0] = monotonic_ns(room)
        send(port, out, 0, 1)


@njit
def delays(port: np.ndarray, into: np.ndarray, room: np.ndarray, took_ns: np.ndarray) -> None:
    """Look for frames without a pause; note how old each is when it is found."""
    words = into[0].payload.view(np.int64)
    found = 0
    while found < len(took_ns):
        if receive(port, into, 0, 0) == 1:
            took_ns[found] = monotonic_ns(room) - words[0]
            found += 1


def microseconds(work: Callable[[int], object], repeats: int = REPEATS) -> float:
    work(1)
    best = np.inf
    for _ in range(5):
        began = time.perf_counter()
        work(repeats)
        best = min(best, time.perf_counter() - began)
    return best / repeats * 1e6


def send_stamps(bus: str) -> None:
    out = frames(1)
    out.length = 8
    with open_port(bus, "sender") as port:
        stamp(port.record, out, scratch(), STAMPS)


def one_way_us(bus: str) -> np.ndarray:
    took_ns = np.zeros(STAMPS, np.int64)
    with open_port(bus, "receiver") as port:
        delays(port.record, frames(1), scratch(), took_ns[:0])
        sender = multiprocessing.get_context("fork").Process(target=send_stamps, args=(bus,))
        sender.start()
        delays(port.record, frames(1), scratch(), took_ns)
        sender.join()
    return took_ns[STAMPS // 10 :] / 1e3


def main(bus: str) -> None:
    """Print the figures."""
    with open_port(bus, "a") as a, open_port(bus, "b") as b:
        for count in (1, 16):
            out, into = frames(count), frames(64)
            out.length = 8
            us = microseconds(lambda n: exchange(a.record, b.record, out, into, n))  # noqa: B023
            print(f"{count:2d} frames sent and received: {us:.2f} µs, {us / count:.2f} a frame")
        with open_port(bus, "c"), open_port(bus, "d"):
            us = microseconds(lambda n: look(a.record, frames(64), n))
            print(f"empty receive with {a.record.links[0]} links: {us:.2f} µs")
    p50, p99, p999 = np.percentile(one_way_us(bus), [50, 99, 99.9])
    print(f"one way between processes: p50 {p50:.1f} µs, p99 {p99:.1f}, p99.9 {p999:.1f}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="bus-") as directory:
        main(directory)
