"""A folder of Parquet files, one a message: a row a frame, a column a signal.

That is what pandas and polars work on: ``read_parquet("out/MESSAGE.parquet")`` is the message's
table, without a pivot, and no column is half empty because another message came.
"""

from __future__ import annotations

import contextlib
import resource
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tianyuan.control.errors import InputError
from tianyuan.hil.decoding.decoder import Table
from tianyuan.hil.decoding.layout import Column
from tianyuan.hil.decoding.sinks.arrays import TIME, column_of, masked, texts_of, type_of
from tianyuan.hil.decoding.sinks.gather import Gather
from tianyuan.hil.decoding.sinks.sink import COMPRESSION, Told


class ParquetFolder:
    """Raises InputError where the folder has something in it already."""

    def __init__(self, folder: Path, told: Told) -> None:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise InputError(f"{folder}: not an empty folder; remove it or name another")
        self._is_new = not folder.exists()
        folder.mkdir(parents=True, exist_ok=True)
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a file a message
        self._folder = folder
        self._told = told
        self._writers: dict[str, pq.ParquetWriter] = {}
        self._gather = Gather(self._write)

    def take(self, tables: Sequence[Table]) -> None:
        """Take one block's tables."""
        self._gather.take(tables)

    def close(self) -> None:
        """Write what is left, and the files' ends."""
        self._gather.close()
        for writer in self._writers.values():
            writer.close()

    def drop(self) -> None:
        """Leave no file behind, as none of them is whole."""
        for name, writer in self._writers.items():
            with contextlib.suppress(OSError):  # the disk may be full, or it is closed
                writer.close()
            self._file(name).unlink(missing_ok=True)
        if self._is_new:
            self._folder.rmdir()

    def _write(self, table: Table) -> None:
        columns = table.stream.layout.columns
        time = "time" if all(each.name != "time" for each in columns) else "log_time"
        schema = pa.schema([pa.field(time, TIME)] + [self._field(each) for each in columns])
        arrays: list[pa.Array] = [pa.array(table.t_ns, TIME)]
        for at, column in enumerate(columns):
            made = column_of(column, table.words[at], masked(table, at))
            arrays.append(texts_of(column, made) if self._as_text(column) else made)
        name = table.stream.name
        if name not in self._writers:
            file = self._file(name)
            self._writers[name] = pq.ParquetWriter(file, schema, compression=COMPRESSION)
        self._writers[name].write_table(pa.table(arrays, schema=schema))

    def _file(self, stream: str) -> Path:
        return self._folder / f"{file_name(stream)}.parquet"

    def _field(self, column: Column) -> pa.Field:
        kind = pa.string() if self._as_text(column) else type_of(column)
        return pa.field(column.name, kind, metadata={"unit": column.unit})

    def _as_text(self, column: Column) -> bool:
        return self._told.texts and bool(column.texts)


def file_name(stream: str) -> str:
    """A stream's name as part of a file's."""
    return "".join(letter if letter.isalnum() or letter in "_-@.:" else "_" for letter in stream)
