"""Host and rig in virtual time: how much faster than real time, on one core and on two."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

import numpy as np

from tianyuan.control.records import Controller
from tianyuan.firmware.car_file import load_car
from tianyuan.firmware.host import make_host
from tianyuan.hil import lockstep, rig, virtual
from tianyuan.hil.life import make_life
from tianyuan.hil.spawned import deaf_to_interrupts

HOST_HZ: Final = 500
PERIOD_NS: Final = 1_000_000_000 // HOST_HZ
LAPS: Final = 10_000  # more than any drive is long
WORKERS: Final = 2


class Drive(NamedTuple):
    """What is driven: a car's file, its plant's, its line, and for how much virtual time."""

    car: Path
    vehicle: Path
    path: np.recarray
    seconds: float


class Span(NamedTuple):
    """One drive: instants of the monotonic clock, and what was driven in between."""

    began_ns: int
    ended_ns: int
    driven_s: float
    laps: float


class Figures(NamedTuple):
    """Medians over the turns; ``laps`` is how far each drive came."""

    real_time_factor: float
    speedup_2_workers: float
    laps: float


def prepare(drive: Drive) -> Callable[[], Span]:
    """Set everything up, from the files to compiled code, for a drive from standing."""
    car = load_car(drive.car)
    host = make_host(car, drive.path, Controller.STANLEY, PERIOD_NS)
    world = virtual.make_rig(car, drive.vehicle, host, seed=1)
    steps = round(drive.seconds * 1e9) // rig.STEP_NS
    dwell_s = float(host.tables.driver.supervisor_ready_dwell_s[0])
    guard = virtual.make_guard(car, host)
    life = make_life(world, LAPS, dwell_s, rows=steps * rig.STEP_NS // rig.ROW_NS + 1)
    queues = lockstep.queues()

    def advance(first_ns: int, steps: int) -> int:
        every = PERIOD_NS // rig.STEP_NS
        return virtual.advance_once(world, life, host, guard, queues, first_ns, steps, every)

    def go() -> Span:
        began_ns = time.monotonic_ns()
        last_ns = advance(lockstep.EPOCH_NS, steps)
        ended_ns = time.monotonic_ns()
        driven_s = (last_ns - lockstep.EPOCH_NS) * 1e-9
        return Span(began_ns, ended_ns, driven_s, virtual.laps_done(life, host))

    advance(lockstep.EPOCH_NS, 0)  # compiles
    return go


def factor(spans: Sequence[Span]) -> float:
    """Virtual seconds driven by all together for each second that passed meanwhile."""
    passed_ns = max(span.ended_ns for span in spans) - min(span.began_ns for span in spans)
    return sum(span.driven_s for span in spans) * 1e9 / passed_ns


def measure(
    drive: Drive, turns: int, progress: Callable[[float], None] = lambda done: None
) -> Figures:
    """One process alone and two side by side; ``progress`` is told the rounds done."""
    alone, speedups, laps = [], [], 0.0
    with _workers(drive) as pipes:
        _together(pipes)  # the first drive meets cold caches
        for turn in range(turns):
            single = _together(pipes[:1])
            alone.append(factor(single))
            speedups.append(factor(_together(pipes)) / alone[-1])
            laps = single[0].laps
            progress(turn + 1)
    return Figures(median(alone), median(speedups), laps)


def _together(pipes: Sequence[Connection]) -> list[Span]:
    """Have each worker prepare, and only then all of them go."""
    for pipe in pipes:
        pipe.send(True)
    for pipe in pipes:
        pipe.recv()
    for pipe in pipes:
        pipe.send(True)
    return [pipe.recv() for pipe in pipes]


@contextmanager
def _workers(drive: Drive) -> Iterator[list[Connection]]:
    """Processes that do not share anything with this one, each at the end of a pipe."""
    spawning = multiprocessing.get_context("spawn")
    pairs = [spawning.Pipe() for _ in range(WORKERS)]
    processes = [
        spawning.Process(target=_work, args=(theirs, drive), daemon=True) for _, theirs in pairs
    ]
    for process, (_, theirs) in zip(processes, pairs, strict=True):
        with deaf_to_interrupts():
            process.start()
        theirs.close()  # so that a worker's death ends the wait for it
    try:
        yield [ours for ours, _ in pairs]
    except BaseException:
        for process in processes:
            process.terminate()  # whatever it is at
        raise
    finally:
        for ours, _ in pairs:
            ours.close()
        for process in processes:
            process.join()


def _work(pipe: Connection, drive: Drive) -> None:
    """Prepare, report, wait for the word and go, until the other end closes."""
    try:
        while pipe.recv():
            go = prepare(drive)
            pipe.send(True)
            pipe.recv()
            pipe.send(go())
    except (EOFError, ConnectionError):
        return
