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
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Self

import numpy as np

from tianyuan.control.errors import InputError
from tianyuan.dbc.frame import FRAME
from tianyuan.drivers.local_bus import bus_directory
from tianyuan.firmware.marks import marks_file
from tianyuan.firmware.ring import Ring, take

RING_DIRECTORY: Final = "TIANYUAN_RING_DIR"
MAGIC: Final = b"TYRING"
VERSION: Final = 1
KEEP: Final = 8  # rings of dead hosts, over all buses
# Each counter has a cache line of its own: readers look at them while the loop writes.
HEADER: Final = np.dtype(
    {
        "names": ["magic", "version", "capacity", "pid", "wall_ns", "ended", "claimed", "written"],
        "formats": ["S8", "i8", "i8", "i8", "i8", "i8", "i8", "i8"],
        "offsets": [0, 8, 16, 24, 32, 64, 128, 192],
        "itemsize": mmap.PAGESIZE,
    }
)


def rings_directory() -> Path:
    """Where rings are, private to this user."""
    chosen = os.environ.get(RING_DIRECTORY)
    return Path(chosen) if chosen else Path(f"/dev/shm/tianyuan-rings-{os.geteuid()}")


def ring_file(bus: str) -> Path:
    """The ring of the host on a bus, whether there is one or not. Raises InputError."""
    name = bus if "/" not in bus else re.sub(r"[^\w.-]+", "-", str(bus_directory(bus))).strip("-")
    return rings_directory() / f"{name}.ring"


def _views(memory: mmap.mmap, capacity: int) -> tuple[np.ndarray, Ring]:
    """The header, and the ring behind it."""
    header = np.frombuffer(memory, HEADER, 1)
    frames = np.frombuffer(memory, FRAME, capacity, HEADER.itemsize)
    return header, Ring(frames, header["written"], header["claimed"])


class SharedRing:
    """The writer's end; ``ring`` is for ``push``. Raises InputError where there can be none."""

    def __init__(self, bus: str, capacity: int) -> None:
        self.file = ring_file(bus)
        size = HEADER.itemsize + capacity * FRAME.itemsize
        try:
            with _directory_locked():
                _retire(self.file, bus)
                self._descriptor = _allocate(self.file, size)
                _prune(self.file.parent)
        except OSError as error:
            raise InputError(
                f"ring {self.file}: {error.strerror}; it takes {size >> 20} MiB of shared memory, "
                f"set {RING_DIRECTORY} to a folder in memory that this user may write"
            ) from error
        memory = mmap.mmap(self._descriptor, size, mmap.MAP_SHARED | mmap.MAP_POPULATE)
        self._header, self.ring = _views(memory, capacity)
        self._header["version"], self._header["capacity"] = VERSION, capacity
        self._header["pid"] = os.getpid()
        self._header["wall_ns"] = time.time_ns() - time.monotonic_ns()
        self._header["magic"] = MAGIC  # last: now it is a ring

    @property
    def written(self) -> int:
        """Frames written since the start."""
        return int(self._header["written"][0])

    def end(self) -> None:
        """Tell the readers that nothing more will come."""
        self._header["ended"] = 1

    def remove(self) -> None:
        """Take the ring away, and how far it was recorded; readers that have it open keep it."""
        self.file.unlink(missing_ok=True)
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
    return _views(memory, int(header["capacity"][0]))


def _is_in_memory(directory: Path) -> bool:
    mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    # The last mount at the longest of the paths above is the one that is seen.
    above = [
        (len(point), kind) for point, kind in mounts if directory.resolve().is_relative_to(point)
    ]
    longest = max(length for length, _ in above)
    return [kind for length, kind in above if length == longest][-1] in ("tmpfs", "ramfs")


@contextlib.contextmanager
def _directory_locked() -> Iterator[None]:
    directory = rings_directory()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not _is_in_memory(directory):
        raise InputError(
            f"ring directory {directory}: on a disk, which the loop would wait for; "
            f"set {RING_DIRECTORY} to a folder in /dev/shm"
        )
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _is_dead(file: Path) -> bool:
    """Whether nobody writes to a ring. Raises FileNotFoundError where there is none."""
    descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def _retire(file: Path, bus: str) -> None:
    """Put a dead host's ring aside. Raises InputError where the host lives."""
    with contextlib.suppress(FileNotFoundError):
        if not _is_dead(file):
            raise InputError(
                f"bus {bus}: a host drives on it already (ring {file}); a bus has one host"
            )
        file.replace(file.with_suffix(".ring.dead"))


def _allocate(file: Path, size: int) -> int:
    """A new file with all its pages, locked by this process."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.posix_fallocate(descriptor, 0, size)
    except OSError:
        file.unlink()
        os.close(descriptor)
        raise
    return descriptor


def _prune(directory: Path) -> None:
    """Remove all but the newest dead rings."""
    rings = (*directory.glob("*.ring"), *directory.glob("*.ring.dead"))
    newest_first = sorted(rings, key=lambda file: file.stat().st_mtime, reverse=True)
    for file in [file for file in newest_first if _is_dead(file)][KEEP:]:
        file.unlink()
