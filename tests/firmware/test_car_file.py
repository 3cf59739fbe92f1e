"""A car file is believed only where every key is known, present, of its type and in bounds."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from tianyuan.control.errors import InputError
from tianyuan.control.parameters import PARAMETERS, Parameter, field_name
from tianyuan.control.records import CHANNEL_NAMES, COMMAND_NAMES, Controller
from tianyuan.firmware.car_file import load_car, params_of
from tianyuan.firmware.tables import shipped_cars

# Their bounds are tighter in company, which tests of their own show.
TOGETHER = {"wheelbase_m", "front_axle_m", "engine_speed_radps", "engine_torque_nm"} | {
    "engine_drag_nm",
}


def row_id(row: Parameter) -> str:
    return f"{row.section}.{row.name}"


def put(row: Parameter, value: object):
    wrapped = [value] if row.size else value
    return lambda document: document.setdefault(row.section, {}).update({row.name: wrapped})


def refusal(file: Path) -> str:
    with pytest.raises(InputError) as caught:
        load_car(file)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"{file}: ")
    return message.removeprefix(f"{file}: ")


@pytest.mark.parametrize("row", PARAMETERS, ids=row_id)
def test_a_value_beyond_its_bounds_is_refused_by_name(car_with, row):
    outside = (
        float(np.nextafter(row.minimum, -math.inf)),
        float(np.nextafter(row.maximum, math.inf)),
        math.nan,
        math.inf,
        -math.inf,
    )
    for value in outside:
        said = refusal(car_with(put(row, value)))
        assert said.startswith(row_id(row))
        assert repr(value) in said


@pytest.mark.parametrize("row", [row for row in PARAMETERS if row.name not in TOGETHER], ids=row_id)
def test_the_bounds_themselves_are_accepted(car_with, row):
    for value in (row.minimum, row.maximum):
        car = load_car(car_with(put(row, value)))
        assert params_of(car, Controller.STANLEY, 0.002)[field_name(row)][0].max() == value


@pytest.mark.parametrize("value", ["1100", True, [1100.0], {"kg": 1100.0}])
def test_a_number_of_another_type_is_refused(car_with, value):
    def edit(document):
        document["vehicle"]["mass_kg"] = value

    assert refusal(car_with(edit)).startswith("vehicle.mass_kg")


@pytest.mark.parametrize("row", [r for r in PARAMETERS if r.default is None], ids=row_id)
def test_a_parameter_without_default_must_be_said(car_with, row):
    said = refusal(car_with(lambda document: document[row.section].pop(row.name)))
    assert said == f"{row_id(row)}: missing; add it"


@pytest.mark.parametrize("section", ["car", "sensors", "commands"])
def test_a_table_must_be_there(car_with, section):
    assert refusal(car_with(lambda document: document.pop(section))).startswith(section)


@pytest.mark.parametrize(
    ("section", "key", "meant"),
    [
        ("vehicle", "mas_kg", "mass_kg"),
        ("limits", "upshift_rps", "upshift_radps"),
        ("sensors", "gnss_xm", "gnss_x_m"),
        ("commands", "break_bar", "brake_bar"),
        ("stanley", "k_1p", "k_1ps"),
    ],
)
def test_an_unknown_key_is_refused_with_the_one_that_was_meant(car_with, section, key, meant):
    def edit(document):
        document.setdefault(section, {})[key] = (
            "IMU.AccelX"
            if section == "sensors"
            else ("BRAKE_COMMAND.Pressure" if section == "commands" else 1.0)
        )

    said = refusal(car_with(edit))
    assert said.startswith(f"{section}.{key}: unknown")
    assert said.endswith(f"did you mean {meant}?")


@pytest.mark.parametrize("key", ["vehicel", "file", "parameters"])
def test_an_unknown_table_is_refused(car_with, key):
    said = refusal(car_with(lambda document: document.update({key: {"a": 1}})))
    assert said.startswith(f"{key}: unknown key")


@pytest.mark.parametrize("section", ["vehicle", "sensors", "car", "protection"])
def test_a_table_that_is_a_number_is_refused(car_with, section):
    assert refusal(car_with(lambda document: document.update({section: 3}))).startswith(section)


@pytest.mark.parametrize(
    ("text", "where"),
    [("[vehicle\n", "line 1"), ("a = 1\na = 2\n", "line 2"), ("x = \xff", "")],
)
def test_a_file_that_is_no_toml_is_refused_with_its_line(tmp_path, text, where):
    file = tmp_path / "car.toml"
    file.write_bytes(text.encode("latin-1"))
    assert where in refusal(file)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    assert refusal(tmp_path / "none.toml") == "no such file"
    refusal(tmp_path)


@pytest.mark.parametrize("name", ["engine_torque_nm", "engine_drag_nm"])
def test_the_engines_tables_are_as_long_as_its_speeds(car_with, name):
    said = refusal(car_with(lambda document: document["vehicle"][name].pop()))
    assert said.startswith(f"vehicle.{name}: 10 values for 11")


def test_the_engines_speeds_rise(car_with):
    def edit(document):
        document["vehicle"]["engine_speed_radps"][3] = 104.72

    assert refusal(car_with(edit)).startswith("vehicle.engine_speed_radps: not rising")


def test_the_centre_of_gravity_lies_between_the_axles(car_with):
    def edit(document):
        document["vehicle"]["front_axle_m"] = document["vehicle"]["wheelbase_m"]

    assert refusal(car_with(edit)).startswith("vehicle.front_axle_m")


@pytest.mark.parametrize("wired", ["IMU", "IMU.", ".AccelX", "IMU AccelX", "IMU.Accel-X", 3])
def test_a_signal_is_named_by_message_and_signal(car_with, wired):
    def edit(document):
        document["sensors"]["imu_ax_mps2"] = wired

    assert refusal(car_with(edit)).startswith("sensors.imu_ax_mps2")


@pytest.mark.parametrize("ratio", [0.0, math.nan, math.inf, "14"])
def test_a_ratio_is_finite_and_not_zero(car_with, ratio):
    def edit(document):
        document["sensors"]["steer_rad"] = {"signal": "STEERING_STATUS.Angle", "ratio": ratio}

    assert refusal(car_with(edit)).startswith("sensors.steer_rad.ratio")


def test_every_shipped_car_loads_under_its_name():
    cars = shipped_cars()
    assert "tianyuan" in cars
    for name, file in cars.items():
        car = load_car(file)
        assert car.name == name
        assert all(dbc.is_file() for dbc in car.dbc_files())


def test_the_shipped_car_has_every_channel(car):
    assert set(car.sensors) == set(CHANNEL_NAMES)
    assert set(car.commands) == set(COMMAND_NAMES)


def test_every_value_of_the_file_reaches_the_drivers_parameters(car):
    params = params_of(car, Controller.PURE_PURSUIT, 0.004)
    for row in PARAMETERS:
        value = np.atleast_1d(car.parameters[row.section][row.name])
        field = np.atleast_1d(params[field_name(row)][0])
        assert np.array_equal(field[: len(value)], value)
        assert not field[len(value) :].any()
    assert params.controller[0] == Controller.PURE_PURSUIT
    assert params.period_s[0] == 0.004


def test_a_dbc_file_beside_the_car_comes_before_the_shipped_one(car_with, car):
    file = car_with(lambda _: None)
    assert load_car(file).dbc_files() == car.dbc_files()
    beside = file.parent / "tianyuan.dbc"
    beside.write_bytes(car.dbc_files()[0].read_bytes())
    assert load_car(file).dbc_files() == [beside]
