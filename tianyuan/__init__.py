"""TianYuan: the onboard control host of a driverless race car.

Importing this package, which every room does first, names the directory of compiled code
after a digest of the package's sources: numba does not notice an edit in a module that a
cached kernel imports, and stale code must never drive the car.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
from pathlib import Path

ROOMS = ("control", "dbc", "drivers", "firmware", "hil")


def room(name: str) -> Path:
    """The folder of a room, whether installed as a wheel or run from a checkout."""
    inside = Path(__file__).parent / name
    return inside if inside.is_dir() else Path(__file__).parent.parent / name


def source_digest() -> str:
    """Sixteen hex digits over every Python source of the package, names included."""
    digest = hashlib.blake2b(digest_size=8)
    for folder in (Path(__file__).parent, *(room(name) for name in ROOMS)):
        for source in sorted(folder.rglob("*.py")):
            digest.update(source.relative_to(folder.parent).as_posix().encode())
            digest.update(source.read_bytes())
    return digest.hexdigest()


def cache_directory() -> Path:
    """Where compiled code of exactly these sources is kept."""
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return (Path(chosen) if chosen else home / "tianyuan") / source_digest()


def _name_the_cache() -> None:
    import numba

    numba.config.CACHE_DIR = str(cache_directory())


__version__ = importlib.metadata.version("tianyuan")
_name_the_cache()
