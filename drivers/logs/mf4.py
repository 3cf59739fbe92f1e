"""ASAM's MDF 4 with bus logging, through asammdf; also where such a file is cut off.

asammdf reads files that their writer has not finished, as loggers leave them, but refuses a
finished one that misses its last bytes. Of that we give it a copy filled up with zeros, and keep
only the records that were there.
"""

from __future__ import annotations

import contextlib
import datetime
import gc
import logging
import os
import re
import struct
import sys
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
from isal import isal_zlib

from tianyuan.control.errors import InputError
from tianyuan.dbc.frame import FRAME, WORDS
from tianyuan.drivers.logs.channels import Channels
from tianyuan.drivers.logs.mf4_groups import can_groups
from tianyuan.drivers.logs.notes import Notes
from tianyuan.drivers.logs.source import Source

_COPY_BYTES: Final = 1 << 20  # at a time
_REPAIRS: Final = 64  # blocks beyond the end, at most
_INCOMPLETE: Final = re.compile(r"Incomplete block at 0x([0-9a-f]+)")
_HEAD: Final = struct.Struct("<4s4xQQ")  # of a block: its kind, its bytes, its links
_DATA: Final = (b"##DT", b"##DV", b"##DZ", b"##RD", b"##SD")
_FARTHEST: Final = 64  # times what there is: a block that reaches farther is damaged
_LOCAL_TIME: Final = 1  # of a header's flags: its zone is not known
_UNPACKING: Final = cast(type[Exception], isal_zlib.error)  # its stub calls the class an instance
_GARBLED: Final = (
    ArithmeticError, AssertionError, AttributeError, LookupError, MemoryError, OSError,
    RuntimeError, TypeError, ValueError, struct.error, zlib.error,
)  # fmt: skip


def read(source: Source, channels: Channels, notes: Notes) -> Iterator[np.recarray]:
    """Blocks of an MF4's CAN frames; those of its groups in the order of their times.

    Raises InputError where asammdf cannot open it.
    """
    with contextlib.ExitStack() as stack:
        file = _copy(source, stack) if source.is_packed else source.file
        mdf, size = _opened(file), None
        if isinstance(mdf, str) and _INCOMPLETE.search(mdf):
            size = file.stat().st_size
            notes.add("cut off", "within its data, or what describes them")
            with Source(file, notes) as again:
                file = _copy(again, stack)
            mdf = _filled_up(file, mdf)
        if isinstance(mdf, str):
            raise InputError(f"{source.file}: cannot be read: {mdf}")
        stack.callback(mdf.close)
        try:
            groups = can_groups(mdf, _start_ns(mdf.header), size)
            given, records = 0, sum(group.records for group in groups)
            for block in in_order([group.blocks(channels, notes) for group in groups]):
                given += block.size
                source.share = given / records
                yield block
        except _garbled() as error:
            notes.add("damaged", _in_a_line(error))


def _opened(file: Path) -> Any:
    """The file as asammdf has it, or why it has not."""
    # asammdf takes half a second to import.
    from tianyuan.drivers.logs.mf4_sorting import SortedMdf  # noqa: PLC0415

    logging.getLogger("asammdf").disabled = True  # it writes tracebacks of what it also raises
    hook = sys.unraisablehook
    sys.unraisablehook = lambda _: None  # what it leaves half made complains when it is collected
    try:
        return SortedMdf(file)
    except _garbled() as error:
        why = _in_a_line(error)
        error.__traceback__ = None  # it holds the half made file
        del error
        gc.collect()
    finally:
        sys.unraisablehook = hook
    return why


def _garbled() -> tuple[type[BaseException], ...]:
    """What asammdf raises on files that are damaged, much of it in no class of its own."""
    from asammdf.blocks.utils import MdfException  # noqa: PLC0415

    return (*_GARBLED, _UNPACKING, MdfException)


