"""Vector's binary log: containers of packed objects, unpacked here, read by ``blf_objects.py``."""

from __future__ import annotations

import datetime
import struct
from collections.abc import Iterator
from typing import Final, cast

import numpy as np
from isal import isal_zlib

from tianyuan.dbc.frame import frames
from tianyuan.drivers.logs.blf_objects import (
    BASE_BYTES,
    CURSOR,
    FAULTS,
    LONGEST,
    PADDING,
    parse,
)
from tianyuan.drivers.logs.channels import Channels
from tianyuan.drivers.logs.notes import Notes
from tianyuan.drivers.logs.source import Source
from tianyuan.drivers.logs.text import BLOCK, DONE, NEW_NAME, views

# LOGG, bytes of the header, …, when it began: year, month, weekday, day, hour, minute, s, ms
_HEADER: Final = struct.Struct("<4sL32x8H")
_HEADER_BYTES: Final = 144
_OBJECT: Final = struct.Struct("<4sHHLL")  # LOBJ, bytes and version of the header, bytes, type
_SIGNATURE: Final = b"LOBJ"
_CONTAINER: Final = 10
_CONTAINER_HEAD: Final = 32  # bytes, of which the 17th and 18th name the method
_STORED, _DEFLATED = 0, 2
_LARGEST: Final = 1 << 26  # bytes of a container: python-can writes 128 kB, CANoe as much
_BUSES: Final = 1 << 16
_ERROR: Final = cast(type[Exception], isal_zlib.error)  # its stub calls the class an instance
_EPOCH: Final = datetime.datetime(1970, 1, 1)


def read(source: Source, channels: Channels, notes: Notes) -> Iterator[np.recarray]:
    """Blocks of a BLF log's frames."""
    objects = _Objects(_start_ns(source, notes), channels, notes)
    for content, is_whole in _contents(source, notes):
        yield from objects.add(content)
        if not is_whole:
            objects.forget()
    yield from objects.rest()


def _start_ns(source: Source, notes: Notes) -> int:
    """When the log began, as ns since 1970; 0 where it does not say."""
    head = source.read(_HEADER.size)
    if len(head) < _HEADER.size:
        notes.add("cut off", "within its header")
        return 0
    _, size, year, month, _, day, hour, minute, second, ms = _HEADER.unpack(head)
    source.read((size if _HEADER.size <= size <= BLOCK else _HEADER_BYTES) - _HEADER.size)
    try:
        began = datetime.datetime(year, month, day, hour, minute, second, ms * 1000)
    except ValueError:
        return 0
    return (began - _EPOCH) // datetime.timedelta(milliseconds=1) * 1_000_000


def _contents(source: Source, notes: Notes) -> Iterator[tuple[bytes, bool]]:
    """What the containers hold, and whether that is all they held; and objects outside of one."""
    held = _Held(source)
    while len(held.ahead(BASE_BYTES)) >= BASE_BYTES:
        padding = held.ahead(PADDING + 4).find(_SIGNATURE, 0, PADDING + 4)
        if padding < 0:
            notes.add("garbage bytes", f"byte {source.read_bytes}")
            held.skip_to(_SIGNATURE)
            continue
        held.skip(padding)
        head = held.ahead(BASE_BYTES)
        if len(head) < BASE_BYTES:
            break
        _, _, _, size, kind = _OBJECT.unpack(head[:BASE_BYTES])
        if not BASE_BYTES <= size <= (_LARGEST if kind == _CONTAINER else LONGEST):
            notes.add("damaged object", f"byte {source.read_bytes}: {size} bytes")
            held.skip(len(_SIGNATURE))
            continue
        content = held.take(size)
        if kind == _CONTAINER:
            yield _unpacked(content, notes)
        else:
            yield content, len(content) == size
        if len(content) < size:
            notes.add("cut off", f"the last {len(content)} bytes are of an object of {size}")
    if held.ahead(1).strip(b"\0"):
        notes.add("cut off", "within the head of an object")


