"""A log as it is read: its frames in blocks, in the file's order, and what was wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import numpy as np

from tianyuan.control.errors import InputError
from tianyuan.drivers.logs import asc, blf, by_python_can, candump, gvret, mf4
from tianyuan.drivers.logs.channels import Channels
from tianyuan.drivers.logs.notes import Notes
from tianyuan.drivers.logs.recognise import Format, recognise
from tianyuan.drivers.logs.source import Source

Read = Callable[[Source, Channels, Notes], Iterator[np.recarray]]
_READERS: Final[dict[Format, Read]] = {
    Format.CANDUMP: candump.read,
    Format.BLF: blf.read,
    Format.MF4: mf4.read,
    Format.GVRET: gvret.read,
    Format.ASC: asc.read,
    Format.TRC: by_python_can.read_trc,
    Format.CSV: by_python_can.read_csv,
    Format.SQLITE: by_python_can.read_sqlite,
}


class Log:
    """A log file: ``notes`` fill and ``channels`` grow while its blocks are read.

    A frame's ``channel`` is an index into ``channels``, the names that the file has for them:
    the number that a name ends in where that is free. "" is a number that no frame has.
    """

    def __init__(self, file: Path) -> None:
        """Raises InputError for what is no log that can be read."""
        self.file = file
        self.notes = Notes()
        self._channels = Channels()
        self.channels: list[str] = self._channels.names
        with Source(file, Notes()) as source:  # what is wrong is told when it is read
            self.size_bytes = source.size_bytes
            form = recognise(source.head, file)
        if form is None:
            raise InputError(
                f"{file}: no log of a format that is known; these are candump, BLF, ASC, TRC, MF4,"
                " CSV of python-can and of SavvyCAN"
            )
        self.format = form
        self.read_bytes = 0  # so far, of ``size_bytes``

    def blocks(self) -> Iterator[np.recarray]:
        """The frames (n,) FRAME, some ten thousand at a time.

        ``t_ns`` is the time that the file gives, as a whole number of nanoseconds: since 1970
        where it has a date with its zone. ``reserved`` is TX for frames that the writer of the
        file sent. Raises InputError if there is no frame in it and much that is none.
        """
        latest_ns, count = 0, 0
        with Source(self.file, self.notes) as source:
            for block in _READERS[self.format](source, self._channels, self.notes):
                self.read_bytes = source.read_bytes
                self._note_backwards(block.t_ns, latest_ns if count else int(block.t_ns[0]), count)
                latest_ns, count = int(block.t_ns[-1]), count + block.size
                yield block
        self.read_bytes = self.size_bytes
        if not count and (found := self.notes.all()):
            raise InputError(f"{self.file}: no frame in it: {found[0].kind}, {found[0].first}")

    def _note_backwards(self, t_ns: np.ndarray, latest_ns: int, before: int) -> None:
        """Note the frames that are earlier than the one before them."""
        (at,) = np.nonzero(np.diff(t_ns, prepend=latest_ns) < 0)
        if at.size:
            earlier_ns = int(t_ns[at[0] - 1]) if at[0] else latest_ns
            by_s = (earlier_ns - int(t_ns[at[0]])) * 1e-9
            self.notes.add(
                "time goes backwards", f"frame {before + at[0] + 1}, {by_s:g} s", at.size
            )
