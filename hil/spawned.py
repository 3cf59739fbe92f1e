"""Processes that leave Ctrl-C to the one that started them."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker


@contextmanager
def deaf_to_interrupts() -> Iterator[None]:
    """Have what this thread spawns inside a ``with`` hear no SIGINT, from its first instruction on.

    A terminal sends it to all of its processes, and one that is still importing has no handler.
    Here it is not lost, but may wait until the end of the ``with``.
    """
    resource_tracker.ensure_running()  # its start would let SIGINT through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
