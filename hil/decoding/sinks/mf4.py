"""MF4 by asammdf: a channel group a message, units and the words of values kept.

Signals that a multiplexor selects are in channel groups of their own, with the times of the
frames that held them: not every tool knows of invalid samples.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from tianyuan.hil.decoding.decoder import Table
from tianyuan.hil.decoding.layout import Column
from tianyuan.hil.decoding.sinks.arrays import masked
from tianyuan.hil.decoding.sinks.gather import Gather
from tianyuan.hil.decoding.sinks.sink import Told

_NS_PER_S: Final = 1_000_000_000
_DATED_NS: Final = 946_684_800 * _NS_PER_S  # the year 2000: times before are from a log's start
_DEFLATED: Final = 2  # asammdf's number for transposed and deflated blocks


class Mf4File:
    """asammdf keeps what it is given in a file of its own until it is told to save it."""

    def __init__(self, file: Path, told: Told) -> None:
        from asammdf import MDF  # noqa: PLC0415 - half a second that only this sink needs

        file.touch()  # so that a place where nothing can be written is told now
        self._file = file
        self._told = told
        self._mdf: Any = MDF(version="4.10")
        self._groups: dict[tuple[str, str], int] = {}
        self._began_ns: int | None = None
        self._gather = Gather(self._write)

    def take(self, tables: Sequence[Table]) -> None:
        """Take one block's tables."""
        if self._began_ns is None and tables:
            self._began_ns = int(min(table.t_ns[0] for table in tables))
            if self._began_ns >= _DATED_NS:
                self._mdf.header.start_time = _instant(self._began_ns)
            else:
                self._began_ns = 0
        self._gather.take(tables)

    def close(self) -> None:
        """Write the file."""
        self._gather.close()
        self._mdf.save(self._file, overwrite=True, compression=_DEFLATED)
        self._mdf.close()

    def drop(self) -> None:
        """Let go of what was written so far."""
        self._mdf.close()

    def _write(self, table: Table) -> None:
        for name, columns, held in self._parts(table):
            times_s = (table.t_ns[held] - (self._began_ns or 0)) / _NS_PER_S
            words = [table.words[at][held] for at in columns]
            if times_s.size:
                self._append((table.stream.name, name), table, columns, times_s, words)

    def _parts(self, table: Table) -> Iterator[tuple[str, list[int], Any]]:
        """Columns that are in the same frames: a name for them, their places and the frames."""
        layout = table.stream.layout
        together: dict[str, list[int]] = {}
        for at, column in enumerate(layout.columns):
            name = column.name if self._told.partial else column.selected_by
            together.setdefault(name, []).append(at)
        for name, places in together.items():
            mask = masked(table, places[0])
            yield name, places, slice(None) if mask is None else ~mask

    def _append(
        self,
        key: tuple[str, str],
        table: Table,
        places: list[int],
        times_s: np.ndarray,
        words: list[np.ndarray],
    ) -> None:
        columns = [table.stream.layout.columns[at] for at in places]
        samples = [
            np.ascontiguousarray(each).view(column.kind)
            for each, column in zip(words, columns, strict=True)
        ]
        if key in self._groups:
            pairs = [(each, None) for each in (times_s, *samples)]
            self._mdf.extend(self._groups[key], pairs)
            return
        signals = [
            self._signal(column, each, times_s)
            for column, each in zip(columns, samples, strict=True)
        ]
        stream = table.stream
        self._groups[key] = self._mdf.append(
            signals, acq_name=stream.name, comment=f"{stream.name} {key[1]}".strip(),
            common_timebase=True,
        )  # fmt: skip

    def _signal(self, column: Column, samples: np.ndarray, times_s: np.ndarray) -> Any:
        from asammdf import Signal  # noqa: PLC0415

        words = _words(column) if self._told.texts and column.texts else None
        return Signal(samples, times_s, unit=column.unit, name=column.name, conversion=words)


def _words(column: Column) -> dict[str, Any]:
    """Conversion of numbers to words, as asammdf takes it."""
    made: dict[str, Any] = {"default": ""}
    for n, (number, word) in enumerate(column.texts.items()):
        made |= {f"val_{n}": number, f"text_{n}": word}
    return made


def _instant(t_ns: int) -> datetime.datetime:
    seconds, rest_ns = divmod(t_ns, _NS_PER_S)
    whole = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return whole + datetime.timedelta(microseconds=rest_ns // 1000)
