"""An MF4 as asammdf has it, its records sorted by kernels.

Loggers write the records of all groups into one stream, each behind the number of its group.
asammdf parts them one by one when it opens such a file, which takes most of the opening.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import numpy as np
from asammdf.blocks import v4_constants as v4c
from asammdf.blocks.mdf_v4 import MDF4
from asammdf.blocks.utils import DataBlockInfo, SignalDataBlockInfo

from tianyuan.drivers.logs.mf4_records import NO_GROUP, part, walk

PIECE: Final = 1 << 22  # bytes of a stream at a time
_MOST_ID: Final = 1 << 16  # of a group's number; with a greater one asammdf sorts
_ID_BYTES: Final = (1, 2, 4, 8)


class SortedMdf(MDF4):
    """Opens a file of version 4 as asammdf does. What is not as it should be is left to that."""

    def __init__(self, file: Path) -> None:
        # What asammdf's MDF says beside. With bus logging processed, it would look through all
        # frames for their identifiers.
        internal: dict[str, Any] = {"__internal__": True, "original_name": None}
        super().__init__(file, process_bus_logging=False, **internal)

    def _sort(self, stream: Any, *args: Any, **kwargs: Any) -> None:
        streams: dict[int, list[int]] = {}
        for number, group in enumerate(self.groups):
            if not group.sorted and (block := next(group.get_data_blocks(), None)):
                streams.setdefault(block.address, []).append(number)
        for numbers in streams.values():
            self._sort_stream(numbers)
        super()._sort(stream, *args, **kwargs)

    def _sort_stream(self, numbers: list[int]) -> None:
        """Give groups that share a stream of records each its own, in the temporary file."""
        first = self.groups[numbers[0]]
        ids = {number: int(self.groups[number].channel_group.record_id) for number in numbers}
        id_bytes, kept = int(first.data_group.record_id_len), bytearray()
        if max(ids.values()) >= _MOST_ID or id_bytes not in _ID_BYTES:
            return
        sizes = np.full(max(ids.values()) + 1, NO_GROUP, np.int64)
        for record_id in ids.values():
            sizes[record_id] = first.record_size[record_id]
        parts: dict[int, list[tuple[int, int]]] = {record_id: [] for record_id in ids.values()}
        for piece in self._pieces(first):
            data = np.frombuffer(kept + piece, np.uint8)
            counts = np.zeros(sizes.size, np.int64)
            end = walk(data, id_bytes, sizes, counts)
            if end < 0:
                return
            kept = bytearray(data[end:])
            self._part(data[:end], id_bytes, sizes, counts, parts)
        for number, record_id in ids.items():
            self._give(number, parts[record_id])

    def _pieces(self, group: Any) -> Any:
        """A group's blocks as one stream: to asammdf, records of one byte."""
        blocks = list(group.get_data_blocks())
        stream = SimpleNamespace(
            samples_byte_nr=1,
            invalidation_bytes_nr=0,
            cycles_nr=sum(block.original_size for block in blocks),
        )
        whole: Any = SimpleNamespace(
            channel_group=stream,
            channels=[],
            data_blocks=blocks,
            data_location=group.data_location,
            read_split_count=PIECE,
            uses_ld=False,
        )
        return (fragment.data for fragment in self._load_data(whole))

    def _part(
        self,
        data: np.ndarray,
        id_bytes: int,
        sizes: np.ndarray,
        counts: np.ndarray,
        parts: dict[int, list[tuple[int, int]]],
    ) -> None:
        """Write the records of each group one behind the other; note address and bytes."""
        ends = np.cumsum(counts)
        sorted_data = np.empty(int(ends[-1]), np.uint8)
        part(data, id_bytes, sizes, ends - counts, sorted_data)
        self._tempfile.seek(0, 2)
        begin = self._tempfile.tell()
        self._tempfile.write(sorted_data.data)
        for record_id in np.flatnonzero(counts).tolist():
            size = int(counts[record_id])
            parts[record_id].append((begin + int(ends[record_id]) - size, size))

    def _give(self, number: int, parts: list[tuple[int, int]]) -> None:
        group = self.groups[number]
        where: dict[str, Any] = {
            "block_type": v4c.DT_BLOCK,
            "location": v4c.LOCATION_TEMPORARY_FILE,
        }
        owner = self._cn_data_map.get(group.channel_group.address)
        if owner is not None:  # payloads of another group's channel
            signals: Any = self.groups[owner[0]].signal_data
            signals[owner[1]] = [
                SignalDataBlockInfo(at, size, compressed_size=size, **where) for at, size in parts
            ]
            parts = []
        group.data_location = v4c.LOCATION_TEMPORARY_FILE
        group.set_blocks_info(
            [DataBlockInfo(at, original_size=size, compressed_size=size, param=None, **where)
             for at, size in parts]
        )  # fmt: skip
        group.sorted = True
