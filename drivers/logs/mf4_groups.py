"""A group of an MF4's bus logging, as asammdf has it, to frames.

The names of its channels are those of ASAM's bus logging: CAN_DataFrame.ID, .IDE, .DataLength …
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from tianyuan.dbc.frame import BRS, ERROR, EXTENDED_MASK, FDF, REMOTE, TX, frames
from tianyuan.drivers.logs.channels import Channels
from tianyuan.drivers.logs.mf4_payloads import copy, take
from tianyuan.drivers.logs.notes import Notes
from tianyuan.drivers.logs.text import BLOCK

KINDS: Final = {"CAN_DataFrame": 0, "CAN_RemoteFrame": REMOTE, "CAN_ErrorFrame": ERROR}
_BUS_EVENT: Final = 2  # of a group's flags
_CAN: Final = 2  # of its source's bus types
_VIRTUAL: Final = (3, 6)  # types of channels without bits in the record, made by their conversion
_LINEAR: Final = 1  # type of conversion
_OUTSIDE: Final = 1  # type of a channel whose records have only places in data of their own
_ESI: Final = 0x02
_PLACE_BYTES: Final = 8
_LENGTHS: Final = np.array([*range(9), 12, 16, 20, 24, 32, 48, 64])
_MOST: Final = 64
_SECOND_NS: Final = 1_000_000_000


class Group:
    """One group of CAN frames: ``blocks`` reads them in the order of its records."""

    def __init__(self, mdf: Any, number: int, kind: str, start_ns: int, size: int | None) -> None:
        self._mdf = mdf._mdf  # the MDF 4 in it, which also has the data before they are signals
        self._number = number
        self._group = mdf.groups[number]
        self._kind = KINDS[kind]
        self._start_ns = start_ns
        self._fields = {
            channel.name.partition(f"{kind}.")[2]: index
            for index, channel in enumerate(self._group.channels)
        }
        self._size = size
        self._records: Any = None
        self._record_bytes = 1
        self.records = int(self._group.channel_group.cycles_nr)
        if size is not None:
            room = _bytes_there(self._group.get_data_blocks(), size)
            record = max(int(self._group.channel_group.samples_byte_nr), 1)
            self.records = min(self.records, room // record)

    def blocks(self, channels: Channels, notes: Notes) -> Iterator[np.recarray]:
        """The frames (n,) FRAME of its records, up to the first whose payload is not there."""
        for offset, count in self._pieces():
            made = self._frames(count, channels, notes)
            there = count if self._kind & REMOTE else self._payloads(made, count)
            if there:
                yield made[:there].view(np.recarray)
            if there < count:
                notes.add("cut off", f"record {offset + there + 1} has no payload")
                return

    def _frames(self, count: int, channels: Channels, notes: Notes) -> np.recarray:
        """Frames without their payloads."""
        lengths = self._lengths(count)
        made = frames(count)
        if too_long := int((lengths > _MOST).sum()):
            notes.add("length that no frame has", f"{lengths.max()} bytes", too_long)
        made.length = np.minimum(lengths, _MOST)
        number = self._values("ID", count).astype(np.uint32)
        extended = self._values("IDE", count, number >> np.uint32(31)) > 0
        number &= np.uint32(EXTENDED_MASK)
        number |= extended.astype(np.uint32) << np.uint32(31)
        made.can_id = number | np.uint32(self._kind)
        made["flags"] = self._flags(count)
        made.reserved[self._sent(count)] = TX
        made.t_ns = self._times_ns(count)
        self._name(made, self._values("BusChannel", count).astype(np.int64), channels)
        return made

    def _pieces(self) -> Iterator[tuple[int, int]]:
        """Where a piece of the records begins and how many it has; ``_records`` holds them.

        Unpacked once for all of their fields, and in order: asammdf would do it for each.
        """
        head = self._group.channel_group
        apart = 0 if self._group.uses_ld else int(head.invalidation_bytes_nr)
        self._record_bytes = max(int(head.samples_byte_nr) + apart, 1)
        self._mdf._read_fragment_size = BLOCK * self._record_bytes
        offset = 0
        for records in self._mdf._load_data(self._group):
            self._records = records
            whole = len(self._records.data) // self._record_bytes
            count = min(whole, self.records - offset)
            if not count:
                return
            yield offset, count
            offset += count

    @staticmethod
    def _name(made: np.recarray, buses: np.ndarray, channels: Channels) -> None:
        """Give the frames their channels."""
        left = np.ones(buses.size, bool)
        while left.any():
            bus = buses[left.argmax()]
            these = buses == bus
            made.channel[these] = channels.numbered(int(bus))
            left &= ~these

    def _values(self, field: str, count: int, missing: np.ndarray | None = None) -> np.ndarray:
        """A field's values (count,), ``missing`` or zeros where the file does not have it."""
        index = self._fields.get(field)
        if index is None:
            return np.zeros(count, np.int64) if missing is None else missing
        channel = self._group.channels[index]
        # A length may be the DLC converted; what has no bits is nothing but its conversion.
        is_raw = channel.channel_type not in _VIRTUAL and field != "DataLength"
        return self._get(index, count, is_raw)

    def _get(self, index: int, count: int, is_raw: bool) -> np.ndarray:
        samples, _ = self._mdf.get(
            group=self._number,
            index=index,
            data=self._records,
            raw=is_raw,
            samples_only=True,
            ignore_invalidation_bits=True,
        )
        return samples[:count]

    def _lengths(self, count: int) -> np.ndarray:
        if "DataLength" in self._fields and not self._kind & REMOTE:
            return self._values("DataLength", count).astype(np.int64)
        dlc = self._values("DLC", count).astype(np.int64)
        return np.minimum(_LENGTHS[np.minimum(dlc, 15)], _MOST if "EDL" in self._fields else 8)

    def _flags(self, count: int) -> np.ndarray:
        fd = self._values("EDL", count) > 0
        if not fd.any():
            return np.zeros(count, np.uint8)
        brs = self._values("BRS", count) > 0
        esi = self._values("ESI", count) > 0
        return np.where(fd, FDF | np.where(brs, BRS, 0) | np.where(esi, _ESI, 0), 0)

    def _sent(self, count: int) -> np.ndarray:
        direction = self._values("Dir", count)
        if direction.dtype.kind in "SU":
            return np.char.lower(direction.astype("U")) == "tx"
        return direction > 0

    def _times_ns(self, count: int) -> np.ndarray:
        index = self._mdf.masters_db[self._number]
        channel = self._group.channels[index]
        scale = channel.conversion
        if channel.channel_type in _VIRTUAL or (scale and scale.conversion_type != _LINEAR):
            seconds = self._get(index, count, False)
            return np.rint(seconds * 1e9).astype(np.int64) + self._start_ns
        unit_ns = (scale.a if scale else 1.0) * 1e9
        begin_ns = self._start_ns + round((scale.b if scale else 0.0) * 1e9)
        raw = self._get(index, count, True)
        whole = round(unit_ns)
        if raw.dtype.kind in "iu" and whole and abs(unit_ns - whole) < 1e-6 * whole:
            return raw.astype(np.int64) * whole + begin_ns
        with np.errstate(invalid="ignore"):  # damaged times are any number
            return np.rint(raw * unit_ns).astype(np.int64) + begin_ns

    def _payloads(self, made: np.recarray, count: int) -> int:
        """Write the frames' payloads: how many of these are there."""
        index = self._fields.get("DataBytes")
        if index is None:
            return count
        lengths = made.length.astype(np.int64)
        if self._group.channels[index].channel_type == _OUTSIDE:
            return self._payloads_outside(made, lengths, index, count)
        data = self._get(index, count, True)
        copy(np.ascontiguousarray(data), lengths, made.view(np.uint8).reshape(count, -1))
        return count

    def _payloads_outside(
        self, made: np.recarray, lengths: np.ndarray, index: int, count: int
    ) -> int:
        """Our own look-up: asammdf's goes past the end of damaged data, and of the process."""
        at = int(self._group.channels[index].byte_offset)
        records = np.frombuffer(self._records.data, np.uint8, count * self._record_bytes)
        records = records.reshape(count, -1)
        places = records[:, at : at + _PLACE_BYTES].copy().view("<i8")[:, 0]
        begin, end = max(int(places.min()), 0), int(places.max())
        data = self._mdf._load_signal_data(self._group, index, (begin, max(begin, end)))
        there = len(data)
        if self._size is not None:
            room = _bytes_there(self._group.get_signal_data_blocks(index), self._size)
            there = min(there, max(room - begin, 0))
        octets = made.view(np.uint8).reshape(count, -1)
        return take(
            np.frombuffer(bytearray(data), np.uint8), there, places - begin, lengths, octets
        )


def can_groups(mdf: Any, start_ns: int, size: int | None) -> list[Group]:
    """The groups of CAN frames in a file; ``size`` is how much there is of one that is cut off."""
    found = []
    for number, group in enumerate(mdf.groups):
        head = group.channel_group
        source = head.acq_source
        if not (head.flags & _BUS_EVENT and source and source.bus_type == _CAN):
            continue
        names = {channel.name for channel in group.channels}
        kind = next((kind for kind in KINDS if any(f"{kind}." in name for name in names)), None)
        if kind and head.cycles_nr:
            found.append(Group(mdf, number, kind, start_ns, size))
    return found


def _bytes_there(blocks: Any, size: int) -> int:
    """Bytes, unpacked, of a list of data blocks, up to the first that is not there whole."""
    there = 0
    for block in blocks:
        packed = block.compressed_size or block.original_size
        left = size - block.address
        if left >= packed:
            there += block.original_size
        elif packed == block.original_size and left > 0:
            return there + left
        else:
            return there
    return there
