"""A group of an MF4's bus logging, as asammdf has it, to frames.

The names of its channels are those of ASAM's bus logging: CAN_DataFrame.ID, .IDE, .DataLength …
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import numpy as np

from tianyuan.dbc.frame import BRS, ERROR, EXTENDED, EXTENDED_MASK, FDF, REMOTE, TX, frames
from tianyuan.drivers.logs.channels import Channels
from tianyuan.drivers.logs.mf4_records import copy, heads, take
from tianyuan.drivers.logs.notes import Notes
from tianyuan.drivers.logs.text import BLOCK, views

KINDS: Final = {"CAN_DataFrame": 0, "CAN_RemoteFrame": REMOTE, "CAN_ErrorFrame": ERROR}
_BUS_EVENT: Final = 2  # of a group's flags
_CAN: Final = 2  # of its source's bus types
_VIRTUAL: Final = (3, 6)  # types of channels without bits in the record, made by their conversion
_LINEAR: Final = 1  # type of conversion
_OUTSIDE: Final = 1  # type of a channel whose records have only places in data of their own
_UNSIGNED: Final = 0  # types of a field's bits, the lowest first
_REAL: Final = 4
_ESI: Final = 0x02
_PLAIN: Final = 0  # type of a block of data that is not packed
_PLACE_BYTES: Final = 8
_LENGTHS: Final = np.array([*range(9), 12, 16, 20, 24, 32, 48, 64])
_MOST: Final = 64
_SECOND_NS: Final = 1_000_000_000


class Group:
    """One group of CAN frames: ``blocks`` reads them in the order of its records."""

    def __init__(self, mdf: Any, number: int, kind: str, start_ns: int, size: int | None) -> None:
        self._mdf = mdf
        self._number = number
        self._group = mdf.groups[number]
        self._kind = KINDS[kind]
        self._start_ns = start_ns
        self._fields = {
            channel.name.partition(f"{kind}.")[2]: index
            for index, channel in enumerate(self._group.channels)
        }
        self._size = size
        self._fragment: Any = None  # of asammdf, whose records these are
        self._records = np.zeros((0, 1), np.uint8)
        self._record_bytes = 1
        self.records = int(self._group.channel_group.cycles_nr)
        if size is not None:
            room = _bytes_there(self._group.get_data_blocks(), size)
            record = max(int(self._group.channel_group.samples_byte_nr), 1)
            self.records = min(self.records, room // record)
            # What is before a block that cannot be unpacked would go with it.
            self._group.set_blocks_info(_blocks_there(self._group.get_data_blocks(), size))

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
        if too_long := int((lengths > _MOST).sum()):
            notes.add("length that no frame has", f"{lengths.max()} bytes", too_long)
        number = self._values("ID", count).astype(np.int64)
        extended = self._values("IDE", count, number >> 31 & 1) > 0
        made = frames(count)
        heads(
            number & EXTENDED_MASK | np.where(extended, EXTENDED | self._kind, self._kind),
            np.minimum(lengths, _MOST),
            self._flags(count),
            _numbered(self._values("BusChannel", count).astype(np.int64), channels),
            np.where(self._sent(count), TX, 0),
            self._times_ns(count),
            views(made),
        )
        return made

    def _pieces(self) -> Iterator[tuple[int, int]]:
        """Where a piece of the records begins and how many it has: ``_records`` (n, bytes).

        Unpacked once for all of their fields, and in order: asammdf would do it for each.
        """
        head = self._group.channel_group
        apart = 0 if self._group.uses_ld else int(head.invalidation_bytes_nr)
        self._record_bytes = max(int(head.samples_byte_nr) + apart, 1)
        self._mdf._read_fragment_size = BLOCK * self._record_bytes
        offset = 0
        for fragment in self._mdf._load_data(self._group):
            count = min(len(fragment.data) // self._record_bytes, self.records - offset)
            if not count:
                return
            self._fragment = fragment
            octets = np.frombuffer(fragment.data, np.uint8, count * self._record_bytes)
            self._records = octets.reshape(count, -1)
            yield offset, count
            offset += count

    def _values(self, field: str, count: int, missing: np.ndarray | None = None) -> np.ndarray:
        """A field's values (count,), ``missing`` or zeros where the file does not have it."""
        index = self._fields.get(field)
        if index is None:
            return np.zeros(count, np.int64) if missing is None else missing
        channel = self._group.channels[index]
        # What has no bits is nothing but its conversion.
        return self._get(index, count, channel.channel_type not in _VIRTUAL)

    def _get(self, index: int, count: int, is_raw: bool) -> np.ndarray:
        channel = self._group.channels[index]
        if is_raw and _is_plain(channel, self._record_bytes):
            return _bits(self._records, channel)
        if not is_raw and _is_constant(channel):
            return np.full(count, channel.conversion.b)
        samples, _ = self._mdf.get(
            group=self._number,
            index=index,
            data=self._fragment,
            raw=is_raw,
            samples_only=True,
            ignore_invalidation_bits=True,
        )
        return samples[:count]

    def _lengths(self, count: int) -> np.ndarray:
        if "DataLength" in self._fields and not self._kind & REMOTE:
            return self._converted(self._fields["DataLength"], count).astype(np.int64)
        dlc = self._values("DLC", count).astype(np.int64)
        return np.minimum(_LENGTHS[np.minimum(dlc, 15)], _MOST if "EDL" in self._fields else 8)

    def _converted(self, index: int, count: int) -> np.ndarray:
        """A field that may be the DLC converted, as few values as it may have."""
        channel = self._group.channels[index]
        if not (_is_plain(channel, self._record_bytes) and channel.bit_count <= 8):
            return self._get(index, count, False)
        raw = self._get(index, count, True)
        if not channel.conversion:
            return raw
        every = np.arange(1 << int(channel.bit_count), dtype=np.uint8)
        return np.asarray(channel.conversion.convert(every))[raw]

    def _flags(self, count: int) -> np.ndarray:
        fd = self._values("EDL", count) > 0
        if not fd.any():
            return np.zeros(count, np.int64)
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
        channel = self._group.channels[index]
        octets = made.view(np.uint8).reshape(count, -1)
        if channel.channel_type == _OUTSIDE:
            return self._payloads_outside(octets, lengths, index)
        at, size = int(channel.byte_offset), int(channel.bit_count) // 8
        copy(self._records, at, min(size, self._record_bytes - at), lengths, octets)
        return count

    def _payloads_outside(self, octets: np.ndarray, lengths: np.ndarray, index: int) -> int:
        """Our own look-up: asammdf's goes past the end of damaged data, and of the process."""
        at = int(self._group.channels[index].byte_offset)
        places = self._records[:, at : at + _PLACE_BYTES].copy().view("<i8")[:, 0]
        begin, end = max(int(places.min()), 0), int(places.max())
        data = self._mdf._load_signal_data(self._group, index, (begin, max(begin, end)))
        there = len(data)
        if self._size is not None:
            room = _bytes_there(self._group.get_signal_data_blocks(index), self._size)
            there = min(there, max(room - begin, 0))
        return take(
            np.frombuffer(bytearray(data), np.uint8), there, places - begin, lengths, octets
        )


