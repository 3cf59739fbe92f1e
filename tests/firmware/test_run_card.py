"""A run's card brings back exactly what drove, or nothing at all."""

from __future__ import annotations

import json

import numba
import numpy as np
import pytest

from tianyuan.control.errors import InputError
from tianyuan.control.records import Controller
from tianyuan.firmware.car_file import load_car
from tianyuan.firmware.log_file import card_file, card_text, copy_card
from tianyuan.firmware.recording.formats import open_log_file
from tianyuan.firmware.run_card import _digest, read_card, write_card
from tianyuan.firmware.tables import wire


@pytest.fixture
def log(tmp_path, car, circle):
    file = tmp_path / "run.blf"
    write_card(file, car, circle, Controller.PURE_PURSUIT, 250)
    return file


def refusal(log, tmp_path) -> str:
    with pytest.raises(InputError) as caught:
        read_card(log, tmp_path)
    message = str(caught.value)
    assert str(card_file(log)) in message
    assert "\n" not in message
    return message


def test_a_card_comes_back_bit_for_bit(log, tmp_path, car):
    card = read_card(log, tmp_path)
    assert card.car.parameters == car.parameters
    assert (card.car.sensors, card.car.commands) == (car.sensors, car.commands)
    assert card.car.protection == car.protection
    assert (card.controller, card.rate_hz) == (Controller.PURE_PURSUIT, 250)
    assert wire(card.car).sensors.initial.tobytes() == wire(car).sensors.initial.tobytes()


def test_every_float_of_the_line_comes_back_bit_for_bit(tmp_path, car, circle):
    count = circle.nbytes // 8
    bits = np.random.default_rng(1).integers(0, 2**63, count, dtype=np.int64)
    values = bits.view(np.float64)
    values[~np.isfinite(values)] = 5e-324
    path = values.view(circle.dtype).view(np.recarray)
    log = tmp_path / "run.blf"
    write_card(log, car, path, Controller.STANLEY, 500)
    assert read_card(log, tmp_path).path.tobytes() == path.tobytes()


def test_a_card_tells_what_ran_and_when(tmp_path, car, circle):
    log = tmp_path / "run.blf"
    write_card(log, car, circle, Controller.STANLEY, 500, 1_700_000_000_123_456_789)
    card = read_card(log, tmp_path)
    assert card.wall_ns == 1_700_000_000_123_456_789
    assert {"tianyuan", "python", "numba", "numpy", "llvmlite"} <= set(card.versions)
    assert card.versions["numba"] == numba.__version__
    assert "started" in json.loads(card_file(log).read_text())


def test_an_mf4_that_was_moved_alone_brings_its_card_along(tmp_path, car, circle):
    log, moved = tmp_path / "run.mf4", tmp_path / "moved.mf4"
    write_card(log, car, circle, Controller.STANLEY, 500)
    open_log_file(log, card_text(log)).close()
    log.rename(moved)
    card = read_card(moved, tmp_path)
    assert card.path.tobytes() == circle.tobytes()
    assert card.car.parameters == car.parameters


def test_a_log_followed_from_outside_gets_the_card_of_its_ring(tmp_path, log):
    copy_card(log, tmp_path / "mine.blf")
    assert card_text(tmp_path / "mine.blf") == card_text(log)
    copy_card(tmp_path / "none.ring", tmp_path / "other.blf")
    assert card_text(tmp_path / "other.blf") is None


@pytest.mark.parametrize("key", ["car", "dbc", "controller", "rate_hz", "path", "tianyuan"])
def test_an_altered_card_is_refused(log, tmp_path, key):
    document = json.loads(card_file(log).read_text())
    if key == "path":
        document["path"]["x_m"][7] = np.nextafter(document["path"]["x_m"][7], 9)
    else:
        document[key] = 1 if key == "rate_hz" else "x"
    card_file(log).write_text(json.dumps(document))
    assert "altered" in refusal(log, tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "3", '"digest"', "{}", "{", "null", "\x80"])
def test_what_is_no_card_is_refused(log, tmp_path, text):
    card_file(log).write_bytes(text.encode("latin-1"))
    refusal(log, tmp_path)


def test_a_missing_card_and_a_folder_are_refused(tmp_path):
    assert "no such file" in refusal(tmp_path / "run.blf", tmp_path)
    card_file(tmp_path / "other.blf").mkdir()
    refusal(tmp_path / "other.blf", tmp_path)


def test_a_card_that_cannot_be_written_is_refused(tmp_path, car, circle):
    with pytest.raises(InputError) as caught:
        write_card(tmp_path / "none" / "run.blf", car, circle, Controller.STANLEY, 500)
    assert str(tmp_path / "none") in str(caught.value)


def test_a_card_holds_the_car_s_own_dbc_files_wherever_they_were(car_with, tmp_path, car, circle):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    text = car.dbc_files()[0].read_text()
    (tmp_path / "a" / "bus.dbc").write_text(text)
    (tmp_path / "b" / "bus.dbc").write_text('VERSION ""\n\nBU_: A\n\nBO_ 5 OTHER: 8 A\n')
    made = load_car(
        car_with(lambda document: document["buses"]["car"].update(dbc=["a/bus.dbc", "b/bus.dbc"]))
    )
    write_card(tmp_path / "run.blf", made, circle, Controller.STANLEY, 500)
    (tmp_path / "a" / "bus.dbc").unlink()
    (tmp_path / "elsewhere").mkdir()
    card = read_card(tmp_path / "run.blf", tmp_path / "elsewhere")
    assert next(file.read_bytes() for file in card.car.dbc_files()) == text.encode()
    wire(card.car)


@pytest.mark.parametrize(
    "change",
    [
        {"path": None},
        {"path": {"s_m": [0.0, 1.0]}},
        {"controller": "MPC"},
        {"rate_hz": 0},
        {"rate_hz": "fast"},
        {"dbc": []},
        {"car": "speed_limit = 3"},
        {"car": None},
    ],
)
def test_the_card_of_another_version_is_refused_with_its_version(log, tmp_path, change):
    document = json.loads(card_file(log).read_text()) | {"tianyuan": "9.9.9"} | change
    document = {name: value for name, value in document.items() if value is not None}
    document["digest"] = _digest({k: v for k, v in document.items() if k != "digest"})
    card_file(log).write_text(json.dumps(document))

    message = refusal(log, tmp_path)

    assert "it is of 9.9.9" in message
    assert str(tmp_path / "car.toml") not in message