def _unpacked(container: bytes, notes: Notes) -> tuple[bytes, bool]:
    """What a container holds, as far as it can be had, and whether that is all."""
    if len(container) < _CONTAINER_HEAD:
        return b"", False
    method = int.from_bytes(container[BASE_BYTES : BASE_BYTES + 2], "little")
    packed = container[_CONTAINER_HEAD:]
    if method == _STORED:
        return packed, True
    if method != _DEFLATED:
        notes.add("container of an unknown kind", f"packed by method {method}")
        return b"", False
    inflate = isal_zlib.decompressobj()
    try:
        return inflate.decompress(packed), inflate.eof
    except _ERROR as error:
        notes.add("damaged container", str(error))
        return _before_damage(packed), False


def _before_damage(packed: bytes) -> bytes:
    """What can be unpacked before the first byte that is wrong."""
    inflate = isal_zlib.decompressobj()
    content = bytearray()
    try:
        for at in range(len(packed)):
            content += inflate.decompress(packed[at : at + 1])
    except _ERROR:
        pass
    return bytes(content)


class _Held:
    """Bytes of a source that can be looked at before they are taken."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._bytes = b""

    def ahead(self, size: int) -> bytes:
        """At least ``size`` bytes as long as there are."""
        if len(self._bytes) < size:
            self._bytes += self._source.read(max(size - len(self._bytes), BLOCK))
        return self._bytes

    def take(self, size: int) -> bytes:
        """The next ``size`` bytes, fewer only at the end."""
        taken = self.ahead(size)[:size]
        self._bytes = self._bytes[size:]
        return taken

    def skip(self, size: int) -> None:
        self._bytes = self._bytes[size:]

    def skip_to(self, signature: bytes) -> None:
        """Skip what is before ``signature``, or all."""
        while (at := self.ahead(len(signature)).find(signature)) < 0:
            kept = len(signature) - 1
            self.skip(len(self._bytes) - kept)
            if len(self.ahead(len(signature))) <= kept:
                at = kept
                break
        self.skip(at)


class _Objects:
    """Frames of the bytes that containers held, which may break an object anywhere."""

    def __init__(self, start_ns: int, channels: Channels, notes: Notes) -> None:
        self._channels = channels
        self._notes = notes
        self._numbers = np.full(_BUSES, -1, np.int64)
        self._cursor = np.zeros(1, CURSOR).view(np.recarray)
        self._cursor.start_ns = start_ns
        self._tail = b""
        self._made = frames(BLOCK)

    def add(self, content: bytes) -> Iterator[np.recarray]:
        """The full blocks that there are with these bytes."""
        buffer = bytearray(self._tail + content)
        data = np.frombuffer(buffer, np.uint8)
        self._cursor.at = 0
        while (stop := self._parse(data)) != DONE:
            if stop == NEW_NAME:
                number = int(self._cursor[0].number)
                self._numbers[number] = self._channels.numbered(number - 1)
            else:
                yield self._block()
        self._tail = bytes(buffer[int(self._cursor[0].at) :])

    def forget(self) -> None:
        """Drop the object that the bytes so far do not end: what follows does not belong to it."""
        if self._tail.strip(b"\0"):
            self._notes.add("cut off", f"object {int(self._cursor[0].objects) + 1}")
        self._tail = b""

    def rest(self) -> Iterator[np.recarray]:
        """The last block, and the notes of all."""
        self.forget()
        if self._cursor[0].frames:
            yield self._block()
        found = self._cursor[0]
        for fault in np.flatnonzero(found.times):
            where = f"after {found.first[fault]} objects"
            self._notes.add(FAULTS[fault], where, int(found.times[fault]))
        for kind in np.flatnonzero(found.other):
            self._notes.add("object that is no frame", f"type {kind}", int(found.other[kind]))

    def _parse(self, data: np.ndarray) -> int:
        return parse(data, data.size, views(self._made), self._numbers, self._cursor[0])

    def _block(self) -> np.recarray:
        block = self._made[: int(self._cursor[0].frames)].view(np.recarray)
        self._made = frames(BLOCK)
        self._cursor.frames = 0
        return block
