"""``tianyuan decode`` tells what became of every frame, and what to do where it cannot."""

from __future__ import annotations

import json

import pyarrow.parquet as pq
import pytest
from mcap.reader import make_reader
from typer.testing import CliRunner

from tianyuan.cli import app
from tianyuan.control import records
from tianyuan.control.errors import InputError
from tianyuan.control.records import Controller
from tianyuan.firmware.car_file import load_car
from tianyuan.firmware.run_card import write_card
from tianyuan.names import car_file
from tianyuan.rooms import room

HOST = room("dbc") / "host.dbc"
LOG = """(1.000000) can7 702#0000803F0000A041
(1.010000) can7 701#0000803F00000040
(1.020000) can7 705#02000300
(1.030000) can7 705#0200
(1.040000) can7 123#00
(1.050000) can7 00000123#00
(1.060000) can7 00000123#00
(1.070000) can0 701#0000803F00000040
(1.080000) can7 701#R
"""


@pytest.fixture
def log(tmp_path):
    file = tmp_path / "own.log"
    file.write_text(LOG)
    return file


def run(*arguments):
    return CliRunner().invoke(app, ["decode", *map(str, arguments)])


def test_every_frame_is_accounted_for(log):
    result = run(log, "--car", "tianyuan", "--json", "-")

    found = json.loads(result.stdout)
    assert (found["frames"], found["decoded"], found["signals"]) == (9, 3, 7)
    assert found["too_short"] == {"HOST_STATE": 1}
    assert found["remote_frames"] == 1
    assert found["unknown"] == [
        {"channel": "can7", "id": "00000123", "frames": 2},
        {"channel": "can0", "id": "701", "frames": 1},
        {"channel": "can7", "id": "123", "frames": 1},
    ]


def test_our_own_log_is_decoded_with_the_files_of_its_card(log):
    line = records.path(2)
    write_card(log, load_car(car_file("tianyuan")), line, Controller.STANLEY, 500)
    log.with_name("own.2.log").write_text(LOG)

    found = json.loads(run(log, "--json", "-").stdout)

    assert (found["frames"], found["decoded"]) == (18, 6)
    assert found["missing_parts"] == []

    log.with_name("own.2.log").rename(log.with_name("own.3.log"))
    assert f"missing: {log.with_name('own.2.log')}" in run(log).stdout


def test_the_summary_names_what_was_not_decoded(log):
    result = run(log, "--dbc", f"can7={HOST}")

    assert "9 frames, 3 decoded, 7 signals" in result.stdout
    assert "1 frames shorter than their message: HOST_STATE 1" in result.stdout
    assert "00000123" in result.stdout


def test_only_the_signals_asked_for_are_written(log, tmp_path):
    output = tmp_path / "out"
    result = run(log, "--dbc", HOST, "-s", "HOST_STATE.Mode", "--choices", "-o", output)

    assert result.exit_code == 0, result.output
    (file,) = output.iterdir()
    assert pq.read_table(file)["Mode"].to_pylist() == ["Driving"]


def test_the_hosts_position_is_drawn_by_foxgloves_panels(log, tmp_path):
    output = tmp_path / "out.mcap"
    result = run(log, "--car", "tianyuan", "--origin", "27.7385,113.0312", "-o", output)

    assert result.exit_code == 0, result.output
    with output.open("rb") as file:
        said = {
            schema.name: json.loads(message.data)
            for schema, channel, message in make_reader(file).iter_messages()
            if channel.topic.startswith("/host/")
        }
    pose = said["foxglove.PoseInFrame"]["pose"]
    assert pose["position"] == {"x": 1.0, "y": 2.0, "z": 0.0}
    assert pose["orientation"]["z"] == pytest.approx(0.479425538604203)  # the sine of half a radian
    assert said["foxglove.LocationFix"]["latitude"] == pytest.approx(27.7385 + 2.0 / 110_800)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ((), "no DBC file; give --dbc FILE or --car CAR"),
        (("--dbc", HOST, "-s", "HOST_STAT"), "did you mean HOST_STATE?"),
        (("--dbc", HOST, "-s", "HOST_STATE.Mod"), "did you mean HOST_STATE.Mode?"),
        (("--dbc", HOST, "-o", "out.txt"), "no such kind of output"),
        (("--dbc", HOST, "--origin", "1"), "not LAT,LON"),
    ],
)
def test_bad_input_is_one_line_with_the_remedy(log, arguments, problem):
    result = run(log, *arguments)

    assert isinstance(result.exception, InputError)
    assert problem in str(result.exception)
    assert "\n" not in str(result.exception)


@pytest.mark.parametrize("options", [["-o"], ["--json"]])
def test_a_log_is_not_written_over_by_what_is_made_of_it(tmp_path, options):
    log = tmp_path / "own.csv"
    log.write_text(LOG)

    result = run(log, "--car", "tianyuan", *options, log)

    assert isinstance(result.exception, InputError)
    assert str(result.exception).endswith("is read here; name another file")
    assert log.read_text() == LOG


def test_standard_output_is_csv_and_nothing_else(log):
    result = run(log, "--car", "tianyuan", "-o", "-", "-s", "HOST_MOTION")

    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].replace('"', "") == "time_s,channel,message,signal,unit,value"
    assert all("HOST_MOTION" in line for line in lines[1:])
    assert "frames" in result.stderr
