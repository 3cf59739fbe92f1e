"""`tianyuan replay`: what it prints and writes, and its exit status."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import can
import numpy as np
import pytest

from tianyuan import names
from tianyuan.cli import app
from tianyuan.control.errors import InputError
from tianyuan.control.records import Controller
from tianyuan.dbc.frame import TX
from tianyuan.drivers.messages import read_frame
from tianyuan.firmware.car_file import load_car
from tianyuan.firmware.host import make_host
from tianyuan.firmware.racing_line import line_for
from tianyuan.firmware.run_card import write_card

pytestmark = pytest.mark.compiled

PERIOD_NS = 2_000_000
TICKS = 500
STEERING_COMMAND = 0x080


def write(file: Path, kept: np.ndarray) -> None:
    with can.Logger(str(file)) as out:
        for i in range(kept.size):
            at_s, own = int(kept[i]["t_ns"]) * 1e-9, int(kept[i]["reserved"]) == TX
            out.on_message_received(read_frame(kept, i, at_s, int(kept[i]["channel"]), own))


@pytest.fixture(scope="module")
def kept() -> np.ndarray:
    """A second of a host that hears nothing, as it would be logged."""
    car = load_car(names.car_file("tianyuan"))
    path = line_for(car, names.track_file("oval"))
    host = make_host(car, path, Controller.STANLEY, PERIOD_NS)
    said = []
    for k in range(TICKS):
        out = host.frames_out[: host.tick(0, 10**9 + k * PERIOD_NS)].copy()
        out["reserved"] = TX
        said.append(out)
    return np.concatenate(said).view(np.ndarray)


@pytest.fixture
def log(kept, tmp_path) -> Path:
    car = load_car(names.car_file("tianyuan"))
    path = line_for(car, names.track_file("oval"))
    (tmp_path / "logs").mkdir()
    file = tmp_path / "logs" / "drive.blf"
    write(file, kept)
    write_card(file, car, path, Controller.STANLEY, 1_000_000_000 // PERIOD_NS)
    return file


def run(*arguments: object) -> int:
    return app(["replay", *map(str, arguments)], standalone_mode=False) or 0


def test_a_log_that_comes_out_again_is_told_in_a_line_and_in_json(log, capsys):
    assert run(log) == 0
    assert capsys.readouterr().out.startswith("replay: bit-exact over 500 ticks")
    assert run(log, "--json", "-") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["ticks"], found["mismatches"], found["first_mismatch"]) == (TICKS, 0, None)
    assert (found["bit_exact"], found["gaps"], found["notes"]) == (True, [], [])


def test_a_difference_is_a_failure_and_is_shown_by_its_signal(log, kept, capsys):
    spoilt = kept.copy()
    one = np.flatnonzero(spoilt["can_id"] == STEERING_COMMAND)[200]
    spoilt["payload"][one, 2] ^= 1
    write(log, spoilt)
    assert run(log) == 1
    said = capsys.readouterr().out
    assert "1 frames differ" in said
    assert "the first in tick 200" in said
    assert "STEERING_COMMAND." in said
    assert "> tick 200" in said
    assert run(log, "--json", "-") == 1
    first = json.loads(capsys.readouterr().out)["first_mismatch"]
    assert (first["tick"], len(first["signals"])) == (200, 1)
    assert first["signals"][0]["signal"].startswith("STEERING_COMMAND.")


def test_what_it_would_have_done_is_told_and_drawn(log, tmp_path, capsys):
    page = tmp_path / "page.html"
    assert run(log, "--set", "limits.speed_mps=9.5", "--report", page, "--json", "-") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["ticks"], found["set"]) == (TICKS, ["limits.speed_mps=9.5"])
    assert "limits.speed_mps=9.5" in page.read_text()


def test_a_folder_fails_until_its_results_are_accepted(log, tmp_path, capsys):
    folder, junit = log.parent, tmp_path / "junit.xml"
    assert run(folder, "--workers", "1") == 1
    assert run(folder, "--workers", "1", "--accept") == 0
    capsys.readouterr()
    assert run(folder, "--workers", "1", "--junit", junit, "--json", "-") == 0
    assert json.loads(capsys.readouterr().out)["same"] == 1
    assert ET.parse(junit).getroot().find("testsuite").get("failures") == "0"


def test_another_host_s_log_has_nothing_to_compare_with(kept, tmp_path, capsys):
    file = tmp_path / "other.log"
    write(file, kept[kept["channel"] == 0])
    assert run(file, "--car", "tianyuan", "--track", "oval", "--json", "-") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["ticks"], found["bit_exact"]) == (TICKS, None)
    assert found["figures"]["off_ticks"] == TICKS
    assert run(file, "--car", "tianyuan", "--track", "oval") == 0
    assert f"ticks by mode: off {TICKS}; causes: waiting for sensors" in capsys.readouterr().out


def test_a_log_onto_a_bus_tells_how_late_its_frames_left(log, tmp_path, capsys):
    assert run(log, "--to-bus", "-c", tmp_path / "bus", "--speed", "10", "--json", "-") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["sent"] > TICKS
    assert found["seconds"] == pytest.approx((TICKS - 1) * PERIOD_NS * 1e-10)
    assert found["p50_us"] >= 0.0
    assert list(found["left_out"]) == ["of the host's own"]


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--track", "oval"], "--track: .* has its run's card"),
        (["--car", "tianyuan"], "--car: .* has its run's card"),
        (["--line", "no.npy"], "--line: .* has its run's card"),
        (["--rate", 100], "--rate: .* has its run's card"),
        (["--bus", "car=can1"], "--bus: .* has its run's card"),
        (["--speed", 2], "--speed is for --to-bus"),
        (["--cpu", 0], "--cpu is for --to-bus"),
        (["-c", "pit"], "--channel is for --to-bus"),
        (["--accept"], "--accept is for a folder"),
        (["--report", "x.html"], "--report draws a difference"),
        (["--to-bus", "--report", "x.html"], "--report is not for --to-bus"),
        (["--to-bus", "--track", "oval"], "--track is not for --to-bus"),
    ],
)
def test_no_option_is_passed_over_in_silence(log, options, why):
    with pytest.raises(InputError, match=why):
        run(log, *options)


def test_a_report_is_not_written_over_the_log(log):
    with pytest.raises(InputError, match="is read here"):
        run(log, "--set", "limits.speed_mps=9.5", "--report", log)


def test_logs_with_and_without_a_card_are_tests_of_one_folder(log, kept, capsys):
    write(log.with_name("other.log"), kept[kept["channel"] == 0])
    named = ("--workers", "1", "--car", "tianyuan", "--track", "oval")
    assert run(log.parent, *named, "--accept") == 0
    assert run(log.parent, *named) == 0
    assert "2 logs, 2.0 s of driving: 2 same" in capsys.readouterr().out
    log.with_name("other.log").unlink()
    assert run(log.parent, *named) == 1
    assert "other.log: failed\n  its log is gone" in capsys.readouterr().out
