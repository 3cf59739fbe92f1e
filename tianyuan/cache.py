"""The directory of compiled code, named after what the code was compiled from.

Numba notices an edit in a kernel's own file, but neither in a module that the kernel calls
nor in the settings it was compiled with. Stale code must never drive the car, so each state
of the sources and of these settings has a directory of its own. A directory in use is locked
by the process that uses it; the oldest of the others are removed when a new one is made. Within
it, ``lock_entries()`` keeps processes that save at the same moment out of each other's files.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final

from tianyuan.rooms import FRONT_DOOR, ROOMS, room

KEEP: Final = 8
NAME: Final = re.compile(r"kernels-[0-9a-f]{16}")
# Settings that change the machine code and that numba's index does not tell apart.
SETTINGS: Final = (
    "NUMBA_BOUNDSCHECK",
    "NUMBA_DEBUGINFO",
    "NUMBA_LOOP_VECTORIZE",
    "NUMBA_OPT",
    "NUMBA_SLP_VECTORIZE",
)


@cache
def source_digest() -> str:
    """Sixteen hex digits over every Python source of the package, names included.

    Of the sources as they were when this process began: an edit meanwhile is not what it runs.
    """
    digest = hashlib.blake2b(digest_size=8)
    for name, source in _sources():
        content = source.read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def cache_directory() -> Path:
    """Where compiled code of exactly these sources and settings is kept.

    ``NUMBA_CACHE_DIR`` names the parent; in a process started by one of ours it names the
    directory itself, whose parent it then is.
    """
    settings = "".join(f"{name}={os.environ.get(name, '')}\0" for name in SETTINGS)
    digest = hashlib.blake2b(f"{source_digest()}\0{settings}".encode(), digest_size=8)
    return _parent() / f"kernels-{digest.hexdigest()}"


def claim() -> None:
    """Make numba keep its code in ``cache_directory()``, locked while this process lives.

    Raises RuntimeError when the directory cannot be written: numba would turn to the folders
    of the sources then, where an edit goes unnoticed.
    """
    directory = cache_directory()
    try:
        is_new = _lock(directory)
    except OSError as error:
        raise RuntimeError(
            f"cache of compiled code {directory}: {error.strerror}; "
            "set NUMBA_CACHE_DIR to a folder that this user may write"
        ) from error
    os.environ["NUMBA_CACHE_DIR"] = str(directory)
    if "numba" in sys.modules:  # too late for the environment; otherwise spare its import
        sys.modules["numba"].config.CACHE_DIR = str(directory)
    if is_new:
        prune(directory.parent)


def lock_entries() -> None:
    """Have a function's entries in numba's cache written by one process at a time.

    An entry is two files: an index, from signatures to names, and the code under the next free
    name. Two processes that save two signatures at the same moment take the same name, and the
    index of the one may end up beside the code of the other, which would then be called.
    """
    from numba.core.caching import IndexDataCacheFile  # noqa: PLC0415  # a start may need none

    def locked(method: Callable[..., Any], how: int) -> Callable[..., Any]:
        def alone(self: Any, *arguments: Any) -> Any:
            with _held(Path(self._cache_path), how):
                return method(self, *arguments)

        return alone

    IndexDataCacheFile.save = locked(IndexDataCacheFile.save, fcntl.LOCK_EX)
    IndexDataCacheFile.load = locked(IndexDataCacheFile.load, fcntl.LOCK_SH)


def prune(parent: Path, keep: int = KEEP) -> None:
    """Remove all but the ``keep`` most recently used directories, and none that is in use."""
    found = [(_used_ns(path), path) for path in parent.iterdir() if NAME.fullmatch(path.name)]
    for _, path in sorted(found, reverse=True)[keep:]:
        _remove_if_unused(path)


def _sources() -> Iterator[tuple[str, Path]]:
    outside = (room(name) for name in ROOMS if room(name).parent != FRONT_DOOR)
    for folder in (FRONT_DOOR, *outside):
        for source in sorted(folder.rglob("*.py")):
            yield source.relative_to(folder.parent).as_posix(), source


def _parent() -> Path:
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    if chosen:
        path = Path(chosen).absolute()
        return path.parent if NAME.fullmatch(path.name) else path
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tianyuan"


def _lock(directory: Path) -> bool:
    """Share the lock on the directory, made if missing; whether it was."""
    is_new = not directory.is_dir()
    while True:
        directory.mkdir(parents=True, exist_ok=True)
        try:
            lock = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:
            continue  # pruned by another process since the line above
        fcntl.flock(lock, fcntl.LOCK_SH)
        os.utime(lock)
        if os.fstat(lock).st_nlink:
            return is_new  # never closed: the lock ends with the process, however that ends
        os.close(lock)  # pruned while we waited


@contextmanager
def _held(folder: Path, how: int) -> Iterator[None]:
    """Hold a lock on a folder of entries; one that is not there has none to mistake."""
    try:
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        yield
        return
    try:
        fcntl.flock(lock, how)
        yield
    finally:
        os.close(lock)


def _used_ns(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _remove_if_unused(path: Path) -> None:
    try:
        lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return  # another process was faster
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(path, ignore_errors=True)
    except BlockingIOError:
        pass
    finally:
        os.close(lock)
