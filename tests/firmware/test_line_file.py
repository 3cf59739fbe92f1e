"""Lines come back from disk bit for bit, and never drive when they are wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tianyuan.control.errors import InputError
from tianyuan.control.planning.curve import closed_curve
from tianyuan.control.records import PATH
from tianyuan.control.records import path as new_path
from tianyuan.firmware.line_file import read_line, write_line


def oval() -> np.recarray:
    angle = np.arange(200) * 2 * np.pi / 200
    curve = closed_curve(90 * np.cos(angle), 40 * np.sin(angle), 1.0)
    path = new_path(len(curve.s_m))
    for field in ("s_m", "x_m", "y_m", "heading_rad", "curvature_1pm"):
        path[field] = getattr(curve, field)
    path.speed_mps, path.left_m, path.right_m = 20.0, 5.0, 5.0
    return path


@given(values=arrays(float, 400, elements=st.floats(0, 1e300, allow_subnormal=True)))
def test_floats_come_back_exactly(
    tmp_path_factory: pytest.TempPathFactory, values: np.ndarray
) -> None:
    path = oval()
    path.speed_mps = np.resize(values, len(path))
    path.accel_mps2 = -np.resize(values[::-1], len(path))
    file = tmp_path_factory.getbasetemp() / "line.csv"
    write_line(path, file)
    assert np.array_equal(read_line(file).view(np.uint64), path.view(np.uint64))


def test_the_header_names_the_fields(tmp_path: Path) -> None:
    write_line(oval(), tmp_path / "line.csv")
    header = (tmp_path / "line.csv").read_text().splitlines()[0]
    assert header == ",".join(PATH.names or ())


def rows() -> list[list[str]]:
    header = [list(PATH.names or ())]
    return header + [[repr(float(value)) for value in row] for row in oval().tolist()]


def saved(file: Path, table: list[list[str]]) -> Path:
    file.write_text("".join(",".join(row) + "\n" for row in table))
    return file


@pytest.mark.parametrize(
    ("row", "column", "text", "message"),
    [
        (7, 5, "nan", "line.csv: line 8: speed_mps = nan: not a finite number; plan the line anew"),
        (7, 5, "fast", "line.csv: line 8: speed_mps = 'fast': not a number; plan it anew"),
        (7, 5, "-3", "line.csv: line 8: speed_mps = -3: below 0; plan the line anew"),
        (7, 1, "1e3", "line.csv: line 7: uneven spacing: "),
        (0, 5, "speed", "line.csv: line 1: column speed_mps is missing; write s_m,x_m,y_m,"),
    ],
)
def test_a_wrong_value_is_named_by_its_line(
    tmp_path: Path, row: int, column: int, text: str, message: str
) -> None:
    table = rows()
    table[row][column] = text
    with pytest.raises(InputError) as caught:
        read_line(saved(tmp_path / "line.csv", table))
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_a_wrong_table_is_refused(tmp_path: Path) -> None:
    table = rows()
    swapped = [[row[1], row[0], *row[2:]] for row in table]
    cases = {
        "line 1: columns are out of order": swapped,
        "line 1: column extra is unknown": [[*row, "extra"] for row in table],
        r"line 4: 10 values, not 11": [
            row[: -1 if i == 3 else None] for i, row in enumerate(table)
        ],
        "line 6 and line 7 are the same point": [*table[:6], table[5], *table[6:]],
        r"open: \d": table[:150],
        "0 points: fewer than 8": table[:1],
        "column s_m is missing": [],
    }
    for message, wrong in cases.items():
        with pytest.raises(InputError, match=message):
            read_line(saved(tmp_path / "line.csv", wrong))


def test_blank_lines_keep_the_numbers_of_the_others(tmp_path: Path) -> None:
    table = rows()
    table[9][2] = "nan"
    file = saved(tmp_path / "line.csv", [*table[:3], [], *table[3:]])
    with pytest.raises(InputError, match=r"line 11: y_m = nan"):
        read_line(file)


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.csv: cannot be read as a line"):
        read_line(tmp_path / "gone.csv")
    binary = tmp_path / "line.csv"
    binary.write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(InputError, match=r"line\.csv: cannot be read as a line"):
        read_line(binary)
