"""From the messages of DBC files to a codec's tables: done once, at set-up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from cantools.database.can import Message

from tianyuan.dbc import assembly, conditions, lookup, machine
from tianyuan.dbc.header import key
from tianyuan.dbc.names import by_signal, check_messages, every_signal
from tianyuan.dbc.protection import guards
from tianyuan.dbc.protection_records import BY_COUNTER, PROTECTED, Protection
from tianyuan.dbc.records import (
    CHECK,
    GROUP,
    MESSAGE,
    NEED,
    RANGE,
    SIGNAL,
    VALUE,
    Binding,
    Codec,
    Condition,
)
from tianyuan.dbc.rows import Given, Rows, add

_NO_PROTECTION: Mapping[str, Protection] = MappingProxyType({})
_FIRST_CHANNEL: Mapping[str, int] = MappingProxyType({})
_NO_CONSTANTS: Mapping[tuple[str, str], float] = MappingProxyType({})


def build(
    messages: Sequence[Message],
    bindings: Sequence[Binding] | None = None,
    protections: Mapping[str, Protection] = _NO_PROTECTION,
    channels: Mapping[str, int] = _FIRST_CHANNEL,
    rules: Sequence[Condition] = (),
    constants: Mapping[tuple[str, str], float] = _NO_CONSTANTS,
) -> Codec:
    """Build the codec of these messages; a message's index is its place among them.

    ``bindings`` says which signals go to and come from which slot; without, each signal
    has a slot of its own, in the order of ``every_signal``. A signal that is not bound is
    sent as its initial value; one bound more than once is sent from its first slot.
    ``protections`` maps a message's name to its end-to-end protection, which fills in CRC
    and counter itself; ``channels`` to the channel of its frames, where that is not 0.
    ``constants`` are raw values, by message and signal, of signals that are not bound; one that
    a condition wants to be something is sent as that.

    Raises:
        DbcError: naming message and signal, for whatever the tables cannot say.

    """
    check_messages(messages, channels)
    wired = every_signal(messages) if bindings is None else bindings
    bound = by_signal(messages, wired)
    guarded = guards(messages, protections)
    checks = conditions.sort(messages, [*conditions.lists(wired), *rules])
    initials = conditions.initials(messages, rules, constants)
    rows = Rows(*([] for _ in Rows._fields))
    keys = []
    for message in messages:
        name, channel = message.name, channels.get(message.name, 0)
        uses, first = bound.get(name, {}), initials.get(name, {})
        add(rows, message, Given(uses, guarded.get(name), first, checks[name], channel))
        keys.append(key(message, channel))
    table = _table(rows.messages, MESSAGE)
    codec = Codec(
        messages=table,
        groups=_table(rows.groups, GROUP),
        signals=_table(rows.signals, SIGNAL),
        ranges=_table(rows.ranges, RANGE),
        lookup=lookup.build([], table),
        initial=np.frombuffer(b"".join(rows.initial), "<i8"),
        values=_table(rows.values, VALUE),
        checks=_table(rows.checks, CHECK),
        needs=_table(rows.needs, NEED),
        protected=_protected(rows.protected),
        covered=np.array(rows.covered, np.uint8),
        by_counter=np.array(rows.by_counter, np.int64).reshape(-1, BY_COUNTER, 3),
    )
    if machine.GENERATED:
        _link(table, assembly.source(codec))
    # It repeats the messages' rows, addresses and all.
    return codec._replace(lookup=lookup.build(keys, table))


def _link(table: np.recarray, source: str) -> None:
    """Compile the messages' functions and note where they are."""
    addresses = machine.compiled(source)
    for m, message in enumerate(table):
        for name in ("unpack", "pack", "crc", "seal"):
            message[name] = addresses.get(f"{name}_{m}", 0)


def _protected(rows: Sequence[dict[str, int]]) -> np.recarray:
    table = np.zeros(len(rows), PROTECTED)
    for index, cells in enumerate(rows):
        for name, value in cells.items():
            table[name][index] = value
    return table.view(np.recarray)


def _table(rows: Sequence[Any], dtype: np.dtype) -> np.recarray:
    table = np.zeros(len(rows), dtype)
    for index, row in enumerate(rows):
        table[index] = row
    return table.view(np.recarray)