def _filled_up(file: Path, why: str) -> Any:
    """Like ``_opened``, after zeros for each block of data that the file does not hold whole."""
    mdf: Any = why
    for _ in range(_REPAIRS):
        missing = _INCOMPLETE.search(mdf)
        if not missing or not _fill_up(file, int(missing[1], 16)):
            return f"{mdf}; what describes its data, and is last in it, is cut off"
        mdf = _opened(file)
        if not isinstance(mdf, str):
            break
    return mdf


def _fill_up(file: Path, address: int) -> bool:
    """Make the block at ``address`` whole, if it holds data; an empty one where there is none."""
    size = file.stat().st_size
    if address >= _FARTHEST * size:
        return False
    with file.open("r+b") as stream:
        stream.seek(address)
        head = stream.read(_HEAD.size)
        if len(head) < _HEAD.size:
            stream.seek(address)
            stream.write(_HEAD.pack(b"##DT", _HEAD.size, 0))
            return True
        kind, length, _ = _HEAD.unpack(head)
    end = address + length
    if kind not in _DATA or not size < end < _FARTHEST * size:
        return False
    os.truncate(file, end)
    return True


def _copy(source: Source, stack: contextlib.ExitStack) -> Path:
    """What a source has, unpacked, in a file that lives as long as ``stack``."""
    copy = tempfile.NamedTemporaryFile(suffix=".mf4")  # noqa: SIM115
    stack.enter_context(copy)
    while piece := source.read(_COPY_BYTES):
        copy.write(piece)
    copy.flush()
    return Path(copy.name)


def _in_a_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _start_ns(header: Any) -> int:
    """When the measurement began, as ns since 1970; a time without a zone is of this machine's."""
    if not header.time_flags & _LOCAL_TIME:
        return int(header.abs_time)
    began = datetime.datetime.fromtimestamp(header.abs_time // 10**9, datetime.UTC)
    zone = began.replace(tzinfo=None).astimezone().utcoffset() or datetime.timedelta()
    return int(header.abs_time) - zone // datetime.timedelta(seconds=1) * 10**9


def in_order(streams: list[Iterator[np.recarray]]) -> Iterator[np.recarray]:
    """Merge streams by time, each in its own order even where its time goes backwards."""
    if len(streams) == 1:
        yield from streams[0]
        return
    heads = [_Head(stream) for stream in streams]
    while heads := [head for head in heads if head.fill()]:
        if len(heads) == 1:
            yield heads[0].take(heads[0].frames.size)
            continue
        # Of equal times the earlier stream's comes first, in its next block as well.
        last = [int(head.keys[-1]) for head in heads]
        until, first = min(last), last.index(min(last))
        counts = [
            int(np.searchsorted(head.keys, until, side="right" if n <= first else "left"))
            for n, head in enumerate(heads)
        ]
        keys = np.concatenate([h.keys[:n] for h, n in zip(heads, counts, strict=True)])
        taken = [head.take(count) for head, count in zip(heads, counts, strict=True)]
        yield _taken(taken, np.argsort(keys, kind="stable"))


def _taken(blocks: list[np.recarray], order: np.ndarray) -> np.recarray:
    """Frames of blocks laid end to end, in an order; as words, since records are copied slowly."""
    words = np.concatenate([block.view(np.int64) for block in blocks]).reshape(-1, WORDS)
    return words.take(order, axis=0).view(FRAME)[:, 0].view(np.recarray)


class _Head:
    """The block of a stream that is next, and keys to merge it by: its times, never falling."""

    def __init__(self, stream: Iterator[np.recarray]) -> None:
        self._stream = stream
        self._latest = -(1 << 63)
        self.frames = np.recarray(0, dtype=[])
        self.keys = np.zeros(0, np.int64)

    def fill(self) -> bool:
        """Have a block, unless the stream has ended."""
        if not self.keys.size:
            block = next(self._stream, None)
            if block is None:
                return False
            self.frames = block
            self.keys = np.maximum(np.maximum.accumulate(block.t_ns), self._latest)
            self._latest = int(self.keys[-1])
        return True

    def take(self, count: int) -> np.recarray:
        """The first ``count`` frames."""
        taken = self.frames[:count].view(np.recarray)
        self.frames = self.frames[count:].view(np.recarray)
        self.keys = self.keys[count:]
        return taken
