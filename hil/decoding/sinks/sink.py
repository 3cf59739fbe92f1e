"""What every sink does."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

from tianyuan.drivers.local_frame import LocalFrame
from tianyuan.hil.decoding.decoder import Table

COMPRESSION: Final = "zstd"


class Told(NamedTuple):
    """How values are told."""

    texts: bool = False  # as the DBC file's words where it has them
    partial: bool = False  # frames may lack any of their message's signals
    frame: LocalFrame | None = None  # where on the globe x and y are zero


class Sink(Protocol):
    """Takes the tables of a log, block by block, and is closed at the end."""

    def take(self, tables: Sequence[Table]) -> None:
        """Take one block's tables."""

    def close(self) -> None:
        """Write what is left."""

    def drop(self) -> None:
        """Let go of what is open and leave nothing behind, as it is not whole."""


def reason(error: OSError) -> str:
    """Why nothing can be written, in the system's words; Arrow's tell more than that."""
    return os.strerror(error.errno) if error.errno else str(error)
