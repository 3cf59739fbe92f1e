"""A run's card: the resolved configuration beside its log, so that the log replays anywhere."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tianyuan import __version__
from tianyuan.control import records
from tianyuan.control.errors import InputError
from tianyuan.control.records import PATH, Controller
from tianyuan.firmware.car_file import Car, load_car


class Card(NamedTuple):
    """What a run was configured with. ``digest`` covers all the rest."""

    car: Car
    path: np.recarray
    controller: Controller
    rate_hz: int
    digest: str


def card_file(log: Path) -> Path:
    """The card's name beside the log."""
    return log.with_name(log.name + ".run.json")


def _document(car: Car, path: np.ndarray, controller: Controller, rate_hz: int) -> dict[str, Any]:
    return {
        "tianyuan": __version__,
        "car": car.file.read_text(encoding="utf-8"),
        "dbc": [file.read_bytes().decode("latin-1") for file in car.dbc_files()],
        "controller": controller.name,
        "rate_hz": rate_hz,
        "path": {name: path[name].tolist() for name in PATH.names or ()},
    }


def _digest(document: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def write_card(log: Path, car: Car, path: np.ndarray, controller: Controller, rate_hz: int) -> Path:
    """Write the card of a log; floats are written so that they read back to the same bits.

    Raises InputError where the card cannot be written.
    """
    document = _document(car, path, controller, rate_hz)
    file = card_file(log)
    text = json.dumps(document | {"digest": _digest(document)})
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{file}: cannot be written: {error.strerror}") from None
    return file


def _car_of(document: dict[str, Any], folder: Path) -> Car:
    names = [f"{number}.dbc" for number in range(len(document["dbc"]))]
    for name, text in zip(names, document["dbc"], strict=True):
        (folder / name).write_bytes(text.encode("latin-1"))
    file = folder / "car.toml"
    file.write_text(document["car"], encoding="utf-8")
    car = load_car(file)
    unpacked = iter(names)
    buses = {
        name: bus.model_copy(update={"dbc": [next(unpacked) for _ in bus.dbc]})
        for name, bus in car.buses.items()
    }
    return car.model_copy(update={"buses": buses})


def read_card(log: Path, folder: Path) -> Card:
    """Read the card of a log; raises InputError where it is missing, cut or altered.

    The car's own files are unpacked into ``folder``, which must outlive the card.
    """
    file = card_file(log)
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        digest = document.pop("digest")
    except FileNotFoundError:
        raise InputError(f"{file}: no such file; a replay needs the card of its run") from None
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InputError(f"{file}: not a run's card") from None
    if digest != _digest(document):
        raise InputError(f"{file}: altered since the run: its digest does not match")
    columns = document["path"]
    path = records.path(len(columns["s_m"]))
    for name, values in columns.items():
        path[name] = values
    return Card(
        _car_of(document, folder),
        path,
        Controller[document["controller"]],
        int(document["rate_hz"]),
        digest,
    )
