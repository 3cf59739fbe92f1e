"""A scenario's file: what is wrong with it is one line that names file, key and remedy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianyuan.control.errors import InputError
from tianyuan.hil.scenario import read
from tianyuan.hil.scenario.model import flat, nested

LAP = "laps = 1\n"


def refusal(tmp_path, text: str) -> str:
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(InputError) as error:
        read.load(file)
    line = str(error.value)
    assert "\n" not in line
    assert line.startswith(f"{file}: ")
    return line.removeprefix(f"{file}: ")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "say either laps or seconds"),
        (LAP + "seconds = 3.0\n", "say either laps or seconds"),
        (LAP + "trakc = 'oval'\n", "trakc: unknown key; did you mean track?"),
        (LAP + "[expect]\nwihtin = '2T'\n", "expect.wihtin: unknown key; did you mean within?"),
        (LAP + "[expect]\ncause = 'BUS_OF'\n", "no cause 'BUS_OF'; did you mean BUS_OFF?"),
        (LAP + "[expect]\nreaction = 'stop'\n", "expect.reaction = 'stop': "),
        (LAP + "[expect]\nwithin = '3 min'\n", "expect.within = '3 min': "),
        ("laps = 'two'\n", "laps = 'two': "),
        (LAP + "controller = 'mpc'\n", "controller = 'mpc': "),
        (LAP + "conditions.friction = 3.0\n", "conditions.friction = 3.0: "),
        (LAP + "[[faults]]\nfault = 'position_lots'\n", "position_lots"),
        (LAP + "[[faults]]\nfault = 'position_jump'\nby_m = 2.0\n", "by_m"),
        (LAP + "seed = -1\n", "seed = -1: "),
        (LAP + f"seed = {2**63}\n", f"seed = {2**63}: "),
        (LAP + "[expect]\nlap_time_s = [50.0, 40.0]\n", "expect.lap_time_s = [50.0, 40.0]: "),
        (LAP + "[expect]\nlap_time_s = [50.0, 40.0]\n", "write [low, high]"),
        ("laps = \n", "Invalid value"),
    ],
)
def test_a_mistake_is_one_line_with_key_and_remedy(tmp_path, text, told):
    assert told in refusal(tmp_path, text)


def test_a_name_that_is_not_shipped_is_told_with_the_nearest_one():
    with pytest.raises(InputError, match="did you mean oval_lap"):
        read.files(["oval_lab"])
    with pytest.raises(InputError, match="no such file or folder"):
        read.files(["nowhere/oval_lap"])


def test_every_shipped_scenario_can_be_read_and_says_what_it_is_about():
    for file in read.files(["all"]):
        scenario = read.load(file)
        assert scenario.about.endswith(".")
        assert scenario.name == file.stem


def test_a_folder_stands_for_all_in_it_and_a_file_named_twice_is_read_once(tmp_path):
    for name in ("b", "a"):
        (tmp_path / f"{name}.toml").write_text(LAP)
    assert [file.stem for file in read.files([str(tmp_path), str(tmp_path / "a.toml")])] == [
        "a", "b"
    ]  # fmt: skip
    (tmp_path / "none").mkdir()
    with pytest.raises(InputError, match=r"no \.toml file"):
        read.files([str(tmp_path / "none")])


NAMES = st.text("abcdef_", min_size=1, max_size=5)
TABLES = st.dictionaries(NAMES, st.dictionaries(NAMES, st.integers(), min_size=1), min_size=1)


@given(TABLES)
def test_dotted_keys_and_tables_say_the_same(tables):
    assert nested(flat(tables)) == tables
    assert nested(tables) == tables
