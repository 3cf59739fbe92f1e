"""Logs that python-can reads. A line that it chokes on costs only itself."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator
from typing import Any, Final

import can
import numpy as np

from tianyuan.dbc.frame import TX, frames
from tianyuan.drivers.logs.channels import Channels
from tianyuan.drivers.logs.notes import Notes
from tianyuan.drivers.logs.source import Source
from tianyuan.drivers.logs.text import BLOCK, shown, whole_lines
from tianyuan.drivers.messages import write_frame

# What its readers raise on lines that are none of theirs, in no class of their own.
_GARBLED: Final = (
    ArithmeticError, AttributeError, LookupError, NotImplementedError, TypeError, ValueError,
    can.CanError, sqlite3.Error,
)  # fmt: skip
_CLASSIC: Final = 8  # bytes at most, whatever more a DLC says
logging.getLogger("can.io").addHandler(logging.NullHandler())  # what it logs we count


class _TrcReader(can.TRCReader):
    """python-can's, but that it says which lines it cannot read instead of passing over them."""

    def _parse_line(self, line: str) -> can.Message | None:
        return self._parse_cols(tuple(line.split(maxsplit=self._num_columns))) if line else None


class _Lines:
    """The lines of a source as python-can takes a file."""

    def __init__(self, source: Source, notes: Notes, is_whole: Callable[[bytes], bool]) -> None:
        self._lines = self._all(whole_lines(source, notes, is_whole))
        self.number = 0
        self._line = b""
        self._blank = False

    @staticmethod
    def _all(texts: Iterator[tuple[np.ndarray, int]]) -> Iterator[bytes]:
        for text, end in texts:
            yield from text[:end].tobytes().splitlines(keepends=True)

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if self._blank:
            self._blank = False
            return "\n"
        self._line = next(self._lines)
        self.number += 1
        return self._line.decode("utf-8", "replace")

    def begin_again(self) -> None:
        """Give the reader a blank line, which it takes for a file's header, before the next."""
        self._blank = True

    def where(self) -> str:
        """The line given last, and its number."""
        line = np.frombuffer(self._line, np.uint8)
        return f"line {self.number}: {shown(line, 0, line.size)}"

    def read(self) -> str:
        """Only asked for: it is what python-can knows a file by."""
        return ""

    def close(self) -> None:
        """The source closes itself."""


def read_asc(source: Source, channels: Channels, notes: Notes) -> Iterator[np.recarray]:
    """Blocks of frames of a Vector ASC log; times are from its beginning."""
    return _blocks(_by_line(can.ASCReader, source, notes), channels)


def read_trc(source: Source, channels: Channels, notes: Notes) -> Iterator[np.recarray]:
    """Blocks of frames of a PEAK TRC log, versions 1.0 to 2.1."""
    return _blocks(_by_line(_TrcReader, source, notes, _is_whole_trc), channels)


def read_csv(source: Source, channels: Channels, notes: Notes) -> Iterator[np.recarray]:
    """Blocks of frames of python-can's CSV."""
    return _blocks(_by_line(can.CSVReader, source, notes), channels)


def read_sqlite(source: Source, channels: Channels, notes: Notes) -> Iterator[np.recarray]:
    """Blocks of frames of python-can's database, up to the first row that cannot be had."""
    return _blocks(_by_row(can.SqliteReader(str(source.file)), notes), channels)


Made = tuple[can.Message, np.recarray]


def _by_line(
    make: Callable[[Any], Any],
    source: Source,
    notes: Notes,
    is_whole: Callable[[bytes], bool] = lambda _: False,
) -> Iterator[Made]:
    lines = _Lines(source, notes, is_whole)
    reader = make(lines)
    messages, failed = iter(reader), -1
    while True:
        try:
            message = next(messages)
            yield message, _frame(message)
        except StopIteration:
            return
        except _GARBLED as error:
            if lines.number == failed:  # at the blank line itself: without its header it is lost
                notes.add("damaged", str(error))
                return
            failed = lines.number
            notes.add("garbage line", lines.where())
            lines.begin_again()
            messages = iter(reader)


def _by_row(opened: Any, notes: Notes) -> Iterator[Made]:
    with opened as reader:
        messages = iter(reader)
        while True:
            try:
                message = next(messages)
                yield message, _frame(message)
            except StopIteration:
                return
            except _GARBLED as error:
                notes.add("damaged", str(error))
                return


def _frame(message: can.Message) -> np.recarray:
    """Raises ValueError for what no frame can carry, or where bytes are missing."""
    if not message.is_fd:
        message.dlc = min(message.dlc, _CLASSIC)
    if not (message.is_remote_frame or message.is_error_frame) and len(message.data) < message.dlc:
        raise ValueError(f"{len(message.data)} of {message.dlc} bytes")
    made = frames(1)
    write_frame(message, made, 0)
    made.t_ns = round(message.timestamp * 1e9)
    made.reserved = 0 if message.is_rx else TX
    return made


def _blocks(made: Iterator[Made], channels: Channels) -> Iterator[np.recarray]:
    block, count = frames(BLOCK), 0
    for message, frame in made:
        block[count] = frame[0]
        block.channel[count] = _channel(message.channel, channels)
        count += 1
        if count == BLOCK:
            yield block
            block, count = frames(BLOCK), 0
    if count:
        yield block[:count].view(np.recarray)


def _channel(channel: Any, channels: Channels) -> int:
    if isinstance(channel, str) and not channel.isdigit():
        return channels.number(channel)
    return channels.numbered(int(channel or 0))


def _is_whole_trc(line: bytes) -> bool:
    """Whether a TRC's last line is a whole frame: PEAK's converter does not end it."""
    words = line.decode("latin-1").split()
    if words and (words[-1] == "RTR" or ("RR" in words and words[-1].isdigit())):
        return True
    for count in range(1, min(len(words), 65)):
        if not _is_byte(words[-count]):
            return False
        if words[-count - 1].isdigit() and int(words[-count - 1]) == count:
            return True
    return False


def _is_byte(word: str) -> bool:
    return len(word) == 2 and all(letter in "0123456789ABCDEFabcdef" for letter in word)
