"""The line to drive: read from a file, kept from the last time, or planned.

A planned line is kept beside the compiled code, so it is as old as the sources at most, under
a name made of all that it was planned from. Processes that want the same line wait for the
first of them to plan it.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Final

import numpy as np

from tianyuan.cache import cache_directory
from tianyuan.control.parameters import PARAMETERS, field_name
from tianyuan.control.records import PATH, Controller
from tianyuan.firmware.car_file import Car, params_of

_SOLVERS: Final = ("clarabel", "numpy", "scipy")
_DIGEST_BYTES: Final = 16
# Sections that planning reads (tests/firmware/test_racing_line.py): another gain, no other line.
PLANNED_FROM: Final = ("vehicle", "limits", "planning")

Progress = Callable[[float], None] | None


def line_for(
    car: Car, track: Path, line: Path | None = None, progress: Progress = None
) -> np.recarray:
    """The PATH to drive: read from a line file, or planned for the track. Raises InputError."""
    if line is not None:
        return _read(car, track, line)
    file = _kept_file(car, track)
    path = _kept(file)
    if path is not None:
        return path
    with _alone_with(file):
        path = _kept(file)
        if path is None:
            path = _planned(car, track, progress)
            _keep(file, path)
    return path


@contextmanager
def _alone_with(file: Path) -> Iterator[None]:
    """Let nobody else plan this line meanwhile; a process that dies lets go of the lock."""
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(file.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


# Planning takes scipy and a solver, whose import takes longer than the rest of a start, and
# most starts plan nothing.
def _read(car: Car, track: Path, line: Path) -> np.recarray:
    from tianyuan.firmware.line_file import read_line  # noqa: PLC0415
    from tianyuan.firmware.track_file import load_track  # noqa: PLC0415

    return read_line(line, params_of(car, Controller.STANLEY, 0.0), load_track(track))


def _planned(car: Car, track: Path, progress: Progress) -> np.recarray:
    from tianyuan.control.planning.plan import plan  # noqa: PLC0415
    from tianyuan.firmware.track_file import load_track  # noqa: PLC0415

    return plan(load_track(track), params_of(car, Controller.STANLEY, 0.0), progress).path


def _kept_file(car: Car, track: Path) -> Path:
    digest = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    params = params_of(car, Controller.STANLEY, 0.0)
    for parameter in PARAMETERS:
        if parameter.section in PLANNED_FROM:
            digest.update(params[field_name(parameter)].tobytes())
    digest.update(" ".join(version(name) for name in _SOLVERS).encode())
    digest.update(track.suffix.lower().encode())
    try:
        digest.update(track.read_bytes())
    except OSError:
        digest.update(b"unread")  # planning it says what is wrong with it
    return cache_directory() / "lines" / f"{track.stem}-{digest.hexdigest()}.npy"


def _keep(file: Path, path: np.recarray) -> None:
    """Keep a line, with a digest of its own in front: a write may be cut off."""
    written = io.BytesIO()
    np.save(written, np.asarray(path))
    content = written.getvalue()
    fresh = file.with_name(f"{file.name}.{os.getpid()}")
    fresh.write_bytes(hashlib.blake2b(content, digest_size=_DIGEST_BYTES).digest() + content)
    fresh.replace(file)


def _kept(file: Path) -> np.recarray | None:
    """The line in a file, or None where there is none that is whole."""
    try:
        content = file.read_bytes()
    except OSError:
        return None
    digest, content = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
    if digest != hashlib.blake2b(content, digest_size=_DIGEST_BYTES).digest():
        return None
    path = np.load(io.BytesIO(content), allow_pickle=False)
    return path.view(np.recarray) if path.dtype == PATH else None
