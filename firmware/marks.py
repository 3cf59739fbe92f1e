"""How far a ring has been recorded, where the next recorder and the host find it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

_FIELDS: Final = ("pid", "read", "lost", "parts", "dropped")
_MARKS: Final = np.dtype([(name, "i8") for name in _FIELDS])


class Marks(NamedTuple):
    """How far a ring has been recorded."""

    read: int = 0  # frames since the writer's start that are safe in the log, or lost
    lost: int = 0
    parts: int = 0  # files of the log begun so far
    dropped: int = 0  # the oldest of them, which gave their room to newer ones


def marks_file(ring: Path) -> Path:
    """Where the marks of a ring's recorder are."""
    return ring.with_name(ring.name + ".marks")


def read_marks(file: Path, pid: int) -> Marks:
    """How far the ring of the host ``pid`` has been recorded."""
    try:
        found = np.frombuffer(file.read_bytes(), _MARKS, 1)[0]
    except (OSError, ValueError):
        return Marks()
    return Marks(*found.tolist()[1:]) if found["pid"] == pid else Marks()


def write_marks(file: Path, pid: int, marks: Marks) -> None:
    """Note how far the ring of the host ``pid`` has been recorded."""
    fresh = file.with_name(f"{file.name}.{os.getpid()}")
    fresh.write_bytes(np.array([(pid, *marks)], _MARKS).tobytes())
    fresh.replace(file)
