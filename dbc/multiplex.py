"""Which signals of a message are present together: simple and extended multiplexing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from cantools.database.can import Message, Signal

from tianyuan.dbc.errors import DbcError


class Block(NamedTuple):
    """Signals that the same raw values of the same multiplexor select.

    The first block of a message is always present and has no selector. A selector is in
    the block ``parent``, which comes before this one.
    """

    parent: int
    selector: str
    ranges: tuple[tuple[int, int], ...]
    signals: list[Signal]


def blocks(message: Message) -> list[Block]:
    """Split a message into blocks, each multiplexor's own before those it selects.

    Raises:
        DbcError: a signal's multiplexor is missing, or selects itself.

    """
    children = _children(message)
    found = [Block(-1, "", (), children.pop(("", ()), []))]
    for index, block in enumerate(found):  # grows while we walk it
        for multiplexor in block.signals:
            for selector, ids in [key for key in children if key[0] == multiplexor.name]:
                members = children.pop((selector, ids))
                found.append(Block(index, selector, ids, members))
    for (selector, _), members in children.items():
        raise DbcError(
            f"selected by {selector}, which is not a multiplexor of the message; "
            "correct its m… mark or its SG_MUL_VAL_ line",
            message=message.name,
            signal=members[0].name,
        )
    # Signals always present belong to the message itself, not to a group.
    return found


_Key = tuple[str, tuple[tuple[int, int], ...]]


def _children(message: Message) -> dict[_Key, list[Signal]]:
    children: dict[_Key, list[Signal]] = {}
    for signal in message.signals:
        selector = signal.multiplexer_signal or ""
        ids = ranges(signal.multiplexer_ids or ()) if selector else ()
        children.setdefault((selector, ids), []).append(signal)
    return children


def ranges(ids: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """Raw values as the fewest inclusive ranges of signed 64-bit words."""
    merged: list[tuple[int, int]] = []
    for value in sorted({raw - (1 << 64) if raw >> 63 else raw for raw in ids}):
        if merged and merged[-1][1] == value - 1:
            merged[-1] = (merged[-1][0], value)
        else:
            merged.append((value, value))
    return tuple(merged)
