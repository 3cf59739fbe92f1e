"""Rows are in the file once they were added, whatever happens then, and only their campaign's."""

from __future__ import annotations

import math
import os
import signal
import sqlite3
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianyuan.control.errors import InputError
from tianyuan.hil.campaign.store import opened, read_only, stored

ABOUT = {"format": "1", "campaign": "a", "program": "p"}
REFUSE = ("format", "campaign", "program")
COLUMNS = ("row", "car.k", "passed", "text")

VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(), st.text()
)


@given(value=VALUES)
def test_what_is_stored_comes_back_as_it_was_to_the_bit(tmp_path_factory, value):
    file = tmp_path_factory.mktemp("store") / "r.sqlite"
    row = {"row": 1, "car.k": stored(value), "passed": 1, "text": None}
    with opened(file, COLUMNS, ABOUT, REFUSE) as store:
        store.add(row)
    with read_only(file) as (store, about):
        found = store.row(1)
    assert repr(found) == repr(row)
    assert about == ABOUT


def test_what_sqlite_cannot_keep_is_made_what_it_can():
    assert stored(math.nan) is None
    assert stored(-math.inf) is None
    assert repr(stored(-0.0)) == "0.0"
    assert stored(True) == 1
    assert stored([{"time_s": 1.5}]) == '[{"time_s": 1.5}]'


def test_rows_come_back_in_order_and_once_each(tmp_path):
    file = tmp_path / "r.sqlite"
    with opened(file, COLUMNS, ABOUT, REFUSE) as store:
        for number in (3, 1, 2, 3):
            store.add({"row": number, "passed": 0})
        assert store.done() == {1, 2, 3}
        assert [row["row"] for row in store.rows()] == [1, 2, 3]
        assert store.row(4) is None


@pytest.mark.parametrize("key", REFUSE)
def test_a_file_of_another_campaign_is_refused(tmp_path, key):
    file = tmp_path / "r.sqlite"
    with opened(file, COLUMNS, ABOUT, REFUSE):
        pass
    with (
        pytest.raises(InputError, match=f"another campaign: {key} differs"),
        opened(file, COLUMNS, ABOUT | {key: "other"}, REFUSE),
    ):
        pass


def test_a_file_that_is_something_else_is_refused_and_left_alone(tmp_path):
    text, other = tmp_path / "notes.txt", tmp_path / "other.sqlite"
    text.write_text("mine")
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE things (a)")
    connection.close()
    for file in (text, other, tmp_path, tmp_path / "none" / "r.sqlite"):
        with pytest.raises(InputError), opened(file, COLUMNS, ABOUT, REFUSE):
            pass
    assert text.read_text() == "mine"
    for file in (text, other, tmp_path / "none"):
        with pytest.raises(InputError), read_only(file) as (store, _):
            store.done()


def test_two_campaigns_do_not_write_one_file(tmp_path):
    file = tmp_path / "r.sqlite"
    with (
        opened(file, COLUMNS, ABOUT, REFUSE) as store,
    ):
        with (
            pytest.raises(InputError, match="another campaign writes it"),
            opened(file, COLUMNS, ABOUT, REFUSE),
        ):
            pass
        store.add({"row": 1})  # the one that was refused has not broken the other's lock
        with read_only(file) as (reader, _):
            assert reader.done() == {1}


WRITER = """
import sys
from pathlib import Path
from tianyuan.hil.campaign.store import opened
with opened(Path(sys.argv[1]), ("row", "passed"), {"campaign": "a"}, ("campaign",)) as store:
    for number in range(1, 10_000_000):
        store.add({"row": number})
        print(number, flush=True)
"""


def test_a_row_outlives_the_writers_sigkill(tmp_path):
    file = tmp_path / "r.sqlite"
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(file)], stdout=subprocess.PIPE, text=True
    )
    for _ in range(50):
        told = int(writer.stdout.readline())
    os.kill(writer.pid, signal.SIGKILL)
    rest, _ = writer.communicate()
    told = max([told, *map(int, rest.split()[:-1])])
    with opened(file, ("row", "passed"), {"campaign": "a"}, ("campaign",)) as store:
        assert store.done() >= set(range(1, told + 1))
