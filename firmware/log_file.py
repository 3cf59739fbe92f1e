"""A run's log: one file, and a further one each time that its recorder had to begin again.

Files are written through python-can, so the ending chooses the format (``.blf``, ``.asc``,
``.log`` for candump, ``.mf4`` …) and any CAN tool opens them. ``drive.blf`` is followed by
``drive.2.blf``, ``drive.3.blf`` and so on.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any, Final, Self

import can
import numpy as np
from can.io.logger import MESSAGE_WRITERS

from tianyuan.control.errors import InputError
from tianyuan.dbc.frame import BRS, ERROR, EXTENDED, EXTENDED_MASK, FDF, REMOTE, TX

CONTAINER_BYTES: Final = 32 * 1024  # of BLF, which writes whole containers: 0.1 s of a car


def part(log: Path, number: int) -> Path:
    """The ``number``-th file of a log, from 1."""
    return log if number == 1 else log.with_name(f"{log.stem}.{number}{log.suffix}")


def parts(log: Path) -> list[Path]:
    """The files that there are of a log, in order; the first one in any case."""
    found = [log]
    while (following := part(log, len(found) + 1)).exists():
        found.append(following)
    return found


def message_of(frame: np.void, wall_ns: int) -> can.Message:
    """One frame as python-can has it, ``wall_ns`` after its monotonic time."""
    can_id, flags = int(frame["can_id"]), int(frame["flags"])
    return can.Message(
        timestamp=(int(frame["t_ns"]) + wall_ns) * 1e-9,
        arbitration_id=can_id & EXTENDED_MASK,
        is_extended_id=bool(can_id & EXTENDED),
        is_remote_frame=bool(can_id & REMOTE),
        is_error_frame=bool(can_id & ERROR),
        is_fd=bool(flags & FDF),
        bitrate_switch=bool(flags & BRS),
        dlc=int(frame["length"]),
        data=None if can_id & REMOTE else frame["payload"][: int(frame["length"])].tobytes(),
        channel=int(frame["channel"]),
        is_rx=int(frame["reserved"]) != TX,
    )


def check_log(log: Path) -> None:
    """Raise InputError for a log that cannot be written, without touching it."""
    if log.suffix.lower() not in MESSAGE_WRITERS:
        raise InputError(f"{log}: no format of this name is known; use .blf, .asc or .log")
    # What else may go wrong shows when it is begun.
    if not log.parent.is_dir() or log.is_dir():
        raise InputError(f"{log}: cannot be written: no such folder, or one in its place")


def _writer(file: Path) -> Any:
    try:
        if file.suffix.lower() == ".blf":
            return can.BLFWriter(str(file), max_container_size=CONTAINER_BYTES)
        return can.Logger(str(file))
    except (ValueError, can.CanError, ImportError) as error:  # as where asammdf is missing
        raise InputError(f"{file}: {error}; use .blf, .asc or .log") from None


def new_log(log: Path) -> None:
    """Begin a log afresh, empty, without the parts of one of the same name before it.

    Raises InputError where it cannot be written.
    """
    check_log(log)
    try:
        _writer(log).stop()
        for old in parts(log)[1:]:
            old.unlink()
    except OSError as error:
        raise InputError(f"{log}: cannot be written: {error.strerror}") from None


class Part:
    """One file being written. ``unsafe`` counts its last frames, which die with this process.

    Raises OSError where the file cannot be written, when it is opened and at any time later.
    """

    def __init__(self, file: Path) -> None:
        self._writer = _writer(file)
        self.unsafe = 0
        self._size = self._file.tell() if self._is_blf else 0

    @property
    def _file(self) -> Any:
        return self._writer.file

    @property
    def _is_blf(self) -> bool:
        return isinstance(self._writer, can.BLFWriter)

    def write(self, frames: np.ndarray, wall_ns: int) -> None:
        """Append frames."""
        for frame in frames:
            self._writer.on_message_received(message_of(frame, wall_ns))
            self.unsafe += 1
            if self._is_blf and (size := self._file.tell()) != self._size:
                # The container just written may hold only the beginning of this frame.
                self._size, self.unsafe = size, 1
        if isinstance(self._writer, can.io.generic.FileIOMessageWriter):
            self._file.flush()
        if isinstance(self._writer, can.io.generic.TextIOMessageWriter):
            self.unsafe = 0

    def close(self) -> None:
        """Write what is left."""
        self._writer.stop()
        self.unsafe = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            with contextlib.suppress(OSError, ValueError):
                self._writer.stop()
