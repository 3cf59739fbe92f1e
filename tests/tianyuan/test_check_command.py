"""``tianyuan check``: its status, its JSON and what it prints."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tianyuan import names
from tianyuan.rooms import room

SHIPPED = names.car_file("tianyuan").read_text()


def check(*arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "tianyuan", "check", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def broken(tmp_path):
    file = tmp_path / "car.toml"
    text = SHIPPED.replace("mass_kg = 1093.3", "mas_kg = 1093.3")
    file.write_text(text.replace('"IMU.AccelX"', '"IMU.AccelZ"'))
    return file


def test_a_sound_car_ends_with_status_0_and_its_bus_load():
    done = check("--json", "-")
    assert done.returncode == 0
    found = json.loads(done.stdout)
    assert found["errors"] == []
    (load,) = found["bus_load"]
    assert set(load) >= {"bus", "bitrate", "load", "worst", "messages", "missing_cycle"}
    assert 0.0 < load["load"] < load["worst"] < 1.0


def test_a_broken_car_ends_with_status_2_and_all_of_its_mistakes(broken):
    done = check("--car", str(broken), "--json", "-")
    assert done.returncode == 2
    errors = json.loads(done.stdout)["errors"]
    assert any("vehicle.mas_kg: unknown key; did you mean mass_kg?" in line for line in errors)
    assert any("sensors.imu_ax_mps2 = 'IMU.AccelZ'" in line for line in errors)
    assert len(errors) == 2


def test_people_get_a_line_each_and_a_table(broken):
    done = check("--car", str(broken))
    lines = done.stdout.splitlines()
    assert sum(line.startswith("error: ") for line in lines) == 2
    assert lines[-1] == "2 errors, 0 warnings"
    assert any("500000" in line and "37.9%" in line for line in lines)
    assert done.stderr == ""


def test_a_car_that_is_not_there_is_one_line(tmp_path):
    done = check("--car", str(tmp_path / "none.toml"))
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1


def test_the_other_commands_raise_the_first_of_its_lines(broken):
    first = json.loads(check("--car", str(broken), "--json", "-").stdout)["errors"][0]
    command = [sys.executable, "-m", "tianyuan", "lap", "--track", "oval", "--car", str(broken)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == f"tianyuan: {first}\n"


def test_a_car_is_commissioned_once_it_is_right_and_drives_with_no_other_file(tmp_path):
    car, dbc = tmp_path / "mine.toml", tmp_path / "tianyuan.dbc"
    car.write_text(SHIPPED)
    dbc.write_bytes((room("dbc") / "tianyuan.dbc").read_bytes())
    done = check("--car", str(car), "--commission", "--json", "-")
    assert done.returncode == 0
    assert json.loads(done.stdout)["warnings"] == []
    assert done.stderr == f"commissioned: {tmp_path / 'mine.commissioned.json'}\n"
    dbc.write_bytes(dbc.read_bytes().replace(b"(0.05,0)", b"(0.1,0)"))
    (told,) = json.loads(check("--car", str(car), "--json", "-").stdout)["warnings"]
    for command in ("drive", "guard"):
        words = [sys.executable, "-m", "tianyuan", command, "--car", str(car), "-c", "nowhere"]
        refused = subprocess.run(words, capture_output=True, text=True, check=False)
        assert (refused.returncode, refused.stderr) == (2, f"tianyuan: {told}\n")


def test_a_car_with_a_mistake_is_not_commissioned(broken, tmp_path):
    assert check("--car", str(broken), "--commission").returncode == 2
    assert not list(tmp_path.glob("*.commissioned.json"))
