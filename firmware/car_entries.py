"""One entry of a car file's tables at a time: what it is short for, and what is wrong with it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from tianyuan.firmware.car_shape import BY_SIGNAL, NumberOrName, Signal, SignalName

Found = dict[str, Any]
ECHO = TypeAdapter(SignalName)
CONSTANT = TypeAdapter(NumberOrName)


def suggestion(key: str, known: Iterable[str]) -> str:
    """What an unknown key may have been meant to be."""
    close = difflib.get_close_matches(key, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def lines(error: ValidationError, prefix: str, known: Iterable[str] = ()) -> Iterator[str]:
    """What a validation found, each in one line; an unknown key before the one it was meant for."""
    found = sorted(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
    explained = set()
    for each in found:
        location = ".".join([prefix, *(_part(part) for part in each["loc"])])
        if each["type"] == "extra_forbidden":
            hint = suggestion(str(each["loc"][-1]), known)
            explained.add(hint.removeprefix("; did you mean ").removesuffix("?"))
            yield f"{location}: unknown key{hint}"
        elif each["type"] == "missing":
            if str(each["loc"][-1]) not in explained:
                yield f"{location}: missing; add it"
        else:
            yield f"{location} = {each['input']!r}: {each['msg'].lower()}"


def _part(part: Any) -> str:
    # pydantic names the kinds of a union, which nobody wrote.
    return "is" if part == "one_of" else str(part)


_KINDS = (".constrained-float", ".float", ".str", ".int")


def model(kind: type[BaseModel], value: Any, where: str, mistakes: list[str]) -> Any | None:
    """A model of a table, or None with what is wrong with it among the mistakes."""
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        mistakes.extend(_once(lines(error, where, kind.model_fields)))
        return None


def _once(found: Iterator[str]) -> list[str]:
    """One line a key: each kind of a union complains by itself."""
    by_key: dict[str, str] = {}
    for line in found:
        key, equals, rest = line.partition(" = ")
        for kind in _KINDS:
            key = key.removesuffix(kind)
        by_key.setdefault(key, key + equals + rest)
    return list(by_key.values())


def signal(value: Any, where: str, mistakes: list[str]) -> Signal | None:
    """A signal from its entry: a text, or a table; a single value is a list of one."""
    if isinstance(value, str):
        value = {"signal": value}
    if not isinstance(value, dict):
        mistakes.append(f'{where} = {value!r}: write "MESSAGE.Signal" or {{ signal = … }}')
        return None
    table = dict(value)
    if isinstance(table.get("valid"), dict):
        table["valid"] = [table["valid"]]
    if isinstance(listed := table.get("values"), dict):
        table["values"] = {
            raw: each if isinstance(each, list) else [each] for raw, each in listed.items()
        }
    made = model(Signal, table, where, mistakes)
    if made is not None and (wrong := _together(made)):
        mistakes.append(f"{where}.{wrong}")
        return None
    return made


def _together(made: Signal) -> str:
    """What is wrong with keys in company."""
    if made.ratio == 0.0:
        return "ratio = 0.0: must not be 0"
    if made.values is None:
        return (
            "default: only for an entry with values; leave it out"
            if made.default is not None
            else ""
        )
    scaled = {
        "ratio": made.ratio != 1.0,
        "offset": made.offset != 0.0,
        "unit": made.unit is not None,
        "radius_m": made.radius_m is not None,
    }
    wrong = [name for name, given in scaled.items() if given]
    return f"{wrong[0]}: an entry with values has no scale; leave one of them out" if wrong else ""


def signals(value: Any, where: str, mistakes: list[str]) -> list[Signal]:
    """The signals that a command feeds: one entry or a list of them."""
    if not isinstance(value, list):
        return [made] if (made := signal(value, where, mistakes)) else []
    if not value:
        mistakes.append(f"{where}: an empty list; name a signal")
    found = [signal(each, f"{where}[{k}]", mistakes) for k, each in enumerate(value)]
    return [made for made in found if made is not None]


def flat(table: Mapping[str, Any]) -> Found:
    """Signals as keys: ``M.S = 1`` without quotation marks is a table in a table."""
    made: Found = {}
    for key, value in table.items():
        if isinstance(value, dict):
            made |= {f"{key}.{inner}": each for inner, each in value.items()}
        else:
            made[key] = value
    return made


def by_signal(table: str, value: Found, mistakes: list[str]) -> Found:
    """The entries of [constants] or [echo]."""
    assert table in BY_SIGNAL
    made: Found = {}
    for key, each in flat(value).items():
        where = f"{table}.{key}"
        try:
            ECHO.validate_python(key, strict=True)
        except ValidationError:
            mistakes.append(f'{where}: write the key as "MESSAGE.Signal"')
            continue
        kind = ECHO if table == "echo" else CONSTANT
        try:
            made[key] = kind.validate_python(each, strict=True)
        except ValidationError:
            wanted = (
                '"MESSAGE.Signal"' if table == "echo" else "a number or the DBC file's name of one"
            )
            mistakes.append(f"{where} = {each!r}: must be {wanted}")
    return made
