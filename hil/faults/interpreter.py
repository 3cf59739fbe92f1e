"""Work in this process beside its loop: the collector, the compiler, whatever comes again."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from numba import njit


def _collect() -> None:
    held: list[list[Any]] = [[] for _ in range(1000)]
    for each in held:
        each.append(each)  # cycles are what the collector is there for
    gc.collect()


def _compile() -> None:
    made = njit(cache=False)(lambda value: value * 2 + 1)
    made(1)
    made(1.0)


def at_work(how: str) -> AbstractContextManager[list[int]]:
    """Collect, or compile, again and again in this process."""
    return again_and_again(_compile if how == "compilation" else _collect)


@contextmanager
def again_and_again(work: Callable[[], object], every_s: float = 0.0) -> Iterator[list[int]]:
    """Work every so often inside a ``with``; the list counts how often."""
    ended, done = threading.Event(), [0]

    def run() -> None:
        while not ended.wait(every_s):
            work()
            done[0] += 1

    thread = threading.Thread(target=run, name="again-and-again", daemon=True)
    thread.start()
    try:
        yield done
    finally:
        ended.set()
        thread.join()