def _is_plain(channel: Any, record_bytes: int) -> bool:
    """Whether the kernel can read a field of the records."""
    begin, width = int(channel.bit_offset), int(channel.bit_count)
    whole = channel.data_type == _REAL and (begin, width) == (0, 64)
    return (
        channel.channel_type not in (_OUTSIDE, *_VIRTUAL)
        and (channel.data_type == _UNSIGNED or whole)
        and begin + width <= 64
        and _word_bytes(begin + width) <= record_bytes
        and 8 * int(channel.byte_offset) + begin + width <= 8 * record_bytes
    )


def _bits(records: np.ndarray, channel: Any) -> np.ndarray:
    """A plain field of records (n, bytes): integers, or doubles."""
    count, record_bytes = records.shape
    begin, width = int(channel.bit_offset), int(channel.bit_count)
    size = _word_bytes(begin + width)
    at = min(int(channel.byte_offset), record_bytes - size)  # a word within the record
    kind = "f" if channel.data_type == _REAL else "u"
    words = np.ndarray(count, f"<{kind}{size}", records, at, (record_bytes,))
    if kind == "f":
        return words.copy()
    values = words.astype(np.int64)
    values >>= begin + 8 * (int(channel.byte_offset) - at)
    values &= (1 << width) - 1 if width < 64 else -1
    return values


def _word_bytes(bits: int) -> int:
    """Bytes of the smallest word that holds so many bits."""
    return next(size for size in (1, 2, 4, 8) if bits <= 8 * size)


def _is_constant(channel: Any) -> bool:
    """Whether a field without bits has one value for all records."""
    scale = channel.conversion
    is_linear = bool(scale) and scale.conversion_type == _LINEAR
    return channel.channel_type in _VIRTUAL and is_linear and scale.a == 0


def _numbered(buses: np.ndarray, channels: Channels) -> np.ndarray:
    """The channels of buses that the file numbers."""
    numbers = np.zeros(buses.size, np.int64)
    left = np.ones(buses.size, bool)
    while left.any():
        bus = buses[left.argmax()]
        these = buses == bus
        numbers[these] = channels.numbered(int(bus))
        left &= ~these
    return numbers


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


def _blocks_there(blocks: Iterable[Any], size: int) -> list[Any]:
    """Data blocks up to the first that is not there; a part of one that is not packed counts."""
    there = []
    for block in blocks:
        stored = block.compressed_size or block.original_size
        missing = stored - (size - block.address)
        if missing > 0 and (block.block_type != _PLAIN or missing >= stored):
            break
        there.append(block)
        if missing > 0:
            break
    return there


def _bytes_there(blocks: Iterable[Any], size: int) -> int:
    """Bytes, unpacked, of those blocks."""
    return sum(
        min(block.original_size, size - block.address)
        if block.block_type == _PLAIN
        else block.original_size
        for block in _blocks_there(blocks, size)
    )
