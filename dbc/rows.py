"""One message of a DBC file as rows of the codec's tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from cantools.database.can import Message, Signal

from tianyuan.dbc import layout
from tianyuan.dbc.conditions import Checks, Rule
from tianyuan.dbc.header import header, padded
from tianyuan.dbc.multiplex import Block, blocks
from tianyuan.dbc.protection import Guard
from tianyuan.dbc.records import NO_PARENT, NO_SLOT, Binding, Kind

Row = tuple[int, ...]
Uses = Mapping[str, Sequence[Binding]]
_NO_CODE = (0, 0, 0, 0)
_NO_GUARD = (-1, 0, 0, 0)
_UNPROTECTED = Guard("", "", "", 0, {}, [], np.zeros(0))


class Rows(NamedTuple):
    """The rows of all messages so far, appended to by ``add``."""

    messages: list[Row]
    groups: list[Row]
    signals: list[np.void]
    ranges: list[tuple[int, int]]
    initial: list[bytes]
    values: list[tuple[int, float]]
    checks: list[Row]
    needs: list[tuple[int, int]]
    protected: list[dict[str, int]]
    covered: list[int]
    by_counter: list[np.ndarray]


class Given(NamedTuple):
    """What is known of a message beside its DBC file."""

    uses: Uses  # its bindings by signal
    guard: Guard | None
    initials: Mapping[str, float]  # raw values of signals that are not bound
    checks: Checks
    channel: int  # of its frames


class _Span(NamedTuple):
    """Where a block's signals are: the first fields of GROUP."""

    first: int
    plain: int
    sent: int
    received: int
    end: int


class _Roles(NamedTuple):
    """A block's signals by what is done with them."""

    sent: list[tuple[Signal, Binding | None]]
    received: list[tuple[Signal, Binding | None]]
    initial: list[tuple[Signal, Binding | None]]


def add(rows: Rows, message: Message, given: Given) -> None:
    """Append the message's rows."""
    guard, checks = given.guard, given.checks
    protected = guard or _UNPROTECTED
    found = blocks(message)
    needed = {block.selector for block in found} | set(protected.names)
    needed |= {rule.signal for rule in checks.own + checks.gates}
    first_signal, first_group = len(rows.signals), len(rows.groups)
    index: dict[str, int] = {}
    spans = [
        _add_signals(rows, message, _roles(block, given, needed, protected), given, index)
        for block in found
    ]
    for block, span in zip(found[1:], spans[1:], strict=True):
        _add_group(rows, block, span, index[block.selector], first_group)
    floats = any(_may_be_nan(cells) for cells in rows.signals[first_signal:])
    rows.initial.append(_initial(message, found[0], given, protected))
    groups = _groups_of(found, first_group)
    ends = [_add_checks(rows, rules, index, groups) for rules in ([], checks.own, checks.gates)]
    first_need = len(rows.needs)
    rows.needs.extend(checks.needs)
    checked = bool(checks.own or checks.needs)
    rows.messages.append(
        (
            *_NO_CODE,
            message.length,
            padded(message.length),
            *spans[0][:4],
            first_group,
            len(rows.groups),
            *ends,
            first_need,
            len(rows.needs),
            int(floats or guard is not None or checked),
            int(floats),
            int(checked),
            int(spans[0].plain < spans[0].received or len(found) > 1 or bool(checks.gates)),
            index[guard.counter] if guard else -1,
            *(_add_guard(rows, guard, index) if guard else _NO_GUARD),
        )
    )


def _groups_of(found: list[Block], first_group: int) -> dict[str, int]:
    """The group of each signal that is not always present."""
    return {
        signal.name: first_group + place
        for place, block in enumerate(found[1:])
        for signal in block.signals
    }


def _add_checks(
    rows: Rows, rules: list[Rule], index: Mapping[str, int], groups: Mapping[str, int]
) -> int:
    """Append rows of CHECK; return where they end."""
    for rule in rules:
        first = len(rows.ranges)
        rows.ranges.extend((word, word) for word in rule.words)
        group = groups.get(rule.signal, NO_PARENT)
        rows.checks.append((index[rule.signal], group, first, len(rows.ranges), int(rule.within)))
    return len(rows.checks)


