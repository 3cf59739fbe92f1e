"""What ``tianyuan hil`` says of names and files that are wrong, before anything is run."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from tianyuan.cli import app
from tianyuan.control.errors import InputError


def refused(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["hil", *arguments])
    assert isinstance(result.exception, InputError), result.output
    return str(result.exception)


def test_an_unknown_scenario_is_told_with_the_nearest_one():
    assert "did you mean oval_lap?" in refused("oval_lop")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("laps = 1\ncar = 'nobodys'\n", "nobodys"),
        ("laps = 1\ntrack = 'nowhere'\n", "nowhere"),
        ("laps = 1\ncar_file.limits.brake_bra = 1.0\n", "car_file: limits.brake_bra"),
        ("laps = 1\nvehicle.chassis.mass_gk = 1.0\n", "mass_gk"),
        ("laps = 1\n[[faults]]\nfault = 'position_jump'\n", "expect.reaction: missing"),
    ],
)
def test_what_a_scenario_names_wrongly_is_told_in_one_line(tmp_path: Path, text: str, told: str):
    file = tmp_path / "mine.toml"
    file.write_text(text)
    line = refused(str(file))
    assert told in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("-i", "socketcan", "-c", "can0"), "say --realtime"),
        (("--realtime", "-i", "socketcan"), "name the interface, as --channel can0"),
        (("--realtime", "-i", "pcan", "-c", "0"), "tianyuan bridge joins"),
        (("--realtime", "--far-channel", "can1"), "a local bus has no cable"),
        (("--realtime", "-c", "one,two"), "2 buses"),
    ],
)
def test_a_bus_that_cannot_be_driven_on_is_told_in_one_line(arguments: tuple[str, ...], told: str):
    line = refused("oval_lap", *arguments)
    assert told in line
    assert "\n" not in line
