"""Units: what DBC files write, against the numbers of physics."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest

from tianyuan.control.records import CHANNEL_NAMES, COMMAND_NAMES
from tianyuan.dbc.errors import DbcError
from tianyuan.dbc.read import read_all
from tianyuan.dbc.units import SUFFIXES, channel_unit, conversion

DEG = math.pi / 180
KNOWN = {
    "m/s": {"km/h": 1 / 3.6, "kph": 1 / 3.6, "kmph": 1 / 3.6, "Km/h": 1 / 3.6, "KPH": 1 / 3.6}
    | {
        "mph": 0.44704,
        "m/s": 1,
        "mps": 1,
        "m/sec": 1,
        "m.s-1": 1,
        "Unit_KiloMeterPerHour": 1 / 3.6,
    },
    "m/s^2": {"m/s^2": 1, "m/s2": 1, "m/s²": 1, "m/s/s": 1, "m.s-2": 1, "mps2": 1, "m/sec^2": 1}
    | {"g": 9.80665, "G": 9.80665, "mG": 0.00980665},
    "rad": {"deg": DEG, "°": DEG, "degrees": DEG, "Degrees": DEG, "rad": 1, "mrad": 1e-3},
    "rad/s": {"deg/s": DEG, "deg/sec": DEG, "°/s": DEG, "degrees/second": DEG, "rad.s-1": 1}
    | {"rpm": math.tau / 60, "RPM": math.tau / 60, "1/min": math.tau / 60, "U/min": math.tau / 60},
    "": {"%": 0.01, "percent": 0.01, "Percent": 0.01, "%-pedal": 0.01, "": 1, "-": 1, "1": 1}
    | {"unitless": 1, "Enum": 1, "Bool": 1, "m/m": 1, "__F__": 1, "LA": 1, "ratio": 1},
    "bar": {"bar": 1, "Bar": 1, "kPa": 0.01, "mbar": 1e-3, "mBar": 1e-3, "psi": 0.0689475729317}
    | {"hPa": 1e-3, "Pa": 1e-5, "MPa": 10},
    "N*m": {"Nm": 1, "N*m": 1, "kN*m": 1000},
    "N": {"N": 1, "kN": 1000},
    "m": {"m": 1, "mm": 1e-3, "cm": 0.01, "km": 1000, "meter": 1},
    "s": {"s": 1, "ms": 1e-3, "µs": 1e-6, "us": 1e-6, "min": 60, "h": 3600},
    "kg": {"kg": 1, "g": 1e-3, "metric ton": 1000},
}
CASES = [(unit, to, factor) for to, units in KNOWN.items() for unit, factor in units.items()]


@pytest.mark.parametrize(("unit", "to", "factor"), CASES)
def test_a_unit_converts_by_its_definition(unit, to, factor):
    assert conversion(unit, to) == (pytest.approx(factor, rel=1e-12), 0.0)


@pytest.mark.parametrize("unit", ["degC", "°C", "deg C", "Degrees C", "C"])
def test_a_temperature_has_an_offset(unit):
    assert conversion(unit, "K") == (1.0, 273.15)
    assert conversion(unit, "degC") == (1.0, 0.0)


def test_a_percentage_is_a_hundredth_to_the_last_bit():
    assert conversion("%", "") == (0.01, 0.0)
    assert conversion("kPa", "bar") == (0.01, 0.0)
    assert conversion(None, "") == (1.0, 0.0)


@pytest.mark.parametrize(
    ("unit", "to"),
    [
        ("", "rad"),
        ("", "m/s"),
        ("deg", ""),
        ("1/s", "rad/s"),
        ("Hz", "rad/s"),
        ("bar", "m"),
        ("%", "bar"),
        ("rps", "rad/s"),
        ("grad/s", "rad/s"),
        ("pix/sec", "rad/s"),
        ("'", "rad"),
        ("(", "m"),
        ("Fahrvergnügen", "m"),
        ("1/0", "m"),
        ("m**m", "m"),
    ],
)
def test_a_unit_that_does_not_fit_is_refused_with_its_channel(unit, to):
    with pytest.raises(DbcError) as caught:
        conversion(unit, to, "steer_rad")
    assert repr(unit) in str(caught.value)
    assert "steer_rad" in str(caught.value)
    assert "\n" not in str(caught.value)


# Of other quantities than a driver's, of two meanings, or broken by an encoding.
NOT_OURS = {"'", "dBm", "l", "m/s^3", "rps", "µT", "\ufffd", "A", "V", "mV", "MB"}


@pytest.mark.parametrize("folder", ["iac", "fs_ai", "new_eagle", "sbg", "oscc", "css"])
def test_every_unit_of_the_published_cars_is_known_or_named_here(shared_data, folder):
    for file in sorted((shared_data / "dbc" / folder).glob("*.dbc")):
        messages, _ = read_all(file)
        for unit in {signal.unit for message in messages for signal in message.signals}:
            if unit in NOT_OURS:
                continue
            assert any(converts(unit, to) for to in ("", "degC", *SUFFIXES.values())), unit


def converts(unit, to):
    try:
        conversion(unit, to)
    except DbcError:
        return False
    return True


def test_a_channels_name_says_its_unit():
    assert channel_unit("imu_ax_mps2") == "m/s^2"
    assert channel_unit("engine_speed_radps") == "rad/s"
    assert channel_unit("brake_front_bar") == "bar"
    assert channel_unit("throttle") == channel_unit("steer_fault") == channel_unit("s") == ""


def test_the_drivers_channels_all_have_the_unit_of_their_end():
    for name in (*CHANNEL_NAMES, *COMMAND_NAMES):
        unit = channel_unit(name)
        assert conversion(unit, unit, name) == (1.0, 0.0)


def test_pint_is_loaded_only_when_a_unit_is_converted():
    code = (
        "import sys, tianyuan.dbc.units as u; u.conversion('m', 'm'); print('pint' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
