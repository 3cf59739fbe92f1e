"""Where the shared rings are, how one is laid out, and what becomes of a dead host's."""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from tianyuan.control.errors import InputError
from tianyuan.dbc.frame import FRAME
from tianyuan.drivers.local_bus import bus_directory
from tianyuan.firmware.log_file import card_file
from tianyuan.firmware.ring import Ring

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


def views(memory: mmap.mmap, capacity: int) -> tuple[np.ndarray, Ring]:
    """The header, and the ring behind it."""
    header = np.frombuffer(memory, HEADER, 1)
    frames = np.frombuffer(memory, FRAME, capacity, HEADER.itemsize)
    return header, Ring(frames, header["written"], header["claimed"])


def _is_in_memory(directory: Path) -> bool:
    mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    # The last mount at the longest of the paths above is the one that is seen.
    above = [
        (len(point), kind) for point, kind in mounts if directory.resolve().is_relative_to(point)
    ]
    longest = max(length for length, _ in above)
    return [kind for length, kind in above if length == longest][-1] in ("tmpfs", "ramfs")


@contextlib.contextmanager
def directory_locked() -> Iterator[None]:
    """Have the folder of the rings to oneself. Raises InputError where it does not serve."""
    directory = rings_directory()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if directory.stat().st_uid != os.geteuid():
        raise InputError(
            f"ring directory {directory}: another user's; set {RING_DIRECTORY} to one of your own"
        )
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


def retire(file: Path, bus: str) -> None:
    """Put a dead host's ring aside. Raises InputError where the host lives."""
    with contextlib.suppress(FileNotFoundError):
        if not _is_dead(file):
            raise InputError(
                f"bus {bus}: a host drives on it already (ring {file}); a bus has one host"
            )
        dead = file.with_suffix(".ring.dead")
        file.replace(dead)
        card_file(dead).unlink(missing_ok=True)
        with contextlib.suppress(FileNotFoundError):
            card_file(file).replace(card_file(dead))


def allocate(file: Path, size: int) -> int:
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


def prune(directory: Path) -> None:
    """Remove all but the newest dead rings."""
    rings = (*directory.glob("*.ring"), *directory.glob("*.ring.dead"))
    newest_first = sorted(rings, key=lambda file: file.stat().st_mtime, reverse=True)
    for file in [file for file in newest_first if _is_dead(file)][KEEP:]:
        file.unlink()
        card_file(file).unlink(missing_ok=True)
