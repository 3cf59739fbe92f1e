"""One message as the tables that its frames are unpacked by, and what its columns are called."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final, NamedTuple

import numpy as np
from cantools.database.can import Message, Signal

from tianyuan.dbc import layout
from tianyuan.dbc.errors import DbcError
from tianyuan.dbc.multiplex import Block, blocks, ranges
from tianyuan.dbc.records import NO_PARENT, RANGE, SIGNAL, Binding

EXACT_BITS: Final = 53  # of an integer that a double holds

# One row a set of signals that the same values of the same multiplexor select. The first
# signals of a message, which are always present, are a group that is its own parent.
GROUP: Final = np.dtype(
    [
        ("first", "u4"),  # rows of SIGNAL [first, end)
        ("end", "u4"),
        ("selector", "u4"),  # row of the multiplexor
        ("ranges_first", "u4"),  # rows of RANGE that select the group
        ("ranges_end", "u4"),
        ("parent", "u4"),  # group of the multiplexor itself, or NO_PARENT
    ],
    align=True,
)
# What a column has beside its SIGNAL row.
COLUMN: Final = np.dtype(
    [
        ("bytes", "i8"),  # payload bytes that it needs
        ("wanted", "i8"),  # 0: read for what it selects, and not told
        ("whole", "i8"),  # 1: an integer beyond a double's, told as one
        ("factor", "i8"),  # of such a one
        ("shift", "i8"),
    ]
)


class Tables(NamedTuple):
    """What the kernels know of a message."""

    length: np.ndarray  # (1,) i8: payload bytes that a frame must have
    signals: np.recarray  # SIGNAL; ``slot`` is the column
    columns: np.recarray  # COLUMN, of the same rows
    groups: np.recarray  # GROUP, a multiplexor's own before those that it selects
    ranges: np.recarray  # RANGE


class Column(NamedTuple):
    """A column of a message: its signal, and whether its words are f8, i8 or u8."""

    name: str
    unit: str
    kind: str
    texts: dict[float, str]  # of the values that the DBC file has a word for
    selected_by: str  # multiplexor and its values, of a signal that is absent from some frames


class Layout(NamedTuple):
    """A message, its columns in the DBC file's order, and what could not be made of it."""

    message: Message
    columns: list[Column]
    tables: Tables
    left_out: list[DbcError]


def layout_of(message: Message, wanted: Collection[str] | None = None) -> Layout:
    """Lay out a message for those of its signals that are ``wanted``, by name; None is all.

    A signal that no column can hold (more than 64 bits) is left out.
    """
    left_out: list[DbcError] = []
    usable = {}
    for signal in message.signals:
        try:
            layout.check(message, signal)
            usable[signal.name] = signal
        except DbcError as error:
            left_out.append(error)
    names = [name for name in usable if wanted is None or name in wanted]
    place = {name: index for index, name in enumerate(names)}
    columns = [_column(usable[name]) for name in names]
    tables = _tables(message, blocks(message), usable, place)
    return Layout(message, columns, tables, left_out)


def _column(signal: Signal) -> Column:
    texts = {
        float(raw) * signal.scale + signal.offset: str(text)
        for raw, text in (signal.choices or {}).items()
    }
    return Column(signal.name, signal.unit or "", _kind(signal), texts, _selection(signal))


def _selection(signal: Signal) -> str:
    if not signal.multiplexer_signal:
        return ""
    selecting = ranges(signal.multiplexer_ids or ())
    values = (f"{low}" if low == high else f"{low}-{high}" for low, high in selecting)
    return f"{signal.multiplexer_signal}={','.join(values)}"


def _kind(signal: Signal) -> str:
    """How exactly a column is told: as cantools, whose integers have no end, where that fits."""
    if signal.conversion.is_float or signal.length <= EXACT_BITS:
        return "f8"
    if not (float(signal.scale).is_integer() and float(signal.offset).is_integer()):
        return "f8"
    ends = [raw * int(signal.scale) + int(signal.offset) for raw in layout.raw_range(signal)]
    if min(ends) >= -(1 << 63) and max(ends) < 1 << 63:
        return "i8"
    return "u8" if min(ends) >= 0 and max(ends) < 1 << 64 else "f8"


def _tables(
    message: Message, found: list[Block], usable: dict[str, Signal], place: dict[str, int]
) -> Tables:
    rows: list[Any] = []
    columns: list[tuple[int, ...]] = []
    groups: list[tuple[int, ...]] = []
    selecting: list[tuple[int, int]] = []
    at: dict[str, int] = {}
    for block in found:
        first, first_range = len(rows), len(selecting)
        for signal in block.signals:
            if signal.name in usable:
                at[signal.name] = len(rows)
                slot = place.get(signal.name, -1)
                binding = Binding(message.name, signal.name, max(slot, 0))
                rows.append(layout.row(message, signal, binding))
                columns.append(_cells(signal, slot >= 0))
        selecting.extend(block.ranges)
        if block.selector and block.selector not in at:
            raise DbcError(
                "selects others, but no word holds it", message=message.name, signal=block.selector
            )
        selector = at.get(block.selector, 0)
        parent = NO_PARENT if block.parent < 0 else block.parent
        groups.append((first, len(rows), selector, first_range, len(selecting), parent))
    return Tables(
        np.array([message.length], np.int64),
        _table(rows, SIGNAL),
        _table(columns, COLUMN),
        _table(groups, GROUP),
        _table(selecting, RANGE),
    )


def _table(rows: list[Any], dtype: np.dtype) -> np.recarray:
    table = np.zeros(len(rows), dtype)
    for index, row in enumerate(rows):
        table[index] = row
    return table.view(np.recarray)


def _cells(signal: Signal, wanted: bool) -> tuple[int, ...]:
    start = signal.start if signal.byte_order == "little_endian" else layout.network_start(signal)
    needed = -(-(start + signal.length) // 8)
    whole = _kind(signal) != "f8"
    factor, shift = (int(signal.scale), int(signal.offset)) if whole else (1, 0)
    return needed, int(wanted), int(whole), factor, shift
