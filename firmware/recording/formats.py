"""The formats of a log, by the ending of its name."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np

from tianyuan.firmware.log_file import ending_of
from tianyuan.firmware.recording.blf import BlfFile
from tianyuan.firmware.recording.candump import CandumpFile


class LogFile(Protocol):
    """A file being written. Raises OSError where it cannot be, at any time."""

    @property
    def size_bytes(self) -> int:
        """Of the file, so far."""

    def append(self, frames: np.ndarray, wall_ns: int) -> None:
        """Write frames (n,), ``wall_ns`` after their monotonic time, so that they stay."""

    def close(self) -> None:
        """Write what is left."""

    def abandon(self) -> None:
        """Leave the file as it is, as after an OSError."""


def open_log_file(file: Path, card: bytes | None) -> LogFile:
    """A new file; ``card`` goes into it where the format has a place for it."""
    ending = ending_of(file)
    if ending == ".blf":
        return BlfFile(file)
    if ending == ".mf4":  # asammdf takes half a second to import
        from tianyuan.firmware.recording.mf4 import Mf4File  # noqa: PLC0415

        return Mf4File(file, card)
    return CandumpFile(file)
