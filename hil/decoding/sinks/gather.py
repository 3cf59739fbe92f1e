"""Small tables of many blocks put together to large ones, within a bound of memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from tianyuan.hil.decoding.decoder import Table

MOST_BYTES: Final = 64 << 20  # that wait, of all streams


class Gather:
    """Calls ``write`` with the tables of one stream as one, the largest first when it is full."""

    def __init__(self, write: Callable[[Table], None]) -> None:
        self._write = write
        self._waiting: dict[str, list[Table]] = {}
        self._bytes: dict[str, int] = {}

    def take(self, tables: Sequence[Table]) -> None:
        """Take one block's tables."""
        for table in tables:
            name = table.stream.name
            self._waiting.setdefault(name, []).append(table)
            self._bytes[name] = self._bytes.get(name, 0) + _size(table)
        if sum(self._bytes.values()) > MOST_BYTES:
            for name in sorted(self._bytes, key=self._bytes.__getitem__, reverse=True):
                self._pass_on(name)
                if sum(self._bytes.values()) < MOST_BYTES / 2:
                    break

    def close(self) -> None:
        """Write what is left."""
        for name in list(self._waiting):
            self._pass_on(name)

    def _pass_on(self, name: str) -> None:
        waiting = self._waiting.pop(name)
        del self._bytes[name]
        self._write(joined(waiting))


def joined(tables: Sequence[Table]) -> Table:
    """The tables of one stream as one."""
    return Table(
        tables[0].stream,
        np.concatenate([table.places for table in tables]),
        np.concatenate([table.t_ns for table in tables]),
        np.concatenate([table.words for table in tables], axis=1),
        np.concatenate([table.present for table in tables], axis=1),
    )


def _size(table: Table) -> int:
    return table.t_ns.nbytes + table.words.nbytes + table.present.nbytes
