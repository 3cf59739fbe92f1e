"""A car, as its one TOML file describes it.

``load_car`` reads the file and refuses, in one line, what it does not know or cannot
believe. The tables of parameters are checked against ``control/parameters.py``, the only
place where a parameter is described.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, Field, ValidationError, create_model

from tianyuan.control.errors import InputError
from tianyuan.control.parameters import PARAMETERS, PARAMS, Parameter, field_name
from tianyuan.control.records import CHANNEL_NAMES, CHANNELS, COMMAND_NAMES, Controller, record
from tianyuan.firmware.guard.records import GUARD_NAMES
from tianyuan.firmware.protection_file import PROFILES, STRICT, Guarded
from tianyuan.rooms import room


class _Strict(BaseModel):
    model_config = STRICT


class Signal(_Strict):
    """A channel's signal, ``MESSAGE.Signal``; the channel is the signal over ``ratio``."""

    signal: Annotated[str, Field(pattern=r"^[A-Za-z_]\w*\.[A-Za-z_]\w*$")]
    ratio: Annotated[float, Field(gt=0.0, allow_inf_nan=False)] = 1.0


class About(_Strict):
    """Which car this is, and the DBC files of its bus."""

    name: str
    dbc: Annotated[list[str], Field(min_length=1)]


class Car(_Strict):
    """One car file, checked. ``parameters`` holds the tables of numbers by section."""

    file: Path
    car: About
    sensors: dict[str, Signal]
    commands: dict[str, Signal]
    guard: dict[str, Signal] = {}
    protection: dict[str, Guarded] = {}
    parameters: dict[str, dict[str, Any]]

    @property
    def name(self) -> str:
        """The car's name."""
        return self.car.name

    def dbc_files(self) -> list[Path]:
        """The car's DBC files: beside the car's file, or shipped in the package."""
        return [_dbc_file(self.file, name) for name in self.car.dbc]


def _dbc_file(car_file: Path, name: str) -> Path:
    beside = car_file.parent / name
    shipped = room("dbc") / name
    found = beside if beside.is_file() or not shipped.is_file() else shipped
    if not found.is_file():
        raise InputError(f"{car_file}: car.dbc: no file {name} beside it, nor in the package")
    return found


def _number(parameter: Parameter) -> Any:
    bounded = Annotated[
        float, Field(ge=parameter.minimum, le=parameter.maximum, allow_inf_nan=False)
    ]
    if not parameter.size:
        return bounded
    return Annotated[list[bounded], Field(min_length=1, max_length=parameter.size)]


@cache
def _section_model(section: str) -> type[BaseModel]:
    rows = [parameter for parameter in PARAMETERS if parameter.section == section]
    fields: dict[str, Any] = {
        row.name: (
            _number(row),
            Field(... if row.default is None else row.default, description=row.meaning),
        )
        for row in rows
    }
    return create_model(f"Section_{section}", __base__=_Strict, **fields)


SECTIONS = tuple(dict.fromkeys(parameter.section for parameter in PARAMETERS))
TABLES = ("car", "sensors", "commands", "guard", "protection", *SECTIONS)


def _shape_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """The file's top-level tables, with those of parameters gathered under one name."""
    outer = {key: value for key, value in document.items() if key not in SECTIONS}
    inner = {}
    for section in SECTIONS:
        # A number in the table of a section that has none of its own is pydantic's to refuse.
        inner[section] = document.get(section, {})
    return outer | {"parameters": inner}


