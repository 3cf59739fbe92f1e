"""Signals of logs by name, each as one column, for whoever reckons with them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tianyuan.drivers.logs.log import Log
from tianyuan.drivers.logs.notes import Note
from tianyuan.hil.decoding.catalogue import Catalogue
from tianyuan.hil.decoding.databases import Database
from tianyuan.hil.decoding.decoder import Counts, Table, tables


class Series(NamedTuple):
    """One signal: times (n,) i8 in ns, and physical values (n,) f8 in the DBC file's unit."""

    t_ns: np.ndarray
    values: np.ndarray


def read_signals(
    logs: Sequence[Path],
    databases: Sequence[Database],
    wanted: Collection[str] | None = None,
    notes: list[Note] | None = None,
) -> dict[str, Series]:
    """Decode logs, one after the other, into a Series for each signal that occurs in them.

    Signals are called ``MESSAGE.Signal``; ``wanted`` are those to be decoded, None is all. A
    message of the same name on a further channel is ``MESSAGE@CHANNEL``. Databases come from
    ``databases.database`` and ``databases.of_car``. ``notes`` gets what was wrong with the logs.
    Raises InputError.
    """
    pieces: dict[str, list[Series]] = {}
    catalogue = Catalogue(databases, wanted)
    for log in map(Log, logs):
        for table in chain.from_iterable(tables(log, catalogue, Counts())):
            for at, column in enumerate(table.stream.layout.columns):
                name = f"{table.stream.name}.{column.name}"
                pieces.setdefault(name, []).append(_series(table, at, column.kind))
        if notes is not None:
            notes += log.notes.all()
    found = {name: _joined(parts) for name, parts in pieces.items()}
    return {name: series for name, series in found.items() if series.t_ns.size}


def _joined(parts: list[Series]) -> Series:
    if len(parts) == 1:
        return parts[0]
    return Series(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def _series(table: Table, at: int, kind: str) -> Series:
    values = table.words[at].view(kind).astype(np.float64, copy=False)
    if not len(table.present) or table.present[at].all():
        return Series(table.t_ns, values)
    held = table.present[at] != 0
    return Series(table.t_ns[held], values[held])
