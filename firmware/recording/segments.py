"""A log as it grows: part after part, the oldest dropped once there are too many bytes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self

import numpy as np

from tianyuan.firmware.log_file import Limits, numbered_parts, part
from tianyuan.firmware.recording.formats import LogFile, open_log_file

NS_PER_S: Final = 1_000_000_000
LEAST_PARTS: Final = 4  # of a log that is bounded: so that a quarter is the most that is dropped


class Segments:
    """The parts of a log from ``number`` on; ``noted(parts, dropped)`` is told of each change.

    Raises OSError where a file cannot be written, when one is opened and at any time later.
    """

    def __init__(
        self, log: Path, number: int, limits: Limits, card: bytes | None,
        noted: Callable[[int, int], None],
    ) -> None:  # fmt: skip
        self._log, self._limits, self._card, self._noted = log, limits, card, noted
        self._part_bytes = limits.part_bytes
        if limits.total_bytes:
            share = limits.total_bytes // LEAST_PARTS
            self._part_bytes = min(limits.part_bytes or share, share)
        older = {n: file for n, file in numbered_parts(log).items() if n < number}
        self._closed = {n: (file, file.stat().st_size) for n, file in older.items()}
        self._dropped, self._begun_ns = 0, 0
        self._number, self._path = number, part(log, number)
        self._file = self._opened()

    def append(self, frames: np.ndarray, wall_ns: int) -> None:
        """Write frames (n,) of whole ticks, so that they survive a power cut."""
        if not len(frames):
            return
        if self._is_full(int(frames["t_ns"][0])):
            self._file.close()
            self._closed[self._number] = self._path, self._file.size_bytes
            self._number, self._begun_ns = self._number + 1, 0
            self._path = part(self._log, self._number)
            self._file = self._opened()
        self._begun_ns = self._begun_ns or int(frames["t_ns"][0])
        self._file.append(frames, wall_ns)
        self._drop_oldest()

    def close(self) -> None:
        """Write what is left."""
        self._file.close()

    def _opened(self) -> LogFile:
        self._noted(self._number, self._dropped)  # first: no other recorder may write over it
        return open_log_file(self._path, self._card)

    def _is_full(self, t_ns: int) -> bool:
        if not self._begun_ns:
            return False
        too_big = self._part_bytes and self._file.size_bytes >= self._part_bytes
        is_old = self._limits.part_s and t_ns - self._begun_ns >= self._limits.part_s * NS_PER_S
        return bool(too_big or is_old)

    def _drop_oldest(self) -> None:
        while self._closed and 0 < self._limits.total_bytes < self._total_bytes():
            file, _ = self._closed.pop(min(self._closed))
            file.unlink(missing_ok=True)
            self._dropped += 1
            self._noted(self._number, self._dropped)

    def _total_bytes(self) -> int:
        return self._file.size_bytes + sum(size for _, size in self._closed.values())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            with contextlib.suppress(OSError):
                self._file.abandon()
