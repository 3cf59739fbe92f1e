"""Racing lines on disk: a CSV whose header names the fields of PATH."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from tianyuan.control.errors import InputError
from tianyuan.control.planning.check import check_path
from tianyuan.control.planning.track import Track
from tianyuan.control.records import PATH
from tianyuan.control.records import path as new_path

_FIELDS = list(PATH.names or ())


def write_line(path: np.recarray, file: str | Path) -> None:
    """Write a PATH; each float in its shortest form that reads back as the same float."""
    with Path(file).open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(_FIELDS)
        writer.writerows(path.tolist())


def read_line(
    file: str | Path, params: np.recarray | None = None, track: Track | None = None
) -> np.recarray:
    """The PATH in a file, checked as ``check_path`` does, which errors name line by line.

    Raises InputError, of one line, for a file that is missing, is no such CSV or holds a
    line that must not be driven.
    """
    file = Path(file)
    numbers, rows = _rows(file)
    path = new_path(len(rows))
    for i, row in enumerate(rows):
        path[i] = tuple(row)
    check_path(path, params, track, name=file.name, label=lambda i: f"line {numbers[i]}")
    return path


def _rows(file: Path) -> tuple[list[int], list[list[float]]]:
    try:
        with file.open(newline="", encoding="utf-8") as stream:
            reader = csv.reader(stream)
            _check_header(file, next(reader, []))
            read = [(reader.line_num, _floats(file, reader.line_num, row)) for row in reader if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{file}: cannot be read as a line: {error}; plan it anew") from None
    return [number for number, _ in read], [row for _, row in read]


def _check_header(file: Path, header: list[str]) -> None:
    if header == _FIELDS:
        return
    missing = [field for field in _FIELDS if field not in header]
    unknown = [field for field in header if field not in _FIELDS]
    what = (
        f"column {missing[0]} is missing"
        if missing
        else f"column {unknown[0]} is unknown"
        if unknown
        else "columns are out of order"
    )
    raise InputError(f"{file.name}: line 1: {what}; write {','.join(_FIELDS)}")


def _floats(file: Path, number: int, row: list[str]) -> list[float]:
    if len(row) != len(_FIELDS):
        raise InputError(
            f"{file.name}: line {number}: {len(row)} values, not {len(_FIELDS)}; plan it anew"
        )
    values = []
    for field, text in zip(_FIELDS, row, strict=True):
        try:
            values.append(float(text))
        except ValueError:
            raise InputError(
                f"{file.name}: line {number}: {field} = {text!r}: not a number; plan it anew"
            ) from None
    return values
