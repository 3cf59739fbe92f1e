"""A run's log: a file, and further ones by size, by time, and after a recorder that died.

The name's ending chooses the format, any of which CAN tools open. ``drive.blf`` is followed
by ``drive.2.blf``, ``drive.3.blf`` and so on, ``drive.log.gz`` by ``drive-2.log.gz``; the oldest
may have been dropped.
"""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import Final, NamedTuple

from tianyuan.control.errors import InputError

ENDINGS: Final = (".blf", ".mf4", ".log.gz", ".log")
KNOWN: Final = ".blf, .mf4, .log or .log.gz"


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


def new_log(log: Path) -> None:
    """Begin a log afresh, empty, without parts and card of one of the same name before it.

    Raises InputError where it cannot be written.
    """
    check_log(log)
    try:
        log.open("wb").close()
        for old in parts(log)[1:]:
            old.unlink()
        card_file(log).unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{log}: cannot be written: {error.strerror}") from None
