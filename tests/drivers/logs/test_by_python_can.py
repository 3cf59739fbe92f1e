"""Logs that python-can reads for us: to the last line, past lines that it chokes on."""

from __future__ import annotations

import sqlite3

import can
import pytest

from tests.drivers.logs.reading import (
    all_frames,
    assert_cuts_harmless,
    assert_same,
    frames_of,
    kinds,
)
from tianyuan.control.errors import InputError
from tianyuan.drivers.logs.log import Log

WRITERS = {".trc": can.TRCWriter, ".csv": can.CSVWriter}


def written(file, count=12) -> None:
    """A log as python-can writes it."""
    with WRITERS[file.suffix](str(file)) as writer:
        for n in range(count):
            writer.on_message_received(
                can.Message(
                    timestamp=1_700_000_000 + n / 8,
                    arbitration_id=0x18FEF100 + n if n % 2 else n,
                    is_extended_id=n % 2 == 1,
                    data=bytes([(0xA0 + n) % 256] * (n % 9)),
                    channel=n % 3,
                )
            )


def expected_of(file):
    with can.LogReader(str(file)) as reader:
        return frames_of(reader)


@pytest.mark.parametrize("ending", WRITERS)
def test_a_log_is_read_as_python_can_reads_it(tmp_path, ending):
    file = tmp_path / f"written{ending}"
    written(file, 200)

    log = Log(file)

    assert_same(all_frames(log), expected_of(file))
    assert not log.notes.all()


@pytest.mark.parametrize("ending", WRITERS)
def test_a_format_is_known_by_its_content(tmp_path, ending):
    file = tmp_path / f"written{ending}"
    written(file)
    renamed = tmp_path / "log.of-whatever"
    renamed.write_bytes(file.read_bytes())

    assert all_frames(Log(renamed)).tobytes() == all_frames(Log(file)).tobytes()


@pytest.mark.parametrize("ending", WRITERS)
def test_garbage_costs_only_its_own_lines(tmp_path, capfd, ending):
    file = tmp_path / f"garbage{ending}"
    written(file, 12)
    expected = all_frames(Log(file))
    lines = file.read_bytes().splitlines(keepends=True)
    middle = len(lines) - 5
    garbage = [
        b"      7     17.000 DT  1     00C8 Rx -  8    09 08 QQ\n",  # like a line of a .trc
        b"1.0,0x1,x,y,z,zz,!!\n",  # of a .csv
        b"\xff\xfe\x00\x01\n",
    ]
    mixed = [line for pair in zip(garbage, lines[middle:], strict=False) for line in pair]
    file.write_bytes(b"".join([*lines[:middle], *mixed, *lines[middle + len(garbage) :]]))

    log = Log(file)

    assert all_frames(log).tobytes() == expected.tobytes()
    assert kinds(log)["garbage line"] >= 1
    assert capfd.readouterr() == ("", "")


def test_a_line_of_a_trc_that_says_too_little_is_counted(tmp_path):
    file = tmp_path / "short.trc"
    written(file)
    expected = all_frames(Log(file))
    file.write_bytes(file.read_bytes() + b"garbage\n\n\n  14  12.0\n")

    log = Log(file)

    assert all_frames(log).tobytes() == expected.tobytes()
    assert kinds(log) == {"garbage line": 2}


@pytest.mark.parametrize("ending", WRITERS)
def test_a_cut_log_is_read_up_to_the_cut(tmp_path, ending):
    whole = tmp_path / f"whole{ending}"
    written(whole)

    assert_cuts_harmless(whole, tmp_path / f"cut{ending}", last=700)


def test_a_cut_log_of_peaks_own_is_read_up_to_the_cut(tmp_path, shared_data):
    for whole in sorted((shared_data / "logs" / "python-can").glob("*.trc")):
        assert_cuts_harmless(whole, tmp_path / "cut.trc", last=90)


def test_a_trc_whose_columns_are_not_named_is_refused_in_one_line(tmp_path):
    file = tmp_path / "headless.trc"
    file.write_text(";$FILEVERSION=2.1\n      1      2501.000 DT 2      00C8 Tx -  1    09\n")

    with pytest.raises(InputError, match=r"headless\.trc: no frame in it: [^\n]+$"):
        all_frames(Log(file))


def test_a_database_is_read_as_python_can_reads_it(tmp_path):
    file = tmp_path / "written.db"
    with can.SqliteWriter(str(file)) as writer:
        for n in range(20):
            writer(can.Message(timestamp=n / 8, arbitration_id=n, data=bytes([n] * (n % 9))))

    assert_same(all_frames(Log(file)), expected_of(file))


def test_a_database_of_something_else_is_refused_in_one_line(tmp_path):
    file = tmp_path / "other.db"
    with sqlite3.connect(file) as database:
        database.execute("CREATE TABLE other (a)")

    with pytest.raises(InputError, match=r"other\.db: no frame in it: [^\n]+$"):
        all_frames(Log(file))
