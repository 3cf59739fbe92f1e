"""The wall clock jumps, as when a time server is found."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from tianyuan.control.errors import InputError


@contextmanager
def jumped(jump_s: float) -> Iterator[None]:
    """Set the machine's clock forward inside a ``with``, and back after it.

    It is everybody's on this machine. Raises InputError where this user may not set it.
    """
    _add(jump_s)
    try:
        yield
    finally:
        _add(-jump_s)


def _add(jump_s: float) -> None:
    try:
        time.clock_settime(time.CLOCK_REALTIME, time.time() + jump_s)
    except PermissionError:
        raise InputError("the wall clock may be set by root alone; run the fault as root") from None
