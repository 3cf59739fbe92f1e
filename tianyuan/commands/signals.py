"""What SIGTERM and SIGINT mean to a program that runs until it is told to end."""

from __future__ import annotations

import signal
import threading


def stop_on_signals() -> threading.Event:
    """An event that either signal sets."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop
