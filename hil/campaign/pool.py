"""Runs on all cores: forked workers, a row at a time each, and replaced when they die.

The standard library's pool is broken for good by one worker's death. These are forked from a
process that has compiled everything, by its only thread, whenever one is needed.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import Any, Final, NamedTuple, cast

TRIES: Final = 2  # of a row whose worker dies
PR_SET_PDEATHSIG: Final = 1

Row = dict[str, Any]
_FORKING: Final = multiprocessing.get_context("fork")


class Lost(NamedTuple):
    """A row that none of its workers survived, and how the last of them ended."""

    row: int
    how: str


class _Worker(NamedTuple):
    process: Any
    pipe: Connection


def run_all(
    rows: Iterable[int], work: Callable[[int], Row], workers: int
) -> Generator[tuple[Row | Lost, int]]:
    """What ``work`` makes of each row, as they get done, and how often the row was tried.

    ``work`` must not raise. Closing the iterator ends the workers.
    """
    waiting = deque(rows)
    tries: dict[int, int] = {}
    at_work: dict[_Worker, int] = {}

    def hand_out(worker: _Worker) -> None:
        row = waiting.popleft()
        tries[row] = tries.get(row, 0) + 1
        at_work[worker] = row
        _tell(worker, row)

    try:
        while waiting or at_work:
            while waiting and len(at_work) < workers:
                hand_out(_hired(work))
            by_pipe = {worker.pipe: worker for worker in at_work}
            for pipe in wait(list(by_pipe)):
                worker = by_pipe[cast(Connection, pipe)]
                row = at_work.pop(worker)
                try:
                    made = worker.pipe.recv()
                except (EOFError, ConnectionError):
                    how = _ending(worker)
                    if tries[row] < TRIES:
                        waiting.appendleft(row)
                    else:
                        yield Lost(row, how), tries.pop(row)
                    continue
                if waiting:
                    hand_out(worker)  # before what is made of the row: no worker waits for that
                else:
                    _dismissed(worker)
                yield made, tries.pop(row)
    finally:
        for worker in at_work:
            worker.process.kill()
            _dismissed(worker)


def _hired(work: Callable[[int], Row]) -> _Worker:
    ours, theirs = _FORKING.Pipe()
    process = _FORKING.Process(target=_serve, args=(theirs, ours, work, os.getpid()), daemon=True)
    process.start()
    theirs.close()  # so that a worker's death ends the wait for it
    return _Worker(process, ours)


def _tell(worker: _Worker, row: int | None) -> None:
    with suppress(ConnectionError):  # of a dead worker the wait is told
        worker.pipe.send(row)


def _dismissed(worker: _Worker) -> None:
    _tell(worker, None)  # its end of a pipe stays open in workers that were forked later
    worker.pipe.close()
    worker.process.join()


def _ending(worker: _Worker) -> str:
    """How a worker ended that did not say so."""
    _dismissed(worker)
    status = worker.process.exitcode
    if status is not None and status < 0:
        return f"its worker was killed by {signal.Signals(-status).name}"
    return f"its worker ended with status {status}"


def _serve(pipe: Connection, others: Connection, work: Callable[[int], Row], parent: int) -> None:
    """A worker's life: until it is dismissed, or the parent dies, however it does."""
    others.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        return
    while (row := pipe.recv()) is not None:
        pipe.send(work(row))
