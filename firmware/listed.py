"""An entry's list of values: from the names and numbers of the car file to the codec's pairs."""

from __future__ import annotations

from collections.abc import Iterable

from cantools.database.can import Message
from cantools.database.can import Signal as DbcSignal

from tianyuan.control.errors import InputError
from tianyuan.dbc import layout
from tianyuan.firmware import meanings
from tianyuan.firmware.car_entries import suggestion
from tianyuan.firmware.car_shape import Signal


def raw_of(message: Message, signal: DbcSignal, key: int | str) -> int:
    """A raw value from its number, in any base, or from the DBC file's name of it."""
    names = {str(name): int(raw) for raw, name in (signal.choices or {}).items()}
    if isinstance(key, str) and key in names:
        return names[key]
    try:
        raw = int(key, 0) if isinstance(key, str) else key
    except ValueError:
        hint = suggestion(str(key), names)
        hint = hint or f"; it has {', '.join(names) or 'no names'}, or give the raw value's number"
        raise InputError(f"{key!r}: no raw value of {signal.name}{hint}") from None
    layout.raw_word(message, signal, raw)
    return raw


def raws_of(message: Message, signal: DbcSignal, keys: Iterable[int | str]) -> tuple[int, ...]:
    """Raw values from what the car file says of them."""
    return tuple(raw_of(message, signal, key) for key in keys)


def value_of(key: str, value: float | str) -> float:
    """A channel's value from its number or its name; ``key`` is the channel's in the file."""
    if not isinstance(value, str):
        return float(value)
    kind = meanings.KINDS.get(key)
    if kind is None:
        raise InputError(f"{value!r}: {key} has no names for its values; give the number")
    if value.upper() not in kind.__members__:
        hint = suggestion(value.upper(), kind.__members__)
        raise InputError(
            f"{value!r}: no value of {key}{hint or '; it has ' + ', '.join(kind.__members__)}"
        )
    return float(kind[value.upper()])


def default_of(key: str, wired: Signal) -> float | None:
    """What a raw value that is not in the list means; None if its frame is to be refused."""
    if wired.default is not None:
        return value_of(key, wired.default)
    found = meanings.MOST_RESTRICTIVE.get(key)
    return None if found is None else float(found)


def pairs_of(
    key: str, wired: Signal, message: Message, signal: DbcSignal, gears: int
) -> tuple[tuple[int, float], ...]:
    """The pairs of raw value and channel value, in the order of the file.

    Raises InputError for a raw value that is not the signal's or comes twice, for a value that
    is not the channel's, and for a command's value that would find none.
    """
    pairs: list[tuple[int, float]] = []
    for name, values in (wired.values or {}).items():
        raw = raw_of(message, signal, name)
        if any(raw == other for other, _ in pairs):
            raise InputError(f"values: raw value {raw} twice; leave one out")
        if not values:
            raise InputError(f"values.{name}: an empty list; say what it means")
        pairs += [(raw, value_of(key, value)) for value in values]
    default = default_of(key, wired)
    said = {value for _, value in pairs}
    if wired.default is not None and key.startswith("commands.") and default not in said:
        raise InputError("default: is none of the values, so nothing could be sent for it; list it")
    lost = [name for value, name in meanings.needed(key, gears).items() if value not in said]
    if lost and default not in said:
        raise InputError(
            f"values: nothing says how {', '.join(lost)} is sent; list it, or give a default"
        )
    return tuple(pairs)
