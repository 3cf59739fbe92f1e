"""The sink that the ending of a name asks for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from tianyuan.control.errors import InputError
from tianyuan.hil.decoding.decoder import Table
from tianyuan.hil.decoding.sinks.sink import Sink, Told, reason
from tianyuan.hil.whole_file import beside, forget, put_in_place

ENDINGS: Final = (".parquet", ".csv", ".mf4", ".mcap")
STANDARD_OUTPUT: Final = Path("-")


class Nothing:
    """Where nothing is to be written: the log is decoded for its summary."""

    def take(self, tables: Sequence[Table]) -> None:
        """Take one block's tables."""

    def close(self) -> None:
        """Nothing is left."""

    def drop(self) -> None:
        """Nothing is open."""


class InPlace:
    """A sink whose file gets its name when it is whole; until then what was there stays."""

    def __init__(self, output: Path, sink_of: Callable[[Path], Sink]) -> None:
        """Raises what ``sink_of`` raises."""
        self._output, self._made = output, beside(output)
        try:
            self._sink = sink_of(self._made)
        except BaseException:
            forget(self._made, output)
            raise

    def take(self, tables: Sequence[Table]) -> None:
        """Take one block's tables."""
        self._sink.take(tables)

    def close(self) -> None:
        """Write what is left, and put the file in its place."""
        self._sink.close()
        put_in_place(self._made, self._output)

    def drop(self) -> None:
        """Leave nothing behind."""
        try:
            self._sink.drop()
        finally:
            forget(self._made, self._output)


def sink_of(output: Path | None, told: Told) -> Sink:
    """The sink that writes ``output``; raises InputError for what cannot be written.

    Each is imported when it is asked for: their libraries take up to half a second.
    """
    if output is None:
        return Nothing()
    try:
        return _made(output, told)
    except OSError as error:
        raise InputError(f"{output}: cannot be written: {reason(error)}") from None


def _made(output: Path, told: Told) -> Sink:
    if output == STANDARD_OUTPUT:
        from tianyuan.hil.decoding.sinks.long import CsvFile  # noqa: PLC0415

        return CsvFile(sys.stdout.buffer, told)
    if not output.suffix:
        from tianyuan.hil.decoding.sinks.parquet import ParquetFolder  # noqa: PLC0415

        return ParquetFolder(output, told)
    if output.suffix.lower() not in ENDINGS:
        raise InputError(
            f"{output}: no such kind of output; give a folder's name, {', '.join(ENDINGS)}, or - "
            "for CSV on standard output"
        )
    return InPlace(output, lambda file: _file_of(file, told))


def _file_of(output: Path, told: Told) -> Sink:
    match output.suffix.lower():
        case ".parquet":
            from tianyuan.hil.decoding.sinks.long import ParquetFile  # noqa: PLC0415

            return ParquetFile(output, told)
        case ".csv":
            from tianyuan.hil.decoding.sinks.long import CsvFile  # noqa: PLC0415

            return CsvFile(output, told)
        case ".mf4":
            from tianyuan.hil.decoding.sinks.mf4 import Mf4File  # noqa: PLC0415

            return Mf4File(output, told)
        case _:
            from tianyuan.hil.decoding.sinks.mcap import McapFile  # noqa: PLC0415

            return McapFile(output, told)
