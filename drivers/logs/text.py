"""Logs of one line a frame: whole lines into a kernel, frames and faults out of it.

A kernel of such a format is ``parse(text, end, frames, names, cursor)``. It reads lines of
``text`` from ``cursor.at`` on, and stops at ``end``, when ``frames`` is full (its views as words,
identifiers and octets), or at a bus whose name is not among ``names``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import numpy as np

from tianyuan.control.kernels import kernel
from tianyuan.dbc.frame import FRAME, WORDS
from tianyuan.drivers import libc
from tianyuan.drivers.logs.channels import MOST, Channels
from tianyuan.drivers.logs.notes import Notes
from tianyuan.drivers.logs.numbers import octet
from tianyuan.drivers.logs.source import Source

CHUNK: Final = 1 << 21  # bytes of text at a time
SMALLEST: Final = 1 << 12  # beyond a file's size, for what is added while it is read
BLOCK: Final = 1 << 16  # frames, at most
TYPICAL_LINE: Final = 32  # bytes; of shorter ones come more blocks
LONGEST_NAME: Final = 31
DONE, FULL, NEW_NAME = 0, 1, 2  # why a kernel stopped
# What a line was: a fault below, or one of these.
FRAME_READ, NOTHING, UNKNOWN_BUS = -1, -2, -3
NO_FRAME, TOO_LONG, OTHER_KIND = 0, 1, 2
FAULTS: Final = ("garbage line", "more bytes than a frame has", "frame of an unknown kind")
NEWLINE: Final = b"\n"
_NEWLINE: Final = ord(NEWLINE)

CURSOR: Final = np.dtype(
    [
        ("at", "i8"),  # in the text
        ("lines", "i8"),  # read of the file
        ("frames", "i8"),  # written of the array
        ("name_at", "i8"),  # of the bus that is not among the names, and its end
        ("name_end", "i8"),
        ("times", "i8", (len(FAULTS),)),  # of each fault in this text
        ("first_at", "i8", (len(FAULTS),)),  # where the first line with it begins
        ("first_line", "i8", (len(FAULTS),)),
    ]
)


class Views(NamedTuple):
    """The same frames as words (n, 10) int64, cells (n, 20) uint32 and octets (n, 80) uint8."""

    words: np.ndarray
    cells: np.ndarray
    octets: np.ndarray


class Names(NamedTuple):
    """Buses: letters (k, 32) uint8, lengths (k,) and channels (k,), of which ``known`` (1,)."""

    letters: np.ndarray
    lengths: np.ndarray
    channels: np.ndarray
    known: np.ndarray


def views(made: np.ndarray) -> Views:
    """The views that kernels write frames by."""
    return Views(
        made.view(np.int64).reshape(-1, WORDS),
        made.view(np.uint32).reshape(-1, 2 * WORDS),
        made.view(np.uint8).reshape(-1, 8 * WORDS),
    )


@kernel
def channel_of(text, at, end, names):
    """The channel of the bus named ``text[at:end]``, -1 if it is new."""
    for k in range(names.known[0]):
        if names.lengths[k] != end - at:
            continue
        same = True
        for j in range(end - at):
            same = same and octet(text, at + j) == names.letters[k, j]
        if same:
            return names.channels[k]
    return -1


@kernel
def put(out, n, can_id, length, flags, channel, sent, t_ns):
    """Write the head and the time of frame ``n``."""
    out.cells[n, 0] = can_id
    out.octets[n, 4] = length
    out.octets[n, 5] = flags
    out.octets[n, 6] = channel
    out.octets[n, 7] = sent
    out.words[n, 9] = t_ns


@kernel
def clear(out, n):
    """Make the payload of frame ``n`` zeros."""
    for word in range(1, 9):
        out.words[n, word] = 0


@kernel
def line_end(text, at, end):
    """The end of the line at ``at``; there is one before ``end``."""
    address = text.ctypes.data
    return libc.memchr(address + at, _NEWLINE, end - at) - address


@kernel
def booked(what, stop, cursor):
    """Count what the line up to ``stop`` was and go on: False to have its bus named first."""
    if what == UNKNOWN_BUS:
        return False
    cursor.lines += 1
    if what == FRAME_READ:
        cursor.frames += 1
    elif what != NOTHING:
        if cursor.times[what] == 0:
            cursor.first_at[what] = cursor.at
            cursor.first_line[what] = cursor.lines
        cursor.times[what] += 1
    cursor.at = stop + 1
    return True


def whole_lines(
    source: Source, notes: Notes, is_whole: Callable[[bytes], bool] = lambda _: False
) -> Iterator[tuple[np.ndarray, int]]:
    """Text (n,) uint8 and the end of the last whole line in it, again and again in one buffer.

    A last line without an end is given only if ``is_whole``: of most formats nobody knows.
    """
    room = CHUNK if source.is_packed else min(CHUNK, source.size_bytes + SMALLEST)
    buffer = bytearray(room)  # zeroed, so no more of it than a short log needs
    view, text = memoryview(buffer), np.frombuffer(buffer, np.uint8)
    kept = 0
    while came := source.readinto(view[kept:]):
        filled = kept + came
        end = buffer.rfind(NEWLINE, 0, filled) + 1
        if not end and filled == room:
            notes.add("garbage line", f"one of more than {room} bytes")
            end = filled
        elif end:
            yield text, end
        kept = filled - end
        view[:kept] = bytes(view[end:filled])
    last = bytes(view[:kept])
    if is_whole(last):
        view[kept : kept + 1] = NEWLINE
        yield text, kept + 1
    elif last.strip(b" \t\r"):
        notes.add("cut off", f"the last line has no end: {shown(text, 0, kept)}")


def shown(text: np.ndarray, at: int, end: int) -> str:
    """A line of a log for a person's eyes: short, and without what a terminal would obey."""
    line = text[at : min(end, at + 200)].tobytes().split(NEWLINE)[0].decode("latin-1").strip()
    line = "".join(letter if letter.isprintable() else "." for letter in line)
    return f"{line[:59]}…" if len(line) > 60 else line


