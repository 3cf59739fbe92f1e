"""One long table, a row for each value in the frames' order: as CSV, or as one Parquet file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from tianyuan.hil.decoding.decoder import Table
from tianyuan.hil.decoding.sinks.arrays import TIME, column_of, decimal_seconds, masked, texts_of
from tianyuan.hil.decoding.sinks.sink import COMPRESSION, Told

_NAMES: Final = ("channel", "message", "signal", "unit")
_SECONDS: Final = pa.decimal128(28, 9)
_WORD: Final = pa.dictionary(pa.int32(), pa.string())


class CsvFile:
    """time_s, channel, message, signal, unit, value; times are exact to the nanosecond."""

    def __init__(self, file: Path | BinaryIO, told: Told) -> None:
        self._told = told
        self._schema = _schema(pa.field("time_s", _SECONDS), pa.string(), told)
        options = pa.csv.WriteOptions(quoting_style="needed")
        self._writer = pa.csv.CSVWriter(file, self._schema, write_options=options)

    def take(self, tables: Sequence[Table]) -> None:
        """Take one block's tables."""
        t_ns, names, values = _rows(tables, self._told)
        arrays = [decimal_seconds(t_ns), *(each.dictionary_decode() for each in names), *values]
        self._writer.write_table(pa.table(arrays, self._schema))

    def close(self) -> None:
        """Write the file's end."""
        self._writer.close()

    def drop(self) -> None:
        """Let go of the file."""
        self._writer.close()


class ParquetFile:
    """The same columns, whose ``time`` is a time."""

    def __init__(self, file: Path, told: Told) -> None:
        self._told = told
        self._schema = _schema(pa.field("time", TIME), _WORD, told)
        self._writer = pa.parquet.ParquetWriter(file, self._schema, compression=COMPRESSION)

    def take(self, tables: Sequence[Table]) -> None:
        """Take one block's tables."""
        t_ns, names, values = _rows(tables, self._told)
        table = pa.table([pa.array(t_ns, TIME), *names, *values], self._schema)
        self._writer.write_table(table)

    def close(self) -> None:
        """Write the file's end."""
        self._writer.close()

    def drop(self) -> None:
        """Let go of the file."""
        self._writer.close()


class _Part(NamedTuple):
    """One column of one table, without the frames that lack it."""

    names: tuple[str, str, str, str]
    places: np.ndarray
    t_ns: np.ndarray
    numbers: pa.Array
    texts: pa.Array


def _schema(time: pa.Field, word: pa.DataType, told: Told) -> pa.Schema:
    text = [("text", pa.string())] if told.texts else []
    return pa.schema([time, *((name, word) for name in _NAMES), ("value", pa.float64()), *text])


def _rows(
    tables: Sequence[Table], told: Told
) -> tuple[np.ndarray, list[pa.DictionaryArray], list[pa.Array]]:
    """The rows of a block: their times, their names, and values with their words."""
    parts = [
        _part(table, at, told) for table in tables for at in range(len(table.stream.layout.columns))
    ]
    if not parts:
        nothing = pa.array([], pa.string())
        names = [pa.DictionaryArray.from_arrays(pa.array([], pa.int32()), nothing) for _ in _NAMES]
        return np.zeros(0, np.int64), names, [pa.array([], pa.float64()), *[nothing][: told.texts]]
    order = np.argsort(np.concatenate([part.places for part in parts]), kind="stable")
    sizes = [part.places.size for part in parts]
    code = pa.array(np.repeat(np.arange(len(parts), dtype=np.int32), sizes)[order])
    names = [
        pa.DictionaryArray.from_arrays(code, pa.array(column))
        for column in zip(*(part.names for part in parts), strict=True)
    ]
    columns = [[part.numbers for part in parts], [part.texts for part in parts]][: 1 + told.texts]
    values = [pa.concat_arrays(column).take(pa.array(order)) for column in columns]
    return np.concatenate([part.t_ns for part in parts])[order], names, values


def _part(table: Table, at: int, told: Told) -> _Part:
    column, mask = table.stream.layout.columns[at], masked(table, at)
    held = slice(None) if mask is None else ~mask
    exact = column_of(column, np.ascontiguousarray(table.words[at][held]), None)
    texts = pa.nulls(len(exact), pa.string())
    if told.texts and column.texts:
        texts = texts_of(column, exact)
    return _Part(
        (table.stream.channel, table.stream.name, column.name, column.unit),
        table.places[held],
        table.t_ns[held],
        exact.cast(pa.float64(), safe=False),
        texts,
    )
