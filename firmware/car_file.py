"""A car, as its one TOML file describes it.

``load_car`` reads the file and refuses, in one line, what it does not know or cannot
believe; ``examine`` finds all of that at once. The tables of parameters are checked against
``control/parameters.py``, the only place where a parameter is described.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from tianyuan.control.errors import InputError
from tianyuan.control.parameters import PARAMETERS, PARAMS, field_name
from tianyuan.control.records import (
    CHANNEL_NAMES,
    CHANNELS,
    COMMAND_NAMES,
    GROUPS,
    Controller,
    record,
)
from tianyuan.firmware import car_entries
from tianyuan.firmware.car_entries import suggestion
from tianyuan.firmware.car_shape import (
    BY_SIGNAL,
    NAMED,
    SECTIONS,
    TABLES,
    WIRED,
    About,
    Bus,
    Car,
    Times,
    section_model,
    valid_part,
)
from tianyuan.firmware.guard.records import GUARD_NAMES
from tianyuan.firmware.host_record import MOST_BUSES
from tianyuan.firmware.timing import limit_s

__all__ = ["Car", "changed", "examine", "load_car", "params_of", "read_toml"]

READERS: Final[dict[str, Callable[[Any, str, list[str]], Any]]] = {
    "buses": partial(car_entries.model, Bus),
    "protection": car_entries.protection,
    "messages": partial(car_entries.model, Times),
}
KNOWN: Final = {"sensors": CHANNEL_NAMES, "commands": COMMAND_NAMES, "guard": GUARD_NAMES}


class Examined(NamedTuple):
    """What could be read of a car file, and all that is wrong with it, a line each.

    A mistaken entry is left out of ``car``, and a mistaken parameter is its default there.
    """

    car: Car
    mistakes: list[str]


def read_toml(file: Path) -> dict[str, Any]:
    """A TOML file's document; an InputError says what is wrong with the file, and where."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{file}: no such file") from None
    except UnicodeDecodeError:
        raise InputError(f"{file}: no text in UTF-8; give a TOML file") from None
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{file}: {error}") from None


def load_car(file: Path, changes: Mapping[str, Any] | None = None) -> Car:
    """Read and check a car file, with ``changes`` to its tables if there are any.

    Raises InputError naming file, key, value and remedy. The DBC files that it names are
    not opened here (``wiring.py`` does).
    """
    examined = examine(file, changes)
    if examined.mistakes:
        raise InputError(f"{file}: {examined.mistakes[0]}")
    return examined.car


def changed(document: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A document with some keys of its tables replaced or added."""
    made = dict(document)
    for key, value in changes.items():
        before = made.get(key)
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            made[key] = changed(before, value)
        else:
            made[key] = value
    return made


def examine(file: Path, changes: Mapping[str, Any] | None = None) -> Examined:
    """Read a car file and find every mistake in it; raises InputError if it is no TOML file."""
    document = changed(read_toml(file), changes or {})
    mistakes = [
        f"{key}: unknown key{suggestion(key, TABLES)}" for key in document if key not in TABLES
    ]
    tables = {name: _table(document, name, mistakes) for name in TABLES}
    about = car_entries.model(About, tables["car"], "car", mistakes) if "car" in document else None
    sections: dict[str, dict[str, Any]] = {}
    for section in SECTIONS:
        made = car_entries.model(section_model(section), tables[section], section, mistakes)
        sections[section] = (
            valid_part(section, tables[section]) if made is None else made.model_dump()
        )
        if section == "vehicle" and made is not None:
            mistakes.extend(_engine_mistakes(sections[section]))
    entries: dict[str, Any] = {
        **{name: _wired(name, tables[name], mistakes) for name in WIRED},
        **{name: _named(name, tables[name], mistakes) for name in NAMED},
        **{name: car_entries.by_signal(name, tables[name], mistakes) for name in BY_SIGNAL},
    }
    entries |= {"file": file, "parameters": sections}
    entries["car"] = about or About.model_construct(name=file.stem)
    car = Car.model_construct(None, **entries)
    if not 1 <= len(tables["buses"]) <= MOST_BUSES and "buses" in document:
        mistakes.append(f"buses: {len(tables['buses'])} buses; 1 to {MOST_BUSES} can be")
    mistakes.extend(_guard_mistakes(car, tables))
    return Examined(car, mistakes)


def _table(document: Mapping[str, Any], name: str, mistakes: list[str]) -> dict[str, Any]:
    """A table of the file, empty where it is none."""
    if name not in document and name in ("car", "buses", "sensors", "commands"):
        mistakes.append(f"{name}: missing; add it")
    found = document.get(name, {})
    if not isinstance(found, dict):
        mistakes.append(f"{name} = {found!r}: must be a table; write [{name}]")
        return {}
    return found


def _wired(table: str, entries: Mapping[str, Any], mistakes: list[str]) -> dict[str, Any]:
    """The signals of [sensors], [commands] or [guard], by channel."""
    made: dict[str, Any] = {}
    for channel, value in entries.items():
        where = f"{table}.{channel}"
        if channel not in KNOWN[table]:
            hint = suggestion(channel, KNOWN[table])
            mistakes.append(f"{where}: unknown channel{hint}")
            continue
        several = table == "commands"
        read = car_entries.signals if several else car_entries.signal
        if found := read(value, where, mistakes):
            made[channel] = found
    return made


def _named(table: str, entries: Mapping[str, Any], mistakes: list[str]) -> dict[str, Any]:
    """The entries of [buses] by bus, of [protection] or [messages] by message."""
    read = READERS[table]
    found = {name: read(value, f"{table}.{name}", mistakes) for name, value in entries.items()}
    return {name: made for name, made in found.items() if made is not None}


def _guard_mistakes(car: Car, tables: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """A guard and those who need its permit know of each other."""
    if not tables["guard"] and "permit" not in tables["sensors"]:
        return
    needs = {
        "guard.permit": "permit" in tables["guard"],
        "sensors.permit": "permit" in tables["sensors"],
        "commands.mode": "mode" in tables["commands"],
        "sensors.wheel_rl_mps": any(name in tables["sensors"] for name in CHANNELS["wheels"]),
    }
    for key, given in needs.items():
        if not given:
            yield (
                f"{key}: missing; a car with a guard needs it, "
                "one without has neither [guard] nor sensors.permit"
            )


def _engine_mistakes(vehicle: Mapping[str, Any]) -> Iterator[str]:
    """The engine's tables go together: same length, rising speed."""
    speeds = vehicle["engine_speed_radps"]
    for name in ("engine_torque_nm", "engine_drag_nm"):
        if len(vehicle[name]) != len(speeds):
            yield (
                f"vehicle.{name}: {len(vehicle[name])} values for "
                f"{len(speeds)} engine speeds; give one a speed"
            )
    if any(after <= before for before, after in pairwise(speeds)):
        yield "vehicle.engine_speed_radps: not rising; sort the table"
    if vehicle["front_axle_m"] >= vehicle["wheelbase_m"]:
        yield (
            f"vehicle.front_axle_m = {vehicle['front_axle_m']}: not less than the "
            f"wheelbase of {vehicle['wheelbase_m']} m; measure it from the front axle"
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
    for place, group in enumerate(GROUPS):
        params.stale_s[0, place] = limit_s(car, group)
    params.controller[0] = int(controller)
    params.period_s[0] = period_s
    return params
