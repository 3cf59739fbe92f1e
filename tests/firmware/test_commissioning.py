"""A commissioned car starts with the files that it was commissioned with, and with no others."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tianyuan import names
from tianyuan.control.errors import InputError
from tianyuan.firmware.car_file import load_car
from tianyuan.firmware.commissioning import (
    check_commissioned,
    commission,
    read_record,
    record_file,
)


@pytest.fixture
def car(tmp_path: Path) -> Path:
    """A car of two buses with its own files beside it, commissioned."""
    shipped = load_car(names.car_file("indy"))
    for file in shipped.dbc_files():
        shutil.copy(file, tmp_path / file.name)
    copied = Path(shutil.copy(shipped.file, tmp_path / "mine.toml"))
    commission(load_car(copied), "2026-11-26")
    return copied


def appended(file: Path) -> None:
    file.write_bytes(file.read_bytes() + b"\n")


def test_a_car_that_was_never_commissioned_has_nothing_to_differ_from():
    car = load_car(names.car_file("tianyuan"))
    assert read_record(car.file) is None
    check_commissioned(car)


def test_a_commissioned_car_starts_as_long_as_no_file_of_it_changes(car):
    check_commissioned(load_car(car))
    dbc_names = {file.name for file in car.parent.glob("*.dbc")}
    assert set(read_record(car).digests) == {"mine.toml", *dbc_names}


@pytest.mark.parametrize("ending", [".toml", ".dbc"])
def test_each_file_that_changes_by_a_byte_is_named_with_the_date_and_the_remedy(car, ending):
    for file in car.parent.glob(f"*{ending}"):
        before = file.read_bytes()
        appended(file)
        with pytest.raises(InputError) as refused:
            check_commissioned(load_car(car))
        said = str(refused.value)
        assert f" {file.name}: not as the car was commissioned on 2026-11-26" in said
        assert said.endswith(f"tianyuan check --car {car} --commission")
        assert "\n" not in said
        file.write_bytes(before)
    check_commissioned(load_car(car))


def test_a_dbc_file_that_is_left_out_or_added_is_a_change(car):
    text = car.read_text()
    dropped = next(file.name for file in car.parent.glob("*.dbc"))
    shutil.copy(car.parent / dropped, car.parent / "other.dbc")
    car.write_text(text.replace(f'"{dropped}"', '"other.dbc"'))
    with pytest.raises(InputError, match=f"mine.toml, .*other.dbc.*{dropped}|{dropped}.*other.dbc"):
        check_commissioned(load_car(car))


@pytest.mark.parametrize("text", ["", "[]", '{"date": 1}', '{"date": "x", "sha256": 3}', "\x00"])
def test_a_record_that_is_cut_or_altered_refuses_too(car, text):
    record_file(car).write_text(text)
    with pytest.raises(InputError, match="not the record of a commissioned car"):
        check_commissioned(load_car(car))


def test_commissioning_again_takes_the_files_as_they_are_now(car):
    appended(car)
    commission(load_car(car), "2026-11-27")
    check_commissioned(load_car(car))


def test_a_record_that_cannot_be_written_is_one_line(car):
    record_file(car).unlink()
    record_file(car).mkdir()
    with pytest.raises(InputError, match="cannot be written"):
        commission(load_car(car), "2026-11-26")
    with pytest.raises(InputError, match="cannot be read"):
        check_commissioned(load_car(car))
