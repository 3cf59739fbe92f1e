"""``tianyuan campaign``: resumed after any end, repeated by row, refused in one line."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import typer

from tianyuan.commands.campaign import campaign
from tianyuan.commands.campaign_printed import short_names
from tianyuan.control.errors import InputError
from tianyuan.hil.campaign import rows
from tianyuan.hil.scenario.read import scenario_of
from tianyuan.rooms import room

pytestmark = pytest.mark.compiled

LONG_S = 300.0
CAMPAIGN = """
seed = 3
samples = 12
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
    # A shell that runs the tests in the background has its children ignore SIGINT.
    heeding = ("env", "--default-signal=INT", sys.executable)
    return subprocess.Popen(
        [*heeding, "-m", "tianyuan", "campaign", "mine.toml", *words],
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
    assert 2 <= len(before) < 12
    if how == signal.SIGINT:
        assert process.returncode == 130
        assert f"stopped: {len(before)} of 12 rows are in mine.sqlite" in err

    status, out, _ = ended(folder, "--json", "-")

    told = json.loads(out)
    assert told["driven"] == 12 - len(before)
    assert told["rows"] == told["done"] == 12
    assert status == (1 if told["failed"] else 0)
    after = rows_in(folder / "mine.sqlite")
    assert sorted(after) == list(range(1, 13))
    assert {number: after[number] for number in before} == before


def test_a_row_driven_again_is_held_against_the_stored_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(folder)
    Path("mine.toml").write_text(CAMPAIGN.replace("samples = 12", "samples = 1"))
    with suppress(typer.Exit):
        campaign(Path("mine.toml"), json="first.json")

    campaign(Path("mine.toml"), row=1, json="again.json")

    again = json.loads(Path("again.json").read_text())
    assert (again["bit_exact"], again["differences"]) == (True, {})
    with sqlite3.connect("mine.sqlite") as connection:
        connection.execute("UPDATE runs SET max_cross_track_m = max_cross_track_m + 1e-12")
    connection.close()
    capsys.readouterr()
    with pytest.raises(typer.Exit):
        campaign(Path("mine.toml"), row=1)
    assert "differs: max_cross_track_m was" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "mine.sqlite: no results of a campaign"),
        ({"file": Path("none.toml")}, "none.toml: no such file"),
        ({"row": 13}, "the campaign has 12 rows"),
        ({"row": 2, "output": Path("none.sqlite")}, "none.sqlite: no such file"),
        ({"cluster": "x", "workers": 2}, "--workers: a cluster has its own"),
        ({"file": Path("key.toml")}, "did you mean k_1ps"),
        ({"file": Path("twice.toml")}, "two are named mine"),
    ],
)
def test_bad_input_is_refused_in_one_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, asked: dict, said: str
):
    monkeypatch.chdir(folder)
    Path("mine.sqlite").write_text("no database at all, but a text")
    Path("key.toml").write_text(CAMPAIGN.replace("k_1ps", "k_1pss"))
    Path("again").mkdir()
    for place in ("mine", "again/mine"):
        Path(f"{place}.scenario").write_text("laps = 1")
    Path("twice.toml").write_text('scenarios = ["mine.scenario", "again/mine.scenario"]')
    with pytest.raises(InputError) as refused:
        campaign(**({"file": Path("mine.toml")} | asked))
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not {path.name for path in folder.glob("*.sqlite")} - {"mine.sqlite"}


def test_keys_are_shown_by_as_much_as_tells_them_apart():
    assert short_names(["a.b.delay_s", "a.c.delay_s", "d.c.delay_s", "laps"]) == {
        "a.b.delay_s": "b.delay_s",
        "a.c.delay_s": "a.c.delay_s",
        "d.c.delay_s": "d.c.delay_s",
        "laps": "laps",
    }


@pytest.mark.parametrize("file", sorted((room("hil") / "campaigns").glob("*.toml")))
def test_shipped_campaigns_are_sound(file: Path):
    _, loaded = rows.read(file)
    for number in loaded.tasks.firsts():
        scenario_of(loaded.tasks[number].document, file.name)
    assert rows.drive(loaded.tasks, 1)["error"] is None
