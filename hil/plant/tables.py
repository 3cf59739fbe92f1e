"""TOML tables into flat numpy records: checked once, then read by kernels.

A table of the vehicle's file is a :class:`Table`; the record's fields are named
``table_key``. Tables of numbers become fixed-length arrays padded with their last value.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from tianyuan.control.errors import InputError


class Table(BaseModel):
    """One table of the vehicle's file: every key known, every number finite."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    def fields(self) -> dict[str, float | np.ndarray]:
        """What the kernels read of this table; scalars and arrays by name."""
        return self.model_dump()


def read(file: Path, model: type[BaseModel], overrides: Mapping[str, Any]) -> Any:
    """``file`` as a checked ``model``; raises InputError naming file, key, value and remedy.

    ``overrides`` are other values for keys that the file has, by their dotted names.
    """
    try:
        raw = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{file}: no such file; give the path of a vehicle's TOML file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{file.name}: not valid TOML: {error}") from error
    for key, value in overrides.items():
        _override(file, raw, key, value)
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise InputError("; ".join(f"{file.name}: {_line(e)}" for e in error.errors())) from error


def _override(file: Path, raw: dict[str, Any], key: str, value: Any) -> None:
    """Put ``value`` in the place of the one that ``raw`` has under the dotted ``key``."""
    *tables, name = key.split(".")
    place: Any = raw
    for table in tables:
        place = place.get(table) if isinstance(place, dict) else None
    if not isinstance(place, dict) or name not in place or isinstance(place[name], dict):
        known = sorted(place) if isinstance(place, dict) else sorted(raw)
        raise InputError(f"{file.name}: override {key}: no such key; there is {', '.join(known)}")
    place[name] = value


def _line(error: Any) -> str:
    """One mistake in one clause: key, value, bound and remedy."""
    key = ".".join(str(part) for part in error["loc"]) or "file"
    if error["type"] == "missing":
        return f"{key}: missing; add it"
    if error["type"] == "extra_forbidden":
        return f"{key}: unknown key; remove it or mend its spelling"
    return f"{key} = {error['input']!r}: {error['msg']}"


def record_dtype(fields: dict[str, dict[str, float | np.ndarray]]) -> np.dtype:
    """The record's layout: one ``table_key`` a field, arrays keep their length."""
    return np.dtype(
        [
            (f"{table}_{key}", "f8", np.shape(value))
            for table, keys in fields.items()
            for key, value in keys.items()
        ]
    )


def record_of(fields: dict[str, dict[str, float | np.ndarray]]) -> np.recarray:
    """One filled record, as the array of length one that kernels take."""
    filled = np.zeros(1, record_dtype(fields)).view(np.recarray)
    for table, keys in fields.items():
        for key, value in keys.items():
            filled[f"{table}_{key}"][0] = value
    return filled
