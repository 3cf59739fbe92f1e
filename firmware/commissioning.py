"""What a car was commissioned with: digests of its files, beside them, that its nodes start by.

A DBC file may be right by itself and not the one that the car's control units speak. Nothing on
the bus tells: so `tianyuan check --commission` notes the files as they were found right, and
whatever drives the car compares.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from tianyuan import __version__
from tianyuan.control.errors import InputError
from tianyuan.firmware.car_file import Car

ENDING: Final = ".commissioned.json"


class Commissioned(NamedTuple):
    """A car's record: when it was commissioned, and SHA-256 of each of its files by name."""

    date: str
    digests: Mapping[str, str]


def record_file(car: Path) -> Path:
    """The record's name beside the car's file."""
    return car.with_name(car.stem + ENDING)


def digests_of(car: Car) -> dict[str, str]:
    """SHA-256 of the car's file and of its DBC files, by name."""
    files = (car.file, *car.dbc_files())
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def commission(car: Car, date: str) -> Path:
    """Write the record of a car as its files are now; raises InputError where it cannot be."""
    file = record_file(car.file)
    document = {"date": date, "tianyuan": __version__, "sha256": digests_of(car)}
    try:
        file.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{file}: cannot be written: {error.strerror}") from None
    return file


def read_record(car: Path) -> Commissioned | None:
    """The record beside a car's file, None without one; raises InputError if it is none."""
    file = record_file(car)
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        return Commissioned(str(document["date"]), dict(document["sha256"]))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror}") from None
    except (ValueError, LookupError, TypeError):
        raise InputError(
            f"{file}: not the record of a commissioned car; {_remedy(car)} writes it anew"
        ) from None


def changes_since(car: Car, record: Commissioned) -> list[str]:
    """The names of the files that are not, or not any more, as they were commissioned."""
    now = digests_of(car)
    names = [*now, *(name for name in record.digests if name not in now)]
    return [name for name in names if now.get(name) != record.digests.get(name)]


def check_commissioned(car: Car) -> None:
    """Raise InputError for a car whose files differ from those it was commissioned with.

    A car without a record was not commissioned, and has nothing to differ from.
    """
    record = read_record(car.file)
    if record is not None and (names := changes_since(car, record)):
        raise InputError(
            f"{car.file}: {', '.join(names)}: not as the car was commissioned on {record.date}; "
            f"put the file back, or if the change is meant, {_remedy(car.file)}"
        )


def _remedy(car: Path) -> str:
    return f"tianyuan check --car {car} --commission"
