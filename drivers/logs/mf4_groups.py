"""A group of an MF4's bus logging, as asammdf has it, to frames.

The names of its channels are those of ASAM's bus logging: CAN_DataFrame.ID, .IDE, .DataLength …
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numpy as np

from tianyuan.control.kernels import kernel
from tianyuan.dbc.frame import BRS, ERROR, EXTENDED, EXTENDED_MASK, FDF, REMOTE, TX, frames
from tianyuan.drivers.logs.channels import Channels
from tianyuan.drivers.logs.notes import Notes
from tianyuan.drivers.logs.text import BLOCK

KINDS: Final = {"CAN_DataFrame": 0, "CAN_RemoteFrame": REMOTE, "CAN_ErrorFrame": ERROR}
_BUS_EVENT: Final = 2  # of a group's flags
_CAN: Final = 2  # of its source's bus types
_VIRTUAL: Final = (3, 6)  # types of channels without bits in the record, made by their conversion
_LINEAR: Final = 1  # type of conversion
_BLOCK_HEAD: Final = 24  # bytes
_OFFSET_BYTES: Final = 4  # before each payload that is not in its record
_ESI: Final = 0x02
_LENGTHS: Final = np.array([*range(9), 12, 16, 20, 24, 32, 48, 64])
_MOST: Final = 64
_PAYLOAD: Final = 8  # a frame's bytes before its payload
_SECOND_NS: Final = 1_000_000_000


class _Piece(NamedTuple):
    """Some of a group's records, as asammdf gives them, and how many of them there are."""

    fragment: Any
    size: int


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
        self.records = int(self._group.channel_group.cycles_nr)
        if size is not None:
            room = _bytes_there(self._group.get_data_blocks(), size)
            record = max(int(self._group.channel_group.samples_byte_nr), 1)
            self.records = min(self.records, room // record)

    def blocks(self, channels: Channels, notes: Notes) -> Iterator[np.recarray]:
        """The frames (n,) FRAME of its records, without those that a cut file has in part."""
        room = self._room()
        for piece in self._pieces():
            made, room = self._frames(piece, channels, notes, room)
            if made.size:
                yield made
            if made.size < piece.size:
                return

    def _pieces(self) -> Iterator[_Piece]:
        """The records, unpacked once for all of their fields: asammdf would do it for each."""
        head = self._group.channel_group
        apart = 0 if self._group.uses_ld else int(head.invalidation_bytes_nr)
        record = max(int(head.samples_byte_nr) + apart, 1)
        self._mdf.configure(read_fragment_size=BLOCK * record)
        left = self.records
        for fragment in self._mdf._mdf._load_data(self._group):
            count = min(len(fragment.data) // record, left)
            if not count:
                return
            yield _Piece(fragment, count)
            left -= count

    def _room(self) -> int | None:
        """Bytes that there are of payloads outside of the records, None if that is all."""
        data = self._fields.get("DataBytes")
        if self._size is None or data is None or self._group.channels[data].channel_type != 1:
            return None
        return _bytes_there(self._group.get_signal_data_blocks(data), self._size)

    def _frames(
        self, piece: _Piece, channels: Channels, notes: Notes, room: int | None
    ) -> tuple[np.recarray, int | None]:
        lengths, count = self._lengths(piece), piece.size
        if room is not None:
            ends = np.cumsum(lengths + _OFFSET_BYTES)
            count = int(np.searchsorted(ends, room, side="right"))
            lengths, room = lengths[:count], room - int(ends[count - 1] if count else 0)
            piece = piece._replace(size=count)
        made = frames(count)
        if not count:
            return made, room
        if too_long := int((lengths > _MOST).sum()):
            notes.add("length that no frame has", f"{lengths.max()} bytes", too_long)
        made.length = np.minimum(lengths, _MOST)
        number = self._values("ID", piece).astype(np.uint32)
        extended = self._values("IDE", piece, number >> np.uint32(31)) > 0
        made.can_id = (number & EXTENDED_MASK) | np.where(extended, EXTENDED, 0) | self._kind
        made["flags"] = self._flags(piece)
        made.reserved = np.where(self._sent(piece), TX, 0)
        made.t_ns = self._times_ns(piece)
        buses = self._values("BusChannel", piece).astype(np.int64)
        if (buses == buses[0]).all():  # the usual log
            made.channel = channels.numbered(int(buses[0]))
        else:
            for bus in np.unique(buses):
                made.channel[buses == bus] = channels.numbered(int(bus))
        if not self._kind & REMOTE:
            self._payloads(made, piece)
        return made, room

    def _values(self, field: str, piece: _Piece, missing: np.ndarray | None = None) -> np.ndarray:
        """A field's values (count,), ``missing`` or zeros where the file does not have it."""
        index = self._fields.get(field)
        if index is None:
            return np.zeros(piece.size, np.int64) if missing is None else missing
        channel = self._group.channels[index]
        # A length may be the DLC converted; what has no bits is nothing but its conversion.
        is_raw = channel.channel_type not in _VIRTUAL and field != "DataLength"
        return self._get(index, piece, is_raw)

    def _get(self, index: int, piece: _Piece, is_raw: bool) -> np.ndarray:
        samples, _ = self._mdf.get(
            group=self._number,
            index=index,
            raw=is_raw,
            samples_only=True,
            data=piece.fragment,
            ignore_invalidation_bits=True,
        )
        return samples[: piece.size]

    def _lengths(self, piece: _Piece) -> np.ndarray:
        if "DataLength" in self._fields and not self._kind & REMOTE:
            return self._values("DataLength", piece).astype(np.int64)
        dlc = self._values("DLC", piece).astype(np.int64)
        return np.minimum(_LENGTHS[np.minimum(dlc, 15)], _MOST if "EDL" in self._fields else 8)

    def _flags(self, piece: _Piece) -> np.ndarray:
        fd = self._values("EDL", piece) > 0
        brs = self._values("BRS", piece) > 0
        esi = self._values("ESI", piece) > 0
        return np.where(fd, FDF | np.where(brs, BRS, 0) | np.where(esi, _ESI, 0), 0)

    def _sent(self, piece: _Piece) -> np.ndarray:
        direction = self._values("Dir", piece)
        if direction.dtype.kind in "SU":
            return np.char.lower(direction.astype("U")) == "tx"
        return direction > 0

    def _times_ns(self, piece: _Piece) -> np.ndarray:
        index = self._mdf.masters_db[self._number]
        channel = self._group.channels[index]
        scale = channel.conversion
        if channel.channel_type in _VIRTUAL or (scale and scale.conversion_type != _LINEAR):
            seconds = self._get(index, piece, False)
            return np.rint(seconds * 1e9).astype(np.int64) + self._start_ns
        unit_ns = (scale.a if scale else 1.0) * 1e9
        begin_ns = self._start_ns + round((scale.b if scale else 0.0) * 1e9)
        raw = self._get(index, piece, True)
        whole = round(unit_ns)
        if raw.dtype.kind in "iu" and whole and abs(unit_ns - whole) < 1e-6 * whole:
            return raw.astype(np.int64) * whole + begin_ns
        return np.rint(raw * unit_ns).astype(np.int64) + begin_ns

    def _payloads(self, made: np.recarray, piece: _Piece) -> None:
        if "DataBytes" not in self._fields:
            return
        data = self._get(self._fields["DataBytes"], piece, True)
        _copy(np.ascontiguousarray(data), made.view(np.uint8).reshape(made.size, -1), made.length)


@kernel
def _copy(data, octets, lengths):
    """Copy payloads, as far as they are used, into frames as bytes (n, bytes of a frame)."""
    width = min(data.shape[1], _MOST)
    for i in range(lengths.size):
        for k in range(min(width, np.int64(lengths[i]))):
            octets[i, _PAYLOAD + k] = data[i, k]


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
