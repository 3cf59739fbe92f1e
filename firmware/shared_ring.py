"""The ring in shared memory: readers are processes of their own, and it outlives its writer.

A file in ``/dev/shm``, named after the bus, holds a page of header and then the frames. Its
pages are allocated when it is made, so that the loop's stores never fault and a full memory
shows at the start. The writer holds a lock on the file for as long as it lives, however it
ends: so a reader knows a dead writer, and a bus has one host. A ring left by a host that
died is kept as ``NAME.ring.dead`` when the next one starts.
"""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
import time
from pathlib import Path
from typing import Self

import numpy as np

from tianyuan.control.errors import InputError
from tianyuan.dbc.frame import FRAME
from tianyuan.firmware.log_file import card_file
from tianyuan.firmware.marks import marks_file
from tianyuan.firmware.ring import Ring, take
from tianyuan.firmware.ring_file import (
    HEADER,
    MAGIC,
    RING_DIRECTORY,
    VERSION,
    allocate,
    directory_locked,
    prune,
    retire,
    ring_file,
    views,
)


class SharedRing:
    """The writer's end; ``ring`` is for ``push``. Raises InputError where there can be none."""

    def __init__(self, bus: str, capacity: int) -> None:
        self.file = ring_file(bus)
        size = HEADER.itemsize + capacity * FRAME.itemsize
        try:
            with directory_locked():
                retire(self.file, bus)
                self._descriptor = allocate(self.file, size)
                prune(self.file.parent)
        except OSError as error:
            raise InputError(
                f"ring {self.file}: {error.strerror}; it takes {size >> 20} MiB of shared memory, "
                f"set {RING_DIRECTORY} to a folder in memory that this user may write"
            ) from error
        memory = mmap.mmap(self._descriptor, size, mmap.MAP_SHARED | mmap.MAP_POPULATE)
        self._header, self.ring = views(memory, capacity)
        self._header["version"], self._header["capacity"] = VERSION, capacity
        self._header["pid"] = os.getpid()
        self._header["wall_ns"] = time.time_ns() - time.monotonic_ns()
        self._header["magic"] = MAGIC  # last: now it is a ring

    @property
    def written(self) -> int:
        """Frames written since the start."""
        return int(self._header["written"][0])

    @property
    def wall_ns(self) -> int:
        """Wall-clock time less monotonic time, when the ring was made."""
        return int(self._header["wall_ns"][0])

    def end(self) -> None:
        """Tell the readers that nothing more will come."""
        self._header["ended"] = 1

    def remove(self) -> None:
        """Take the ring away, its card, and how far it was recorded; who has it open keeps it."""
        self.file.unlink(missing_ok=True)
        card_file(self.file).unlink(missing_ok=True)
        marks_file(self.file).unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of the ring, which then counts as a dead host's."""
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)  # the mapping holds the file open
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class RingReader:
    """A reader's end, which sees the ring but cannot write it. Raises InputError.

    ``read`` counts the frames taken or lost since the writer's start, ``lost`` those lost.
    """

    def __init__(self, file: Path, read: int = 0) -> None:
        try:
            self._descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise InputError(
                f"ring {file}: {error.strerror}; a host makes it when it starts"
            ) from None
        try:
            self._header, self._ring = _opened(self._descriptor)
        except (ValueError, OSError):
            os.close(self._descriptor)
            raise InputError(f"ring {file}: not a ring of this version of tianyuan") from None
        self.file, self.read, self.lost = file, read, 0

    @property
    def pid(self) -> int:
        """The writer's process."""
        return int(self._header["pid"][0])

    @property
    def wall_ns(self) -> int:
        """Wall-clock time less monotonic time, when the writer started."""
        return int(self._header["wall_ns"][0])

    def is_over(self) -> bool:
        """Whether nothing more will come: the writer has ended, or is dead."""
        if self._header["ended"][0]:
            return True
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(self._descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
            return True
        return False

    def take(self) -> np.ndarray:
        """Frames (n,) of FRAME written since the last look, oldest first; a copy."""
        frames, self.read, lost = take(self._ring, self.read)
        self.lost += lost
        return frames

    def close(self) -> None:
        """Let go of the ring."""
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _opened(descriptor: int) -> tuple[np.ndarray, Ring]:
    memory = mmap.mmap(descriptor, 0, mmap.MAP_SHARED, mmap.PROT_READ)
    header = np.frombuffer(memory, HEADER, 1)
    if header["magic"][0] != MAGIC or header["version"][0] != VERSION:
        raise ValueError("not a ring")
    return views(memory, int(header["capacity"][0]))
