"""Processes that leave Ctrl-C to the one that started them."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def deaf_to_interrupts() -> Iterator[None]:
    """Have what is spawned inside a ``with`` ignore SIGINT from its first instruction on.

    A terminal sends it to all of its processes, and one that is still importing has no handler.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread has a say
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before or signal.SIG_DFL)
