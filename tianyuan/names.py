"""From the names people type to files: shipped with the package, or a path."""

from __future__ import annotations

import difflib
from pathlib import Path

from tianyuan.control.errors import InputError
from tianyuan.rooms import room


def _resolve(kind: str, name: str, folder: Path) -> Path:
    shipped = {file.stem: file for file in sorted(folder.glob("*.toml"))}
    if name in shipped:
        return shipped[name]
    file = Path(name)
    if file.is_file():
        return file
    if file.suffix or len(file.parts) > 1:
        raise InputError(f"{kind} {name}: no such file")
    close = difflib.get_close_matches(name, shipped, n=1)
    hint = f"did you mean {close[0]}?" if close else "give a file"
    raise InputError(f"{kind} {name!r}: not shipped ({', '.join(shipped)} are); {hint}")


def car_file(name: str) -> Path:
    """The file of a car: ``tianyuan``, or a path. Raises InputError."""
    return _resolve("car", name, room("firmware") / "cars")


def track_file(name: str) -> Path:
    """The file of a circuit: ``zhuzhou``, or a path to TOML or CSV. Raises InputError."""
    return _resolve("track", name, room("hil") / "tracks")


def vehicle_file(car: str) -> Path:
    """The plant of a car: shipped under its name, or beside its file as ``NAME.plant.toml``."""
    beside = Path(car).with_suffix(".plant.toml")
    if Path(car).is_file() and beside.is_file():
        return beside
    return _resolve("vehicle", Path(car).stem, room("hil") / "vehicles")
