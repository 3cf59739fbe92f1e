"""A log as it is read: its frames in blocks, in the file's order, and what was wrong with it."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import can
import numpy as np
from can.io.blf import BLFParseError

from tianyuan.control.errors import InputError
from tianyuan.dbc.frame import TX, frames
from tianyuan.drivers.logs.notes import Notes
from tianyuan.drivers.messages import write_frame

BLOCK: Final = 1 << 16  # frames, at most
# What python-can's readers raise on files that are no logs, in no class of their own.
_GARBLED: Final = (
    ArithmeticError, AttributeError, BLFParseError, LookupError, OSError, TypeError, ValueError,
    can.CanError, struct.error, zlib.error,
)  # fmt: skip


class Log:
    """A log file: ``notes`` fill and ``channels`` grow while its blocks are read.

    A frame's ``channel`` is an index into ``channels``, the names that the file has for them.
    """

    def __init__(self, file: Path) -> None:
        """Raises InputError for what is no log that can be read."""
        self.file = file
        self.notes = Notes()
        self.channels: list[str] = []
        self.size_bytes = file.stat().st_size
        self.read_bytes = 0  # so far, of ``size_bytes``

    def blocks(self) -> Iterator[np.recarray]:
        """The frames (n,) FRAME, some ten thousand at a time.

        ``t_ns`` is the time that the file gives, as a whole number of nanoseconds: since 1970
        where it has a date. ``reserved`` is TX for frames that the writer of the file sent.
        """
        pending = list[can.Message]()
        try:
            with can.LogReader(str(self.file)) as reader:
                for message in reader:
                    pending.append(message)
                    if len(pending) == BLOCK:
                        yield self._block(pending)
                        pending = []
        except _GARBLED as error:
            why = " ".join(str(error).split()) or type(error).__name__
            if not pending:
                raise InputError(f"{self.file}: cannot be read as a log: {why}") from None
            self.notes.add("cut off", why)
        if pending:
            yield self._block(pending)
        self.read_bytes = self.size_bytes

    def _block(self, messages: list[can.Message]) -> np.recarray:
        made = frames(len(messages))
        for at, message in enumerate(messages):
            write_frame(message, made, at)
            made[at].t_ns = round(message.timestamp * 1e9)
            made[at].channel = self._channel(str(message.channel))
            made[at].reserved = 0 if message.is_rx else TX
        return made

    def _channel(self, name: str) -> int:
        number = int(name.removeprefix("can")) if name.removeprefix("can").isdigit() else 0
        while len(self.channels) <= number:
            self.channels.append(f"can{len(self.channels)}")
        return number
