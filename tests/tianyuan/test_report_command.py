"""`tianyuan report` and `compare` as people run them: pages, figures, one line for bad input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tianyuan.cli import app
from tianyuan.control.errors import InputError

WAY = """VERSION ""
BO_ 1 WAY: 4 Car
 SG_ X : 0|16@1+ (1,0) [0|0] "m" Host
 SG_ Y : 16|16@1+ (1,0) [0|0] "m" Host
"""
CSS_LOG = "00000164_00000001-60FE3F04.MF4"


def run(*arguments: str | Path):
    done = CliRunner().invoke(app, [str(each) for each in arguments], standalone_mode=False)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


@pytest.fixture
def human(shared_data) -> list[str | Path]:
    """A published drive twice, and what says where its position is."""
    log = shared_data / "logs" / "css" / CSS_LOG
    return [
        log, log, "--dbc", shared_data / "dbc" / "css" / "canmod-gps.dbc",
        "--position", "gnss_pos.Latitude,gnss_pos.Longitude", "--valid", "gnss_pos.PositionValid",
        "--speed", "gnss_speed.Speed",
    ]  # fmt: skip


def test_a_drive_of_somebody_beside_itself_differs_nowhere(human, tmp_path):
    page, figures = tmp_path / "page.html", tmp_path / "figures.json"
    done = run("compare", *human, "-o", page, "--json", figures)
    assert "B: " + CSS_LOG in done.stdout
    read = json.loads(figures.read_text())
    assert read["delta_s"] == 0.0
    assert not read["closed"]
    assert read["a"] == read["b"]
    assert all(corner["delta_s"] == 0.0 for corner in read["corners"])
    text = page.read_text(encoding="utf-8")
    assert "default-src 'none'" in text
    assert json.loads(text.partition('id="figures">')[2].partition("</script>")[0]) == read


def test_a_log_without_card_or_position_is_one_line(human):
    log = human[0]
    with pytest.raises(InputError, match="no card of `tianyuan drive` beside it; say where"):
        run("compare", log, log)
    with pytest.raises(InputError, match=r"run\.json: no such file"):
        run("report", log)
    with pytest.raises(InputError, match=r"give MESSAGE\.X,MESSAGE\.Y, and its DBC file"):
        run("compare", log, log, "--position", "gnss_pos.Latitude")


def test_a_log_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        run("compare", tmp_path / "a.blf", tmp_path / "b.blf")


def test_a_lap_of_another_circuit_is_one_line(human):
    with pytest.raises(InputError, match="no whole lap of this line in it"):
        run("compare", *human, "--track", "oval", "--origin", "27.7385,113.0312")


def test_latitudes_along_a_line_in_metres_need_its_origin(human):
    with pytest.raises(InputError, match="give --origin LAT,LON, where its x and y are zero"):
        run("compare", *human, "--track", "oval")


def test_what_is_wrong_with_a_log_is_told_beside_its_laps(tmp_path):
    dbc, good, bad = (tmp_path / name for name in ("way.dbc", "good.log", "bad.log"))
    dbc.write_text(WAY)
    lines = [f"({k}.0) can0 001#{_raw(10 * k)}{_raw(k)}\n" for k in range(60)]
    good.write_text("".join(lines))
    bad.write_text("".join([*lines[:30], "this is no frame\n", *lines[30:]]))

    done = run("compare", good, bad, "--dbc", dbc, "--position", "WAY.X,WAY.Y", "--json", "-")

    assert "bad.log: garbage" in done.stderr
    assert "good.log" not in done.stderr
    assert json.loads(done.stdout)["b"]["log"] == "bad.log"


def _raw(value: int) -> str:
    return value.to_bytes(2, "little").hex()