def parsed(
    parse: Callable[..., int],
    source: Source,
    channels: Channels,
    notes: Notes,
    bus_name: Callable[[str], str] = str,
) -> Iterator[np.recarray]:
    """Blocks of frames that a kernel makes of lines; ``bus_name`` of what these call a bus."""
    names = no_names()
    cursor = np.zeros(1, CURSOR).view(np.recarray)
    for text, end in whole_lines(source, notes):
        cursor.at = 0
        cursor.times = 0
        status = FULL
        while status != DONE:
            rows = min(BLOCK, (end - int(cursor[0].at)) // TYPICAL_LINE + 1)
            made = np.empty(rows, FRAME)  # of which the kernel writes every byte that is given
            cursor.frames = 0
            while (status := parse(text, end, views(made), names, cursor[0])) == NEW_NAME:
                letters = text[cursor[0].name_at : cursor[0].name_end]
                name = bus_name(letters.tobytes().decode("utf-8", "replace"))
                add_name(names, letters, channels.number(name))
            if count := int(cursor[0].frames):
                yield made[:count].view(np.recarray)
        for fault, kind in enumerate(FAULTS):
            if times := int(cursor[0].times[fault]):
                at, line = int(cursor[0].first_at[fault]), int(cursor[0].first_line[fault])
                notes.add(kind, f"line {line}: {shown(text, at, end)}", times)


def no_names() -> Names:
    """A table without a name in it."""
    return Names(
        np.zeros((MOST + 1, LONGEST_NAME + 1), np.uint8),
        np.zeros(MOST + 1, np.int64),
        np.zeros(MOST + 1, np.int64),
        np.zeros(1, np.int64),
    )


def add_name(names: Names, letters: np.ndarray, channel: int) -> None:
    """Enter a bus; when the table is full the last entry makes way."""
    row = min(int(names.known[0]), MOST)
    names.letters[row, : letters.size] = letters
    names.lengths[row] = letters.size
    names.channels[row] = channel
    names.known[0] = row + 1
