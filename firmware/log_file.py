"""A run's log: a file, and further ones by size, by time, and after a recorder that died.

The name's ending chooses the format, any of which CAN tools open. ``drive.blf`` is followed
by ``drive.2.blf``, ``drive.3.blf`` and so on, ``drive.log.gz`` by ``drive-2.log.gz``; the oldest
may have been dropped.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import re
import time
from pathlib import Path
from typing import Final, NamedTuple

from tianyuan.control.errors import InputError

ENDINGS: Final = (".blf", ".mf4", ".log.gz", ".log")
KNOWN: Final = ".blf, .mf4, .log or .log.gz"


ENDING_S: Final = 2.0  # for the recorder of a host that has ended to end, too


class Limits(NamedTuple):
    """When a log goes on in a further file, and how much of it is kept; 0 is no limit."""

    part_bytes: int = 100_000_000
    part_s: float = 0.0
    total_bytes: int = 0  # above which the oldest parts are dropped


USUAL: Final = Limits()


def ending_of(log: Path) -> str:
    """The ending that chooses the format; nothing where none is known."""
    return next((each for each in ENDINGS if log.name.lower().endswith(each)), "")


def _around_number(log: Path) -> tuple[str, str]:
    ending = ending_of(log) or log.suffix
    cut = len(log.name) - len(ending)
    # python-can opens no compressed file with a further dot in its name.
    return log.name[:cut] + ("-" if ending == ".log.gz" else "."), log.name[cut:]


def part(log: Path, number: int) -> Path:
    """The ``number``-th file of a log, from 1."""
    before, after = _around_number(log)
    return log if number == 1 else log.with_name(f"{before}{number}{after}")


def numbered_parts(log: Path) -> dict[int, Path]:
    """The files that there are of a log, by their numbers, in order."""
    before, after = (re.escape(each) for each in _around_number(log))
    name = re.compile(rf"{before}([1-9][0-9]*){after}")
    try:
        matches = [(name.fullmatch(file.name), file) for file in log.parent.iterdir()]
    except OSError:
        return {}
    found = {int(match[1]): file for match, file in matches if match and match[1] != "1"}
    if log.exists():
        found[1] = log
    return dict(sorted(found.items()))


def parts(log: Path) -> list[Path]:
    """The files that there are of a log, in order; where there is none, its first one's name."""
    return list(numbered_parts(log).values()) or [log]


def missing_parts(log: Path) -> list[Path]:
    """The parts between the first that there is of a log and the last that are not there."""
    there = numbered_parts(log)
    return [part(log, n) for n in range(min(there, default=0), max(there, default=0))
            if n not in there]  # fmt: skip


def card_file(log: Path) -> Path:
    """The name of the run's card beside a log."""
    return log.with_name(log.name + ".run.json")


def card_text(log: Path) -> bytes | None:
    """The card beside a log as it was written; None where there is none."""
    with contextlib.suppress(OSError):
        return card_file(log).read_bytes()
    return None


def copy_card(source: Path, log: Path) -> None:
    """Put the card beside ``source``, if there is one, beside a log too. Raises InputError."""
    if (card := card_text(source)) is not None:
        try:
            card_file(log).write_bytes(card)
        except OSError as error:
            raise InputError(f"{card_file(log)}: cannot be written: {error.strerror}") from None


def check_log(log: Path) -> None:
    """Raise InputError for a log that cannot be written, without touching it."""
    if not ending_of(log):
        raise InputError(f"{log}: no format of this name is known; use {KNOWN}")
    # What else may go wrong shows when it is begun.
    if not log.parent.is_dir() or log.is_dir():
        raise InputError(f"{log}: cannot be written: no such folder, or one in its place")


def new_log(log: Path) -> Path | None:
    """Begin a log afresh, empty; one of the same name before it is put aside, and returned.

    It may be of a host that crashed a moment ago, whose recorder is about to end. Raises
    InputError where it cannot be written, and where another recorder goes on writing it.
    """
    check_log(log)
    until_s = time.monotonic() + ENDING_S
    while is_being_written(log):
        if time.monotonic() > until_s:
            raise InputError(f"{log}: is being written by another recorder; name another log")
        time.sleep(ENDING_S / 20)
    try:
        aside = _put_aside(log)
        log.open("wb").close()
    except OSError as error:
        raise InputError(f"{log}: cannot be written: {error.strerror}") from None
    return aside


def is_being_written(log: Path) -> bool:
    """Whether a recorder has one of its parts open (``safe_file.py`` locks it)."""
    for file in numbered_parts(log).values():
        with contextlib.suppress(FileNotFoundError), file.open("rb") as opened:
            try:
                fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError as error:
                # A file system without locks says something else.
                return error.errno == errno.EWOULDBLOCK
    return False


def _put_aside(log: Path) -> Path | None:
    """Give a log's files, if there is something in them, the name ``drive~1.blf`` and so on."""
    # A device in a log's place, as one that is always full, stays there.
    found = {number: file for number, file in numbered_parts(log).items() if file.is_file()}
    if not any(file.stat().st_size for file in found.values()):
        for file in (*found.values(), card_file(log)):
            file.unlink(missing_ok=True)
        return None
    ending = ending_of(log)
    number = 1
    while True:
        aside = log.with_name(f"{log.name[: -len(ending)]}~{number}{log.name[-len(ending) :]}")
        if not numbered_parts(aside) and not card_file(aside).exists():
            break
        number += 1
    for place, file in found.items():
        file.rename(part(aside, place))
    if card_file(log).exists():
        card_file(log).rename(card_file(aside))
    return aside
