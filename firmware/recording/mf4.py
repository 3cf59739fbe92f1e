"""MF4 as ASAM's bus logging wants it, by asammdf's blocks, whole at any moment.

asammdf and python-can write a file when it is closed, from memory; one that nobody closed is
nothing. Nor does asammdf read a file whose count of records and whose compressed blocks do
not agree. So asammdf makes an empty file, with the groups of python-can's writer in it, and
the records of a group go into one of two tails:

    HL -> DL -> DL -> ... -> DL of a tail        DL of the other tail
          |     |            |                   |
          DZ    DZ           DT, always of       DT, on nobody's list
                             TAIL records

A tail's length never changes and the group's count says how much of it there is: that
number, written once its records are on the disk, is all that makes them part of the file.
A tail that is full is appended as a compressed block, which leads to the other tail, and then
one link leads to this block instead of the full tail. At its end a file has no tail.
"""

from __future__ import annotations

import datetime
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import numpy as np
from asammdf import MDF, Signal
from asammdf.blocks import v4_constants as mdf
from asammdf.blocks.v4_blocks import (
    DataBlock,
    DataList,
    DataZippedBlock,
    HeaderList,
    SourceInformation,
)
from can.io.mf4 import ERR_DTYPE, RTR_DTYPE, STD_DTYPE

from tianyuan.dbc.frame import BRS, ERROR, EXTENDED, EXTENDED_MASK, FDF, REMOTE, TX
from tianyuan.drivers.messages import ESI
from tianyuan.firmware.recording.lengths import DLC
from tianyuan.firmware.recording.safe_file import SafeFile

NS_PER_S: Final = 1_000_000_000
START_AT: Final = 64 + 24 + 6 * 8  # of the header block's time, in ns since 1970
DATA_AT: Final = 24 + 2 * 8  # of the link to the data, in a data group
NEXT_AT: Final = 24  # of the link to the next one, in a data list
CYCLES_AT: Final = 24 + 6 * 8 + 8  # of the number of records, in a channel group
# Frames of one instant are merged in the order of the groups: the tick's marker comes last.
TAIL: Final = 2048  # records: a third of a second of a car
GROUPS: Final = (
    ("CAN_ErrorFrame", ERR_DTYPE), ("CAN_RemoteFrame", RTR_DTYPE), ("CAN_DataFrame", STD_DTYPE),
)  # fmt: skip


def _empty(card: bytes | None) -> bytes:
    made: Any = MDF(version="4.10")
    made.header.start_time = datetime.datetime.now(datetime.UTC)
    source = SourceInformation(source_type=mdf.SOURCE_BUS, bus_type=mdf.BUS_TYPE_CAN)
    for name, layout in GROUPS:
        none = np.zeros(0, layout)
        made.append(Signal(samples=none, timestamps=np.zeros(0), name=name, source=source))
    if card is not None:
        made.attach(card, file_name=CARD_NAME, mime="application/json", compression=True)
    into = BytesIO()
    made.save(into)
    made.close()
    return into.getvalue()


CARD_NAME: Final = "run.json"


def card_in(file: Path) -> bytes | None:
    """The run's card that a file has inside; None where there is none."""
    with MDF(file) as opened:
        for number, attachment in enumerate(opened.attachments):
            if attachment.file_name == CARD_NAME:
                content = opened.extract_attachment(number)[0]
                return content.encode() if isinstance(content, str) else bytes(content)
    return None


def _records(name: str, layout: np.dtype, frames: np.ndarray, t_ns: np.ndarray) -> np.ndarray:
    made = np.zeros(len(frames), [("time", "<f8"), *((n, layout[n]) for n in layout.names or ())])
    can_id, flags, length = frames["can_id"], frames["flags"], frames["length"]
    fields = {
        "BusChannel": frames["channel"],
        "ID": can_id & EXTENDED_MASK,
        "IDE": can_id & EXTENDED != 0,
        "DLC": DLC[length],
        "DataLength": length,
        "DataBytes": frames["payload"],
        "Dir": frames["reserved"] == TX,
        "EDL": flags & FDF != 0,
        "BRS": flags & BRS != 0,
        "ESI": flags & ESI != 0,
    }
    made["time"] = t_ns / NS_PER_S
    for field in layout.names or ():
        made[field] = fields[field.removeprefix(f"{name}.")]
    return made


