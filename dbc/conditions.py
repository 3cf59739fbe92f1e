"""What must hold before a message's frames are taken: its own conditions, and other messages'."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from cantools.database.can import Message, Signal

from tianyuan.dbc.errors import DbcError
from tianyuan.dbc.layout import raw_word
from tianyuan.dbc.names import suggestion
from tianyuan.dbc.records import Binding, Condition

MOST_GATES: Final = 63  # bits of a word, less its sign


class Rule(NamedTuple):
    """A condition on a signal of the message: the raw words, and whether it must be one of them."""

    signal: str
    words: tuple[int, ...]
    within: bool


class Checks(NamedTuple):
    """A message's conditions: those it needs, those that others need, and those of others."""

    own: list[Rule]
    gates: list[Rule]
    needs: list[tuple[int, int]]  # index of a message, bit of its gates


def lists(bindings: Iterable[Binding]) -> list[Condition]:
    """The conditions that bindings bring: no raw value outside a list without a default."""
    return [
        Condition(
            each.message, each.message, each.signal, tuple(raw for raw, _ in each.values), True
        )
        for each in bindings
        if each.values and each.default is None
    ] + [
        Condition(each.message, each.message, each.signal, each.unavailable, False)
        for each in bindings
        if each.unavailable
    ]


def sort(messages: Sequence[Message], conditions: Iterable[Condition]) -> dict[str, Checks]:
    """Sort the conditions by message, or DbcError for one that cannot be."""
    order = {message.name: index for index, message in enumerate(messages)}
    found = {name: Checks([], [], []) for name in order}
    for condition in conditions:
        for name in (condition.message, condition.source):
            if name not in order:
                raise DbcError(f"no such message; {suggestion(name, order)}", message=name)
        rule = _rule(messages[order[condition.source]], condition)
        if condition.source == condition.message:
            found[condition.message].own.append(rule)
            continue
        gates = found[condition.source].gates
        if rule not in gates:
            if len(gates) == MOST_GATES:
                raise DbcError(
                    f"more than {MOST_GATES} conditions on it; leave some out",
                    message=condition.source,
                )
            gates.append(rule)
        found[condition.message].needs.append((order[condition.source], gates.index(rule)))
    return found


def _rule(message: Message, condition: Condition) -> Rule:
    signal = signal_of(message, condition.signal)
    words = tuple(raw_word(message, signal, raw) for raw in condition.raws)
    return Rule(signal.name, words, condition.within)


def signal_of(message: Message, name: str) -> Signal:
    """Find a signal by its name, or DbcError with the nearest there is."""
    named = {signal.name: signal for signal in message.signals}
    if name not in named:
        raise DbcError(
            f"no such signal in it; {suggestion(name, named)}", message=message.name, signal=name
        )
    return named[name]


def agreeable(conditions: Iterable[Condition]) -> dict[tuple[str, str], float]:
    """Raw values of signals with which the frames that we send ourselves meet the conditions."""
    return {(each.source, each.signal): each.raws[0] for each in conditions if each.within}


def initials(
    messages: Sequence[Message],
    conditions: Iterable[Condition],
    constants: Mapping[tuple[str, str], float],
) -> dict[str, dict[str, float]]:
    """By message the raw values to send of signals that nothing feeds, but the DBC file's."""
    named = {message.name: message for message in messages}
    found: dict[str, dict[str, float]] = {}
    for (message, signal), raw in (agreeable(conditions) | dict(constants)).items():
        if message not in named:
            raise DbcError(f"no such message; {suggestion(message, named)}", message=message)
        signal_of(named[message], signal)
        found.setdefault(message, {})[signal] = raw
    return found
