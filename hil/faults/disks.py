"""Faults of the disk that a recorder writes to: full, or hanging.

A disk of its own is an image of ext4 in the folder, which takes root and a loop device; where
there is neither, a disk that is full from the beginning can still be had.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tianyuan.control.errors import InputError

FULL_BYTES: Final = 64 << 10  # full after a second or two of a log
LEAST_BYTES: Final = 4 << 20  # of ext4 with its journal
FILLER: Final = "filler"
_FIFREEZE, _FITHAW = 0xC0045877, 0xC0045878  # linux/fs.h


@contextmanager
def own_disk(folder: Path, room_bytes: int = LEAST_BYTES) -> Iterator[Path]:
    """A folder on a disk of its own, with about so much room. Raises InputError without root."""
    image, place = folder / "disk.image", folder / "disk"
    place.mkdir()
    with image.open("wb") as file:
        file.truncate(room_bytes + LEAST_BYTES)
    for command in (
        ["mkfs.ext4", "-q", "-F", str(image)],
        ["mount", "-o", "loop", str(image), str(place)],
    ):
        _run(command)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=False)
        image.unlink()


@contextmanager
def full(place: Path) -> Iterator[int]:
    """No room left on a disk inside a ``with``; yields how many bytes had been."""
    filler, wrote = place / FILLER, 0
    descriptor = os.open(filler, os.O_CREAT | os.O_WRONLY)
    try:
        for size in (1 << 20, 1 << 10, 1):
            wrote += _fill(descriptor, bytes(size))
        yield wrote
    finally:
        os.close(descriptor)
        filler.unlink()


def _fill(descriptor: int, block: bytes) -> int:
    wrote = 0
    while True:
        try:
            wrote += os.write(descriptor, block)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            return wrote


@contextmanager
def hanging(place: Path) -> Iterator[None]:
    """A disk on which every write waits inside a ``with``, as on one that has gone to sleep."""
    descriptor = os.open(place, os.O_RDONLY)
    try:
        _ioctl(descriptor, _FIFREEZE, place)
        try:
            yield
        finally:
            _ioctl(descriptor, _FITHAW, place)
    finally:
        os.close(descriptor)


def _ioctl(descriptor: int, request: int, place: Path) -> None:
    try:
        fcntl.ioctl(descriptor, request, 0)
    except OSError as error:
        raise InputError(
            f"{place}: cannot be made to hang: {error.strerror}; use a disk of its own, as root"
        ) from None


@contextmanager
def full_from_the_start(folder: Path, log: str) -> Iterator[tuple[Path, str]]:
    """A folder whose disk is soon full, and what it is: small where we may mount, else none."""
    place = folder / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={FULL_BYTES}", "none", str(place)]
    mounted = True
    try:
        _run(mount)
    except InputError:
        mounted = False
        (place / log).symlink_to("/dev/full")
    try:
        yield place, f"tmpfs of {FULL_BYTES >> 10} KiB" if mounted else "/dev/full"
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(place)], check=False)


def _run(command: list[str]) -> None:
    with contextlib.suppress(FileNotFoundError):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
        raise InputError(
            f"{' '.join(command)}: {done.stderr.strip()}; a disk of its own takes root"
        )
    raise InputError(f"{command[0]}: not on this machine; install it for a disk of its own")
