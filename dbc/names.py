"""Messages and signals by their names, as a car's configuration says them."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence

from cantools.database.can import Message

from tianyuan.dbc.errors import DbcError
from tianyuan.dbc.header import key
from tianyuan.dbc.records import Binding


def every_signal(messages: Sequence[Message]) -> list[Binding]:
    """Bind each signal, its slot being its place in this list."""
    named = [(message.name, signal.name) for message in messages for signal in message.signals]
    return [Binding(message, signal, slot) for slot, (message, signal) in enumerate(named)]


def suggestion(name: str, known: Iterable[str]) -> str:
    """Suggest a remedy for an unknown name: the nearest known one, if any is near."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"did you mean {near[0]}?" if near else "check the name"


def check_messages(messages: Sequence[Message], channels: Mapping[str, int]) -> None:
    """Raise DbcError where two messages have one name or identifier, or one is too long.

    ``channels`` holds the bus of each message by its name, where that is not 0: an identifier
    may mean something else on another bus.
    """
    ids: dict[int, str] = {}
    names: set[str] = set()
    for message in messages:
        other = ids.setdefault(key(message, channels.get(message.name, 0)), message.name)
        if message.name in names:
            raise DbcError("defined twice; leave one out", message=message.name)
        if other != message.name:
            raise DbcError(
                f"identifier 0x{message.frame_id:X} is also that of {other}; leave one out",
                message=message.name,
            )
        if message.length > 64:
            raise DbcError(
                f"length {message.length}: above the 64 bytes of a frame; leave it out",
                message=message.name,
            )
        names.add(message.name)


def by_signal(
    messages: Sequence[Message], bindings: Iterable[Binding]
) -> dict[str, dict[str, list[Binding]]]:
    """Sort the bindings by message and signal, or DbcError for one that cannot be."""
    known = {message.name: [signal.name for signal in message.signals] for message in messages}
    found: dict[str, dict[str, list[Binding]]] = {}
    for binding in bindings:
        _check(binding, known)
        of_message = found.setdefault(binding.message, {})
        of_message.setdefault(binding.signal, []).append(binding)
    return found


def _check(binding: Binding, known: dict[str, list[str]]) -> None:
    message, signal, slot, factor, offset = binding[:5]
    if message not in known:
        raise DbcError(f"no such message; {suggestion(message, known)}", message=message)
    problem = ""
    if signal not in known[message]:
        problem = f"no such signal in it; {suggestion(signal, known[message])}"
    elif slot < 0:
        problem = f"slot {slot}: must be 0 or more"
    elif not (math.isfinite(factor) and factor != 0 and math.isfinite(offset)):
        problem = f"factor {factor}, offset {offset}: must be finite, the factor not 0"
    if problem:
        raise DbcError(problem, message=message, signal=signal)
