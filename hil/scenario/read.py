"""From the names people type to scenarios: shipped ones, files, or all in a folder."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from tianyuan.control.errors import InputError
from tianyuan.firmware.car_file import read_toml
from tianyuan.hil.scenario.model import Scenario
from tianyuan.rooms import room

REMEDIES: Final = {
    "missing": "missing; add it",
    "extra_forbidden": "unknown key",
}


def shipped() -> dict[str, Path]:
    """The scenarios that come with the rig, by name."""
    return {file.stem: file for file in sorted((room("hil") / "scenarios").glob("*.toml"))}


def files(named: Iterable[str]) -> list[Path]:
    """The files that the names stand for, each once. Raises InputError."""
    return list(dict.fromkeys(file for name in named for file in _files(name)))


def _files(name: str) -> list[Path]:
    if name in (known := shipped()):
        return [known[name]]
    place = Path(name)
    if place.is_dir():
        found = sorted(place.glob("*.toml"))
        if not found:
            raise InputError(f"scenario {name}: no .toml file in this folder")
        return found
    if place.is_file():
        return [place]
    if place.suffix or len(place.parts) > 1:
        raise InputError(f"scenario {name}: no such file or folder")
    if name == "all":
        return list(known.values())
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]}?" if close else "give a file, or all for all that are"
    raise InputError(f"scenario {name!r}: not shipped; {hint}")


def load(file: str | Path) -> Scenario:
    """The scenario of a file; raises InputError naming file, key and remedy."""
    place = Path(file)
    return scenario_of({"name": place.stem} | read_toml(place), str(file))


def scenario_of(document: dict[str, Any], where: str) -> Scenario:
    """The scenario of a document; ``where`` is what an InputError calls it."""
    try:
        return Scenario.model_validate(document)
    except ValidationError as error:
        raise InputError(f"{where}: {_line(error, document)}") from None


def _line(error: ValidationError, document: dict[str, Any]) -> str:
    """The first mistake in one clause: key, value, remedy."""
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"]) or "file"
    if first["type"] == "extra_forbidden":
        return f"{key}: {REMEDIES['extra_forbidden']}{_close(first['loc'], document)}"
    if first["type"] in REMEDIES:
        return f"{key}: {REMEDIES[first['type']]}"
    said = first["msg"].removeprefix("Value error, ")
    if not first["loc"]:
        return said
    return f"{key} = {first['input']!r}: {said[0].lower()}{said[1:]}"


def _close(place: tuple[int | str, ...], document: dict[str, Any]) -> str:
    """What an unknown key was meant to be, or what may stand there."""
    model: Any = Scenario
    for part in place[:-1]:
        if isinstance(part, str) and part in getattr(model, "model_fields", {}):
            model = model.model_fields[part].annotation
    known = list(getattr(model, "model_fields", {}))
    close = difflib.get_close_matches(str(place[-1]), known, n=1)
    if close:
        return f"; did you mean {close[0]}?"
    return f"; known are {', '.join(known)}" if known else "; remove it"
