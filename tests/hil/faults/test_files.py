"""Faults of files: the host refuses each in one line; the originals stay as they are."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tianyuan import names
from tianyuan.control.errors import InputError
from tianyuan.control.records import Controller
from tianyuan.firmware.car_file import load_car
from tianyuan.firmware.commissioning import check_commissioned, record_file
from tianyuan.firmware.host import make_host
from tianyuan.firmware.racing_line import line_for
from tianyuan.hil.faults import files
from tianyuan.hil.faults.catalogue import FAULTS
from tianyuan.hil.faults.entry import FaultEntry
from tianyuan.hil.faults.fault import Layer

pytestmark = pytest.mark.compiled  # a line is planned, which is nothing to interpret

SAID = {
    ("dbc_malformed", ""): "tianyuan.dbc",
    ("dbc_signal_wrong", "missing"): "no signal Angle in STEERING_COMMAND",
    ("dbc_signal_wrong", "overlapping"): "overlap",
    ("dbc_signal_wrong", "narrow"): "limits.steer_rad asks for",
    ("line_nan", ""): "line.csv: line .*: x_m = nan: not a finite number",
    ("line_repeated_points", ""): "are the same point",
    ("line_reversed", ""): "driven the wrong way round",
    ("line_not_simple", "open"): "open: .* back to",
    ("line_not_simple", "crossing"): "crosses itself",
    ("line_too_tight", ""): "beyond .*, the reach of limits.steer_rad",
    ("car_file_wrong", "negative"): "mass_kg = -1093.3",
    ("car_file_wrong", "unknown_key"): "masss_kg: unknown key; did you mean mass_kg",
    ("dbc_changed", ""): "tianyuan.dbc: not as the car was commissioned on",
}


@pytest.fixture(scope="module")
def inputs() -> files.Inputs:
    return files.Inputs(names.car_file("tianyuan"), names.track_file("oval"))


def entry_of(name: str, how: str) -> FaultEntry:
    return FaultEntry.model_validate({"fault": name} | ({"how": how} if how else {}))


def start(inputs: files.Inputs) -> None:
    """What a host does with its files before it drives."""
    car = load_car(inputs.car)
    check_commissioned(car)
    make_host(car, line_for(car, inputs.track, inputs.line), Controller.STANLEY, 2_000_000)


def test_every_fault_of_a_file_is_tried_in_each_of_its_ways():
    ways = {
        (fault.name, how)
        for fault in FAULTS
        if fault.virtual is Layer.FILE
        for how in (fault.parameters[0].choices if fault.parameters else ("",))
    }
    assert ways == set(SAID)


@pytest.mark.parametrize(("name", "how"), SAID)
def test_the_host_refuses_a_file_that_is_wrong_and_says_what_is(name, how, inputs, tmp_path):
    start(inputs)
    before = inputs.car.read_bytes()
    wrong = files.made_wrong(entry_of(name, how), inputs, tmp_path)
    with pytest.raises(InputError, match=SAID[name, how]) as refused:
        start(wrong)
    assert "\n" not in str(refused.value)
    assert inputs.car.read_bytes() == before


def test_a_changed_dbc_file_is_right_by_itself_and_means_something_else(inputs, tmp_path):
    wrong = files.made_wrong(entry_of("dbc_changed", ""), inputs, tmp_path)
    changed = (tmp_path / "tianyuan.dbc").read_text()
    assert "SG_ Angle : 16|16@1- (0.0625,0)" in changed
    assert load_car(wrong.car).dbc_files() == [tmp_path / "tianyuan.dbc"]
    record_file(wrong.car).unlink()
    start(wrong)


def test_every_shipped_car_can_have_its_files_made_wrong(tmp_path):
    for car in ("indy", "ads-dv"):
        own = files.Inputs(names.car_file(car), names.track_file("oval"))
        for name, how in (("dbc_malformed", ""), ("dbc_signal_wrong", "missing")):
            folder = tmp_path / f"{car}-{name}"
            folder.mkdir()
            wrong = files.made_wrong(entry_of(name, how), own, folder)
            with pytest.raises(InputError, match=r"no signal|\.dbc"):
                make_host(load_car(wrong.car), line_for(load_car(own.car), own.track),
                          Controller.STANLEY, 2_000_000)  # fmt: skip


def test_the_program_ends_with_status_2_and_one_line(inputs, tmp_path):
    wrong = files.made_wrong(entry_of("dbc_signal_wrong", "narrow"), inputs, tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "tianyuan", "drive", "--car", str(wrong.car), "--track", "oval",
         "-c", str(tmp_path / "bus")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "limits.steer_rad" in done.stderr
    assert "Traceback" not in done.stderr