def _suggestion(key: str, known: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(key, known, n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _known_keys(location: tuple[Any, ...]) -> tuple[str, ...]:
    if location[0] in SECTIONS:
        return tuple(_section_model(str(location[0])).model_fields)
    return ()


def _one_line(
    file: Path,
    error: ValidationError,
    prefix: tuple[str, ...] = (),
    known: tuple[str, ...] = (),
) -> InputError:
    # An unknown key explains the missing one that it was meant to be.
    first = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
    location = prefix + first["loc"]
    where = ".".join(str(part) for part in location)
    if first["type"] == "extra_forbidden":
        hint = _suggestion(str(location[-1]), known or _known_keys(location))
        return InputError(f"{file}: {where}: unknown key{hint}")
    if first["type"] == "missing":
        return InputError(f"{file}: {where}: missing; add it")
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return InputError(f"{file}: {where} = {first['input']!r}: {first['msg'].lower()}{more}")


def _check_tables(file: Path, document: Mapping[str, Any]) -> None:
    for key in document:
        if key not in TABLES:
            raise InputError(f"{file}: {key}: unknown key{_suggestion(key, TABLES)}")


def _check_channels(file: Path, table: str, named: Mapping[str, Signal], known: tuple) -> None:
    for channel in named:
        if channel not in known:
            hint = _suggestion(channel, known)
            raise InputError(f"{file}: {table}.{channel}: unknown channel{hint}")


def _signals(document: Mapping[str, Any], table: str) -> dict[str, Any]:
    """``channel = "MESSAGE.Signal"`` is short for ``channel = {signal = "MESSAGE.Signal"}``."""
    named = document[table]
    if not isinstance(named, dict):
        return named
    return {
        channel: {"signal": value} if isinstance(value, str) else value
        for channel, value in named.items()
    }


def _protection(file: Path, table: Any) -> Any:
    """The entries of [protection], each checked by the model of its profile."""
    if not isinstance(table, dict):
        return table
    checked = {}
    for name, entry in table.items():
        where = f"{file}: protection.{name}"
        if not isinstance(entry, dict):
            raise InputError(f"{where} = {entry!r}: must be a table of its profile and keys")
        profile, known = entry.get("profile"), f"one of {', '.join(PROFILES)}"
        if profile is None:
            raise InputError(f"{where}.profile: missing; add it, {known}")
        if not isinstance(profile, str) or profile not in PROFILES:
            raise InputError(f"{where}.profile = {profile!r}: must be {known}")
        model = PROFILES[profile]
        try:
            checked[name] = model.model_validate(entry)
        except ValidationError as error:
            keys = tuple(model.model_fields)
            raise _one_line(file, error, ("protection", name), keys) from None
    return checked


def read_toml(file: Path) -> dict[str, Any]:
    """A TOML file's document; an InputError says what is wrong with the file, and where."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{file}: no such file") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{file}: {error}") from None


def load_car(file: Path) -> Car:
    """Read and check a car file.

    Raises InputError naming file, key, value and remedy. The DBC files that it names are
    not opened here (``tables.py`` does).
    """
    document = read_toml(file)
    _check_tables(file, document)
    document = _shape_of(document)
    wired = [table for table in ("sensors", "commands", "guard") if table in document]
    document |= {table: _signals(document, table) for table in wired}
    if "protection" in document:
        document["protection"] = _protection(file, document["protection"])
    sections = {}
    for section, table in document["parameters"].items():
        try:
            sections[section] = _section_model(section).model_validate(table).model_dump()
        except ValidationError as error:
            raise _one_line(file, error, (section,)) from None
    try:
        car = Car.model_validate(document | {"parameters": sections, "file": file})
    except ValidationError as error:
        raise _one_line(file, error) from None
    _check_channels(file, "sensors", car.sensors, CHANNEL_NAMES)
    _check_channels(file, "commands", car.commands, COMMAND_NAMES)
    _check_channels(file, "guard", car.guard, GUARD_NAMES)
    _check_guard(car)
    _check_engine(car)
    return car


def _check_guard(car: Car) -> None:
    """A guard and those who need its permit know of each other."""
    if not car.guard and "permit" not in car.sensors:
        return
    needs = {
        "guard.permit": "permit" in car.guard,
        "sensors.permit": "permit" in car.sensors,
        "commands.mode": "mode" in car.commands,
        "sensors.wheel_rl_mps": any(name in car.sensors for name in CHANNELS["wheels"]),
    }
    for key, given in needs.items():
        if not given:
            raise InputError(
                f"{car.file}: {key}: missing; a car with a guard needs it, "
                "one without has neither [guard] nor sensors.permit"
            )


def _check_engine(car: Car) -> None:
    """The engine's tables go together: same length, rising speed."""
    vehicle = car.parameters["vehicle"]
    speeds = vehicle["engine_speed_radps"]
    for name in ("engine_torque_nm", "engine_drag_nm"):
        if len(vehicle[name]) != len(speeds):
            raise InputError(
                f"{car.file}: vehicle.{name}: {len(vehicle[name])} values for "
                f"{len(speeds)} engine speeds; give one a speed"
            )
    if any(after <= before for before, after in pairwise(speeds)):
        raise InputError(f"{car.file}: vehicle.engine_speed_radps: not rising; sort the table")
    if vehicle["front_axle_m"] >= vehicle["wheelbase_m"]:
        raise InputError(
            f"{car.file}: vehicle.front_axle_m = {vehicle['front_axle_m']}: not less than the "
            f"wheelbase of {vehicle['wheelbase_m']} m"
        )


def params_of(car: Car, controller: Controller, period_s: float) -> np.recarray:
    """The PARAMS record of a car; the fields of the path and the slip tables are still zero."""
    params = record(PARAMS)
    for parameter in PARAMETERS:
        value = car.parameters[parameter.section][parameter.name]
        if parameter.size:
            padded = np.zeros(parameter.size)
            padded[: len(value)] = value
            value = padded
        params[field_name(parameter)][0] = value
    params.controller[0] = int(controller)
    params.period_s[0] = period_s
    return params