class _Group:
    """The records of one group: compressed blocks, and the two tails."""

    def __init__(self, file: SafeFile, group: Any, record_bytes: int) -> None:
        self._file, self._record_bytes = file, record_bytes
        self._data_at = int(group.data_group.address) + DATA_AT
        self._count_at = int(group.channel_group.address) + CYCLES_AT
        self._tails: list[int] = []  # where their data lists are; the first one is in use
        self._in_tail = b""
        self._count = self._zipped_bytes = self._link_at = 0

    def append(self, records: np.ndarray) -> None:
        """Write records; ``commit`` makes them part of the file, once all is synced."""
        if not self._tails:
            self._make_tails()
        data = records.tobytes()
        most = TAIL * self._record_bytes
        while data:
            piece = data[: most - len(self._in_tail)]
            self._file.patch(self._tails[0] + LIST_BYTES + 24 + len(self._in_tail), piece)
            self._in_tail += piece
            self._count += len(piece) // self._record_bytes
            data = data[len(piece) :]
            if len(self._in_tail) == most:
                self._file.sync()
                self.commit()
                self._zip(self._tails[1])
                self._tails.reverse()

    def commit(self) -> None:
        """Count the records that are on the disk."""
        if self._count:
            self._patch(self._count_at, self._count)

    def close(self) -> None:
        """Compress what is in the tail, and end the list with it."""
        if self._in_tail:
            self._zip(0)
        elif self._count:
            self._patch(self._link_at, 0)

    def _make_tails(self) -> None:
        at = self._file.size_bytes
        size = LIST_BYTES + 24 + TAIL * self._record_bytes
        size += -size % 8
        first = at + mdf.HL_BLOCK_SIZE
        self._tails, self._link_at = [first, first + size], at + NEXT_AT
        kind = mdf.FLAG_DZ_TRANSPOSED_DEFLATE
        head = bytes(HeaderList(first_dl_addr=first, flags=0, zip_type=kind))
        blank = bytes(DataBlock(data=bytes(TAIL * self._record_bytes)))
        tails = [_data_list(at + LIST_BYTES, 0, 0) + blank for at in self._tails]
        self._file.append(head + b"".join(tail + bytes(size - len(tail)) for tail in tails))
        self._file.sync()
        self._patch(self._data_at, at)

    def _zip(self, next_list: int) -> None:
        at, kind = self._file.size_bytes, mdf.FLAG_DZ_TRANSPOSED_DEFLATE
        block = DataZippedBlock(data=self._in_tail, zip_type=kind, param=self._record_bytes)
        made = _data_list(at + LIST_BYTES, self._zipped_bytes, next_list) + bytes(block)
        self._zipped_bytes += len(self._in_tail)
        self._in_tail = b""
        if next_list:
            fresh = _data_list(next_list + LIST_BYTES, self._zipped_bytes, 0)
            self._file.patch(next_list, fresh)
        self._file.append(made + bytes(-len(made) % 8))
        self._file.sync()
        self._patch(self._link_at, at)
        self._link_at = at + NEXT_AT

    def _patch(self, at: int, number: int) -> None:
        self._file.patch(at, number.to_bytes(8, "little"))


def _data_list(data_at: int, offset: int, next_list: int) -> bytes:
    offsets: Any = {"offset_0": offset}
    made: Any = DataList(flags=0, links_nr=2, data_block_nr=1, **offsets)
    made.data_block_addr0, made.next_dl_addr = data_at, next_list
    return bytes(made)


LIST_BYTES: Final = len(_data_list(0, 0, 0))


class Mf4File:
    """An MF4 file being written, with the run's ``card`` inside."""

    def __init__(self, file: Path, card: bytes | None = None) -> None:
        empty = _empty(card)
        self._file, self._start_ns = SafeFile(file, empty + bytes(-len(empty) % 8)), -1
        with MDF(BytesIO(empty)) as read:
            self._groups = [
                _Group(self._file, group, 8 + layout.itemsize)
                for group, (_, layout) in zip(read.groups, GROUPS, strict=True)
            ]

    @property
    def size_bytes(self) -> int:
        """Of the file, so far."""
        return self._file.size_bytes

    def append(self, frames: np.ndarray, wall_ns: int) -> None:
        """Write frames (n,), ``wall_ns`` after their monotonic time, so that they stay."""
        t_ns = frames["t_ns"] + wall_ns
        if self._start_ns < 0:
            self._start_ns = int(t_ns[0])
            self._file.patch(START_AT, self._start_ns.to_bytes(8, "little"))
        is_error, is_remote = frames["can_id"] & ERROR != 0, frames["can_id"] & REMOTE != 0
        masks = (is_error, is_remote & ~is_error, ~is_remote & ~is_error)
        for (name, layout), group, mask in zip(GROUPS, self._groups, masks, strict=True):
            if mask.any():
                since_ns = np.maximum(t_ns[mask] - self._start_ns, 0)
                group.append(_records(name, layout, frames[mask], since_ns))
        self._file.sync()
        for group in self._groups:
            group.commit()

    def close(self) -> None:
        """Compress what is left."""
        for group in self._groups:
            group.close()
        self._file.sync()
        self._file.close()

    def abandon(self) -> None:
        """Leave the file as it is."""
        self._file.close()
