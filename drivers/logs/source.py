"""A log's bytes, unpacked if it is gzipped, as far as they can be had."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO, Final, Protocol, Self, cast

from isal import isal_zlib

from tianyuan.control.errors import InputError
from tianyuan.drivers.logs.notes import Notes

GZIP: Final = b"\x1f\x8b"
HEAD: Final = 1 << 16  # bytes, enough to tell formats apart
_PIECE: Final = 1 << 12  # bytes unpacked at once: what a damaged one would have held is lost
# Its stub calls the class an instance.
_UNREADABLE: Final = (cast(type[Exception], isal_zlib.error), OSError)
_GZIP_WBITS: Final = 31  # zlib's way to say gzip


class _Stream(Protocol):
    def readinto(self, view: memoryview, /) -> int: ...


class _Gunzip:
    """The bytes in a gzipped file of one member or many, each as soon as it can be had.

    The libraries' files of this kind lose what they have unpacked when the file ends early.
    """

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self._member = isal_zlib.decompressobj(_GZIP_WBITS)
        self._packed = b""
        self._is_within = False

    def readinto(self, view: memoryview, /) -> int:
        """As files do, but no more than a piece; EOFError where the file ends within a member."""
        while self._packed or self._next():
            piece = self._member.decompress(self._packed, len(view))
            self._packed = self._member.unconsumed_tail
            if self._member.eof:
                self._packed = self._member.unused_data.lstrip(b"\0")
                self._member = isal_zlib.decompressobj(_GZIP_WBITS)
                self._is_within = bool(self._packed)
            if piece:
                view[: len(piece)] = piece
                return len(piece)
        if self._is_within:
            raise EOFError
        return 0

    def _next(self) -> bytes:
        self._packed = self._raw.read(_PIECE)
        self._is_within = self._is_within or bool(self._packed)
        return self._packed


class Source:
    """One pass through a file. What cannot be read of it ends it and is noted.

    Raises InputError for a file that cannot be opened, is a folder or is empty.
    """

    def __init__(self, file: Path, notes: Notes) -> None:
        self.file = file
        self._has_ended = False
        self.share: float | None = None  # read so far, of a file that a library reads for us
        self._notes = notes
        try:
            self._raw: BinaryIO = file.open("rb")
        except OSError as error:
            if file.is_dir():
                raise InputError(f"{file}: is a folder; name a log in it") from None
            raise InputError(f"{file}: cannot be read: {error.strerror}") from None
        self.size_bytes = os.fstat(self._raw.fileno()).st_size
        self.is_packed = self._raw.read(2) == GZIP
        self._raw.seek(0)
        self._stream: _Stream = cast(_Stream, self._raw)
        if self.is_packed:
            self._stream = _Gunzip(self._raw)
        self._ahead = b""
        self._ahead = self.head = self.read(HEAD)
        if not self.head:
            self.close()
            why = f"{notes.all()[0].first}, before anything in it" if notes.all() else "is empty"
            raise InputError(f"{file}: {why}, so no log")

    @property
    def read_bytes(self) -> int:
        """Bytes of the file so far."""
        if self.share is not None:
            return int(self.size_bytes * self.share)
        return self.size_bytes if self._raw.closed else self._raw.tell()

    def readinto(self, view: memoryview) -> int:
        """Fill ``view``: the bytes that came, fewer than it holds only at the end."""
        done = 0
        while done < len(view) and (came := self._come(view[done:])):
            done += came
        return done

    def read(self, size: int) -> bytes:
        """The next ``size`` bytes, fewer only at the end."""
        into = bytearray(size)
        return bytes(memoryview(into)[: self.readinto(memoryview(into))])

    def _come(self, view: memoryview) -> int:
        if self._ahead:
            piece, self._ahead = self._ahead[: len(view)], self._ahead[len(view) :]
            view[: len(piece)] = piece
            return len(piece)
        if self._has_ended:
            return 0
        try:
            return self._stream.readinto(view)
        except EOFError:
            self._notes.add("cut off", "the gzipped file ends early")
        except _UNREADABLE as error:
            self._notes.add("damaged", f"byte {self.read_bytes}: {error}")
        self._has_ended = True
        return 0

    def close(self) -> None:
        """Read no more."""
        self._raw.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
