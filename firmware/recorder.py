"""The recorder: everything the loop saw, said and thought, into a log that any CAN tool opens.

A thread follows the ring and writes through python-can, so the file's ending chooses its
format (``.blf``, ``.asc``, ``.log`` for candump, ``.mf4`` …). The frames of one tick end with
its marker, which carries the tick's integer time: that, and the run's card beside the log,
is all that a replay needs.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import can
import numpy as np

from tianyuan.control.errors import InputError
from tianyuan.dbc.frame import BRS, ERROR, EXTENDED, EXTENDED_MASK, FDF, REMOTE
from tianyuan.firmware.ring import SENT, Ring, take

PAUSE_S = 0.02


def message_of(frame: np.void, wall_offset_ns: int) -> can.Message:
    """One frame as python-can has it, on wall-clock time."""
    can_id, flags = int(frame["can_id"]), int(frame["flags"])
    return can.Message(
        timestamp=(int(frame["t_ns"]) + wall_offset_ns) * 1e-9,
        arbitration_id=can_id & EXTENDED_MASK,
        is_extended_id=bool(can_id & EXTENDED),
        is_remote_frame=bool(can_id & REMOTE),
        is_error_frame=bool(can_id & ERROR),
        is_fd=bool(flags & FDF),
        bitrate_switch=bool(flags & BRS),
        dlc=int(frame["length"]),
        data=None if can_id & REMOTE else frame["payload"][: int(frame["length"])].tobytes(),
        channel=int(frame["channel"]),
        is_rx=int(frame["reserved"]) != SENT,
    )


def open_log(file: Path) -> Any:
    """A python-can writer for the file's ending; raises InputError where it cannot be."""
    try:
        return can.Logger(str(file))
    except (ValueError, can.CanError, ImportError) as error:
        raise InputError(f"{file}: {error}; use .blf, .asc or .log") from None
    except OSError as error:
        raise InputError(f"{file}: cannot be written: {error.strerror}") from None


class Recorder:
    """Follows a ring into a log file from ``start`` to ``stop``."""

    def __init__(self, ring: Ring, file: Path) -> None:
        self.lost = 0
        self._ring = ring
        self._writer = open_log(file)
        self._read = 0
        self._ended = threading.Event()
        self._offset_ns = time.time_ns() - time.monotonic_ns()
        self._thread = threading.Thread(target=self._follow, name="recorder", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self) -> None:
        """Write what is left and close the file."""
        self._ended.set()
        self._thread.join()
        self._drain()
        self._writer.stop()

    def _follow(self) -> None:
        while not self._ended.wait(PAUSE_S):
            self._drain()

    def _drain(self) -> None:
        frames, self._read, lost = take(self._ring, self._read)
        self.lost += lost
        for frame in frames:
            self._writer.on_message_received(message_of(frame, self._offset_ns))
