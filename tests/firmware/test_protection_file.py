"""The car file's [protection]: what its keys mean, and what is refused in one line."""

from __future__ import annotations

import pytest

from tianyuan.control.errors import InputError
from tianyuan.dbc.codec import Protection, Window
from tianyuan.firmware.car_file import load_car
from tianyuan.firmware.car_messages import messages_of
from tianyuan.firmware.tables import wire
from tianyuan.firmware.wiring import protections

IDS = list(range(16))


def with_imu(car_with, **entry):
    return car_with(lambda document: document["protection"].update(IMU=entry))


def read(file):
    """The protection of the IMU's message, whose cycle is 4 ms."""
    car = load_car(file)
    return protections(car, [messages_of(car).named["IMU"]])["IMU"]


def refusal(file, verb=load_car):
    with pytest.raises(InputError) as caught:
        verb(file)
    said = str(caught.value)
    assert "\n" not in said
    assert said.startswith(f"{file}: ")
    return said.removeprefix(f"{file}: ")


def test_an_entry_of_old_is_profile_1_as_before_with_the_usual_window(car_with):
    found = read(with_imu(car_with, profile="P1", data_id=0x110))
    usual = Protection("P1", 0x110, "CRC", "Counter", 2, nibble="DataIDNibble")
    assert found == usual._replace(read_ns=4_000_000, window=Window())


def test_every_key_reaches_the_codec(car_with):
    found = read(
        with_imu(
            car_with, profile="P1", data_id=1, mode="NIBBLE", crc="A", counter="B", nibble="C",
            max_delta=3, sync=2, max_no_new=5, read_ms=0,
            window={
                "size": 20, "min_ok_init": 3, "max_error_init": 4, "min_ok_valid": 2,
                "max_error_valid": 5, "min_ok_invalid": 6, "max_error_invalid": 1,
            },
        )
    )  # fmt: skip
    assert found == Protection(
        "P1", 1, "A", "B", 3, "NIBBLE", (), "C", "", 0, None, 2, 5, 0, Window(20, 3, 4, 2, 5, 6, 1)
    )


@pytest.mark.parametrize(
    ("entry", "wanted"),
    [
        ({"profile": "P2", "data_ids": IDS}, {"data_ids": tuple(IDS)}),
        ({"profile": "P5", "data_id": 7}, {"data_id": 7}),
        ({"profile": "P11", "data_id": 7, "mode": "NIBBLE"}, {"data_id": 7, "mode": "NIBBLE"}),
        (
            {"profile": "counter", "counter_first": 1, "counter_last": 9},
            {"crc": "", "counter_first": 1, "counter_last": 9},
        ),
        (
            {"profile": "counter", "checksum": "xor", "crc": "Sum"},
            {"checksum": "xor", "crc": "Sum"},
        ),
    ],
)
def test_each_profile_has_its_keys(car_with, entry, wanted):
    found = read(with_imu(car_with, **entry))
    assert found.profile == entry["profile"]
    assert {key: getattr(found, key) for key in wanted} == wanted


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({}, "profile: missing; add it, one of P1, P2, P5, P11, counter"),
        ({"profile": "P7"}, "profile = 'P7': must be one of P1"),
        ({"profile": "P1"}, "data_id: missing; add it"),
        ({"profile": "P1", "data_id": 65536}, "data_id = 65536: input should be less"),
        ({"profile": "P1", "data_id": "1"}, "data_id = '1': input should be a valid integer"),
        ({"profile": "P1", "data_id": 1, "mode": "ALL"}, "mode = 'ALL': input should be 'both'"),
        ({"profile": "P11", "data_id": 1, "mode": "ALT"}, "mode = 'ALT'"),
        ({"profile": "P5", "data_id": 1, "mode": "BOTH"}, "mode: unknown key"),
        ({"profile": "P2", "data_ids": [1]}, "data_ids = [1]: list should have at least 16"),
        ({"profile": "P2", "data_ids": [256] * 16}, "data_ids.0 = 256"),
        ({"profile": "P2", "max_dleta": 1}, "max_dleta: unknown key; did you mean max_delta?"),
        ({"profile": "P1", "data_id": 1, "max_delta": 0}, "max_delta = 0"),
        ({"profile": "P1", "data_id": 1, "window": {"size": 63}}, "window.size = 63"),
        ({"profile": "P1", "data_id": 1, "window": {"min": 3}}, "window.min: unknown key"),
    ],
)  # fmt: skip
def test_a_wrong_entry_is_named_by_its_key(car_with, entry, says):
    assert refusal(with_imu(car_with, **entry)).startswith(f"protection.IMU.{says}")


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"profile": "P1", "data_id": 1, "max_delta": 15}, "max_delta 15: must be 1 to 14"),
        ({"profile": "P1", "data_id": 1, "crc": "CRCs"}, "signal CRCs: no such signal"),
        ({"profile": "P5", "data_id": 1}, "signal Counter: must be an unsigned integer of 8"),
        (
            {"profile": "counter", "checksum": "sum"},
            "checksum and crc go together",
        ),
        ({"profile": "counter", "checksum": "md5", "crc": "CRC"}, "checksum 'md5': must be one of"),
        (
            {"profile": "P1", "data_id": 1, "window": {"min_ok_valid": 2}},
            "min_ok: valid must ask for no more than init",
        ),
    ],
)
def test_what_the_message_cannot_have_is_refused_with_it(car_with, entry, says):
    file = with_imu(car_with, **entry)
    said = refusal(file, lambda file: wire(load_car(file)))
    assert said.startswith("protection.IMU: message IMU: ")
    assert says in said


def test_an_entry_that_is_no_table_is_refused(car_with):
    file = car_with(lambda document: document["protection"].update(IMU=3))
    assert refusal(file).startswith("protection.IMU")


def test_the_guard_takes_frame_by_frame(car_with):
    car = load_car(with_imu(car_with, profile="P1", data_id=0x110))
    assert protections(car, [messages_of(car).named["IMU"]], windowed=False)["IMU"].window is None
