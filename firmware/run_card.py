"""A run's card: the resolved configuration beside its log, so that the log replays anywhere."""

from __future__ import annotations

import datetime
import hashlib
import json
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import numpy as np

from tianyuan import __version__
from tianyuan.control import records
from tianyuan.control.errors import InputError
from tianyuan.control.records import PATH, Controller
from tianyuan.firmware.car_file import Car, load_car
from tianyuan.firmware.log_file import card_file, ending_of, parts


class Card(NamedTuple):
    """What a run was configured with. ``digest`` covers all the rest."""

    car: Car
    path: np.recarray
    controller: Controller
    rate_hz: int
    digest: str
    wall_ns: int = 0  # of the log's times, less those that the ticks saw
    versions: Mapping[str, str] = MappingProxyType({})  # of what ran, by name


VERSIONS: Final = ("llvmlite", "numba", "numpy")


def versions() -> dict[str, str]:
    """Of the package, of Python, and of what makes machine code of it, by name."""
    packages = {name: version(name) for name in VERSIONS}
    return {"tianyuan": __version__, "python": platform.python_version(), **packages}


def _document(car: Car, path: np.ndarray, controller: Controller, rate_hz: int) -> dict[str, Any]:
    return {
        "tianyuan": __version__,
        "python": platform.python_version(),
        "packages": {name: version(name) for name in VERSIONS},
        "car": car.file.read_text(encoding="utf-8"),
        "dbc": [file.read_bytes().decode("latin-1") for file in car.dbc_files()],
        "controller": controller.name,
        "rate_hz": rate_hz,
        "path": {name: path[name].tolist() for name in PATH.names or ()},
    }


def _digest(document: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def write_card(
    log: Path, car: Car, path: np.ndarray, controller: Controller, rate_hz: int, wall_ns: int = 0
) -> Path:
    """Write the card of a log; floats are written so that they read back to the same bits.

    ``wall_ns`` is what the log's times are later than those of the ticks. Raises InputError
    where the card cannot be written.
    """
    document = _document(car, path, controller, rate_hz) | {
        "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"),
        "wall_ns": wall_ns,
    }
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


def _inside(log: Path) -> bytes | None:
    """The card that an MF4 log has inside, for one that was moved without the file beside it."""
    first = parts(log)[0]
    if card_file(log).exists() or ending_of(log) != ".mf4" or not first.exists():
        return None  # most logs, for which asammdf is not worth the half second of its import
    from tianyuan.firmware.recording.mf4 import card_in  # noqa: PLC0415

    return card_in(first)


def has_card(log: Path) -> bool:
    """Whether a log is one of ours: it has a card, which need not be right."""
    return card_file(log).exists() or _inside(log) is not None


def read_card(log: Path, folder: Path) -> Card:
    """Read the card of a log, beside it or, of an MF4, inside.

    Raises InputError where it is missing, cut or altered. The car's own files are unpacked
    into ``folder``, which must outlive the card.
    """
    file, inside = card_file(log), _inside(log)
    try:
        document = json.loads(file.read_bytes() if inside is None else inside)
        digest = document.pop("digest")
    except FileNotFoundError:
        raise InputError(
            f"{file}: no such file; it is the card of a log of `tianyuan drive`: keep it beside it"
        ) from None
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InputError(f"{file}: not a run's card, or cut off; copy it again") from None
    if digest != _digest(document):
        raise InputError(f"{file}: altered since the run: its digest does not match")
    try:
        return _card_of(document, digest, folder)
    except InputError as error:
        what = str(error).replace(f"{folder}/", "its ")
    except (
        LookupError, ArithmeticError, ValueError, TypeError, AttributeError, StopIteration,
    ) as error:  # fmt: skip
        what = f"{type(error).__name__}: {error}"
    raise InputError(
        f"{file}: not a card as TianYuan {__version__} writes it ({what}); it is of "
        f"{document.get('tianyuan', 'an unknown version')}: use that version"
    )


def _card_of(document: dict[str, Any], digest: str, folder: Path) -> Card:
    columns = document["path"]
    if set(columns) != set(PATH.names or ()):
        raise ValueError(f"a line of {', '.join(sorted(columns))}")
    path = records.path(len(columns["s_m"]))
    for name, values in columns.items():
        path[name] = values
    if 1_000_000_000 % int(document["rate_hz"]):
        raise ValueError(f"rate_hz {document['rate_hz']}")
    return Card(
        _car_of(document, folder),
        path,
        Controller[document["controller"]],
        int(document["rate_hz"]),
        digest,
        int(document.get("wall_ns", 0)),
        {name: document[name] for name in ("tianyuan", "python") if name in document}
        | document.get("packages", {}),
    )