def _add_guard(rows: Rows, guard: Guard, index: dict[str, int]) -> tuple[int, ...]:
    """Append the row of PROTECTED; return what the message's own row repeats of it."""
    cells = guard.cells
    place, first = len(rows.protected), len(rows.covered)
    rows.covered.extend(guard.covered)
    rows.by_counter.append(guard.by_counter)
    rows.protected.append(
        cells
        | {
            "message": len(rows.messages),
            "by_counter": place,
            "covered_first": first,
            "covered_end": len(rows.covered),
            "counter": index[guard.counter],
            "nibble": index[guard.nibble] if guard.nibble else -1,
            "nibble_value": guard.nibble_value,
        }
    )
    # Two results bring any window from NO_DATA to VALID.
    calm = max(cells.get("window", 0), 2)
    return place, cells["first"], cells["last"], calm


def _roles(block: Block, given: Given, needed: set[str], guard: Guard) -> _Roles:
    roles = _Roles([], [], [])
    for signal in block.signals:
        filled_in = signal.name in guard.names
        bound = list(given.uses.get(signal.name, ()))
        sent = [] if filled_in else bound[:1]
        roles.sent.extend((signal, use) for use in sent)
        roles.received.extend((signal, use) for use in bound[len(sent) :])
        # Unbound signals that are always present are in the initial payload already.
        pattern = layout.initial_bits(signal, given.initials.get(signal.name))
        worth = bool(block.selector) and pattern != 0
        if not bound and (worth or signal.name in needed):
            roles.initial.append((signal, None))
    return roles


def _add_signals(
    rows: Rows, message: Message, roles: _Roles, given: Given, index: dict[str, int]
) -> _Span:
    """Append the block's rows by role, the plain ones first."""
    ends = [len(rows.signals)]
    plain = 0
    for role in roles:
        made = [
            (signal.name, _row(rows, message, signal, use, given.initials.get(signal.name)))
            for signal, use in role
        ]
        for name, cells in sorted(made, key=_is_not_plain):
            index.setdefault(name, len(rows.signals))
            rows.signals.append(cells)
            plain += role is roles.sent and layout.is_plain(cells)
        ends.append(len(rows.signals))
    return _Span(ends[0], ends[0] + plain, *ends[1:])


def _row(
    rows: Rows, message: Message, signal: Signal, use: Binding | None, initial: float | None
) -> Any:
    """Make the signal's row, and append those of its list of values."""
    cells = layout.row(message, signal, use, initial)
    cells["listed"] = cells["listed_end"] = len(rows.values)
    if use is None or not use.values:
        return cells
    for raw, value in use.values:
        word = layout.raw_word(message, signal, raw)
        rows.values.append((word, value))
        if value == use.default and not cells["substitute"]:
            cells["substitute"], cells["raw_low"] = 1, word
    cells["listed_end"] = len(rows.values)
    cells["otherwise"] = 0.0 if use.default is None else use.default
    return cells


def _is_not_plain(entry: tuple[str, Any]) -> bool:
    return not layout.is_plain(entry[1])


def _add_group(rows: Rows, block: Block, span: _Span, selector: int, first_group: int) -> None:
    ranges_first = len(rows.ranges)
    rows.ranges.extend(block.ranges)
    # The block that is always present is not a group, so the others count from 1.
    parent = first_group + block.parent - 1 if block.parent > 0 else NO_PARENT
    rows.groups.append((*span, selector, ranges_first, len(rows.ranges), parent))


def _may_be_nan(cells: np.void) -> bool:
    return bool(cells["slot"] != NO_SLOT and cells["kind"] >= Kind.FLOAT_16)


def _initial(message: Message, always: Block, given: Given, guard: Guard) -> bytes:
    """Make the frame that encoding starts from."""
    payload = 0
    for signal in always.signals:
        pattern = 0
        if signal.name == guard.nibble:
            pattern = guard.nibble_value
        elif signal.name not in given.uses and signal.name not in guard.names:
            pattern = layout.initial_bits(signal, given.initials.get(signal.name))
        payload |= layout.placed(signal, message.length, pattern) if pattern else 0
    return (
        header(message, given.channel).to_bytes(8, "little")
        + payload.to_bytes(64, "little")
        + bytes(8)
    )
