"""The sink that the ending of a name asks for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tianyuan.control.errors import InputError
from tianyuan.hil.decoding.decoder import Table
from tianyuan.hil.decoding.sinks.sink import Sink, Told


class Nothing:
    """Where nothing is to be written: the log is decoded for its summary."""

    def take(self, tables: Sequence[Table]) -> None:
        """Take one block's tables."""

    def close(self) -> None:
        """Nothing is left."""

    def drop(self) -> None:
        """Nothing is open."""


def sink_of(output: Path | None, told: Told) -> Sink:
    """The sink that writes ``output``; raises InputError for what cannot be written.

    Each is imported when it is asked for: their libraries take up to half a second.
    """
    if output is None:
        return Nothing()
    try:
        return _made(output, told)
    except OSError as error:
        raise InputError(f"{output}: cannot be written: {error.strerror or error}") from None


def _made(output: Path, told: Told) -> Sink:
    match output.suffix.lower():
        case "":
            from tianyuan.hil.decoding.sinks.parquet import ParquetFolder  # noqa: PLC0415

            return ParquetFolder(output, told)
        case ".parquet":
            from tianyuan.hil.decoding.sinks.long import ParquetFile  # noqa: PLC0415

            return ParquetFile(output, told)
        case ".csv":
            from tianyuan.hil.decoding.sinks.long import CsvFile  # noqa: PLC0415

            return CsvFile(output, told)
        case ".mf4":
            from tianyuan.hil.decoding.sinks.mf4 import Mf4File  # noqa: PLC0415

            return Mf4File(output, told)
        case ".mcap":
            from tianyuan.hil.decoding.sinks.mcap import McapFile  # noqa: PLC0415

            return McapFile(output, told)
    raise InputError(
        f"{output}: no such kind of output; give a folder's name, .parquet, .csv, .mf4 or .mcap"
    )
