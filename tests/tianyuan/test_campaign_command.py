"""``tianyuan campaign``: resumed after any end, repeated by row, refused in one line."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tianyuan.rooms import room

pytestmark = pytest.mark.compiled

LONG_S = 300.0
CAMPAIGN = """
seed = 3
samples = 24
[scenario]
track = "oval"
laps = 1
expect.max_cross_track_m = 0.25
[sample]
"car_file.stanley.k_1ps" = { uniform = [0.4, 3.0] }
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine.toml").write_text(CAMPAIGN)
    return tmp_path


def started(folder: Path, *words: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "tianyuan", "campaign", "mine.toml", *words],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def ended(folder: Path, *words: str) -> tuple[int, str, str]:
    process = started(folder, *words)
    out, err = process.communicate(timeout=LONG_S)
    return process.returncode, out, err


def rows_in(file: Path) -> dict[int, tuple[Any, ...]]:
    if not file.exists():
        return {}
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=LONG_S)
    try:
        return {row[0]: row for row in connection.execute("SELECT * FROM runs")}
    except sqlite3.OperationalError:
        return {}  # not made yet
    finally:
        connection.close()


def begun(folder: Path, least: int = 2) -> subprocess.Popen:
    """A campaign that has some of its rows by now."""
    process = started(folder, "--workers", "2")
    until = time.monotonic() + LONG_S
    while len(rows_in(folder / "mine.sqlite")) < least:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.02)
    return process


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_rows_that_are_there_are_not_driven_again(folder: Path, how: int):
    process = begun(folder)
    os.kill(process.pid, how)
    _, err = process.communicate()
    before = rows_in(folder / "mine.sqlite")
    assert 2 <= len(before) < 24
    if how == signal.SIGINT:
        assert process.returncode == 130
        assert f"stopped: {len(before)} of 24 rows are in mine.sqlite" in err

    status, out, _ = ended(folder, "--json", "-")

    told = json.loads(out)
    assert told["driven"] == 24 - len(before)
    assert told["rows"] == told["done"] == 24
    assert status == (1 if told["failed"] else 0)
    after = rows_in(folder / "mine.sqlite")
    assert sorted(after) == list(range(1, 25))
    assert {number: after[number] for number in before} == before

    status, out, _ = ended(folder, "--row", "5", "--json", "-")
    again = json.loads(out)
    assert (status, again["bit_exact"], again["differences"]) == (0, True, {})

    with sqlite3.connect(folder / "mine.sqlite") as connection:
        connection.execute("UPDATE runs SET max_cross_track_m = max_cross_track_m + 1e-12")
    connection.close()
    status, out, _ = ended(folder, "--row", "5")
    assert status == 1
    assert "differs: max_cross_track_m was" in out


def test_bad_input_is_one_line_and_status_2(folder: Path):
    (folder / "mine.sqlite").write_text("no database at all, but a text")
    (folder / "key.toml").write_text(CAMPAIGN.replace("k_1ps", "k_1pss"))
    said = {
        ("mine.toml",): "mine.sqlite: no results of a campaign",
        ("none.toml",): "none.toml: no such file",
        ("mine.toml", "--row", "25"): "the campaign has 24 rows",
        ("mine.toml", "--row", "2", "-o", "none.sqlite"): "none.sqlite: no such file",
        ("mine.toml", "--cluster", "x", "--workers", "2"): "--workers: a cluster has its own",
        ("key.toml",): "did you mean k_1ps?",
    }
    for words, expected in said.items():
        done = subprocess.run(
            [sys.executable, "-m", "tianyuan", "campaign", *words],
            cwd=folder, capture_output=True, text=True, check=False, timeout=LONG_S,
        )  # fmt: skip
        assert done.returncode == 2, done.stderr
        assert expected in done.stderr
        assert done.stderr.count("\n") == 1


def test_shipped_campaigns_can_be_driven():
    from tianyuan.hil.campaign import rows

    for file in sorted((room("hil") / "campaigns").glob("*.toml")):
        _, loaded = rows.read(file)
        assert len(loaded.tasks) == 1000
        assert rows.drive(loaded.tasks, 1)["error"] is None
