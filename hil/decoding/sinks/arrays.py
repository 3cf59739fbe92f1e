"""Columns as Arrow arrays."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tianyuan.hil.decoding.decoder import Table
from tianyuan.hil.decoding.layout import Column

TIME: Final = pa.timestamp("ns", tz="UTC")
_TYPES: Final = {"f8": pa.float64(), "i8": pa.int64(), "u8": pa.uint64()}


def type_of(column: Column) -> pa.DataType:
    """The type of a column that is told as a number."""
    return _TYPES[column.kind]


def masked(table: Table, at: int) -> np.ndarray | None:
    """Where a column has no value, or None if it has all."""
    if not len(table.present) or table.present[at].all():
        return None
    return table.present[at] == 0


def column_of(column: Column, words: np.ndarray, mask: np.ndarray | None) -> pa.Array:
    """A column's numbers, null where they are masked."""
    return pa.array(words.view(column.kind), type_of(column), mask=mask)


def texts_of(column: Column, numbers: pa.Array) -> pa.Array:
    """The DBC file's word for each number, or else the number as text."""
    known = pa.array(list(column.texts), type_of(column))
    places = pc.index_in(numbers, value_set=known, skip_nulls=True)
    words = pa.array(list(column.texts.values()), pa.string()).take(places)
    return pc.coalesce(words, numbers.cast(pa.string()))


def decimal_seconds(t_ns: np.ndarray) -> pa.Array:
    """Nanoseconds as seconds with nine decimals, exactly."""
    halves = np.stack([t_ns, t_ns >> 63], axis=1)  # of a 128-bit integer
    kind = pa.decimal128(28, 9)
    return pa.Array.from_buffers(kind, t_ns.size, [None, pa.py_buffer(halves)])
