"""MF4 as ASAM's bus logging wants it, by asammdf's blocks, whole at any moment.

asammdf and python-can write a file when it is closed, from memory; one that nobody closed
is nothing. So asammdf makes an empty file, with the groups of python-can's writer in it, and
frames are appended in its own compressed blocks: first a block, and once it is on the disk
the link that leads to it. What a power cut leaves behind the last link is not looked at.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import numpy as np
from asammdf import MDF, Signal
from asammdf.blocks import v4_constants as mdf
from asammdf.blocks.v4_blocks import DataList, DataZippedBlock, HeaderList, SourceInformation
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
    """The chain of one group's blocks: where its next link and its count are."""

    def __init__(self, group: Any) -> None:
        self.link_at = int(group.data_group.address) + DATA_AT
        self.count_at = int(group.channel_group.address) + CYCLES_AT
        self.count = self.bytes = 0

    def blocks(self, records: np.ndarray, at: int) -> tuple[bytes, int]:
        """The blocks of records as they follow at ``at``, and where the link to the next is."""
        size = records.dtype.itemsize
        kind = mdf.FLAG_DZ_TRANSPOSED_DEFLATE
        head = b""
        if self.count == 0:
            head = bytes(HeaderList(first_dl_addr=at + mdf.HL_BLOCK_SIZE, flags=0, zip_type=kind))
        list_at = at + len(head)
        offset: Any = {"offset_0": self.bytes}
        listed: Any = DataList(flags=0, links_nr=2, data_block_nr=1, **offset)
        listed.data_block_addr0 = list_at + listed.block_len
        data = bytes(DataZippedBlock(data=records.tobytes(), zip_type=kind, param=size))
        made = head + bytes(listed) + data
        return made + bytes(-len(made) % 8), list_at + NEXT_AT

    def links(self, records: np.ndarray, at: int, next_at: int) -> Iterator[tuple[int, int]]:
        """Where to write which number, now that the blocks at ``at`` are on the disk."""
        yield self.link_at, at
        self.link_at = next_at
        self.count += len(records)
        self.bytes += records.nbytes
        yield self.count_at, self.count


class Mf4File:
    """An MF4 file being written, with the run's ``card`` inside."""

    def __init__(self, file: Path, card: bytes | None = None) -> None:
        self._file, self._start_ns = SafeFile(file), -1
        empty = _empty(card)
        self._file.append(empty + bytes(-len(empty) % 8))
        with MDF(BytesIO(empty)) as read:
            self._groups = [_Group(group) for group in read.groups]

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
        fresh = []
        for (name, layout), group, mask in zip(GROUPS, self._groups, masks, strict=True):
            if mask.any():
                since_ns = np.maximum(t_ns[mask] - self._start_ns, 0)
                records = _records(name, layout, frames[mask], since_ns)
                at = self._file.size_bytes
                blocks, next_at = group.blocks(records, at)
                self._file.append(blocks)
                fresh.append((group, records, at, next_at))
        self._file.sync()
        for group, records, at, next_at in fresh:
            for place, number in group.links(records, at, next_at):
                self._file.patch(place, number.to_bytes(8, "little"))

    def close(self) -> None:
        """Put the last links onto the disk."""
        self._file.sync()
        self._file.close()
