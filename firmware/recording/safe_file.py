"""A file that grows by whole pieces: what was appended and synced survives a power cut."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path


class SafeFile:
    """A file made anew, with a ``head`` in it, and locked while it is open.

    So who would begin a log of its name sees that it is being written. Raises OSError where it
    cannot be written, now or at any time later.
    """

    def __init__(self, file: Path, head: bytes = b"") -> None:
        self._descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        self.size_bytes = 0
        with contextlib.suppress(OSError):  # where there are no locks; nobody waits for one
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        try:
            self.append(head)
            self.sync()
            _sync_folder(file.parent)  # else a power cut may leave the file without a name
        except OSError:
            self.close()
            raise

    def append(self, piece: bytes) -> None:
        """Add a piece at the end: all of it, or nothing."""
        wrote = 0
        try:
            while wrote < len(piece):
                wrote += os.pwrite(self._descriptor, piece[wrote:], self.size_bytes + wrote)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, self.size_bytes)
            raise
        self.size_bytes += wrote

    def patch(self, offset: int, piece: bytes) -> None:
        """Write over what is there already."""
        os.pwrite(self._descriptor, piece, offset)

    def sync(self) -> None:
        """Return when all of it is on the disk."""
        os.fdatasync(self._descriptor)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
