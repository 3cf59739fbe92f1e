"""Read DBC files, and say in one line what is wrong with one that cannot be used."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import cantools.database
from cantools.database import UnsupportedDatabaseFormatError  # type: ignore[attr-defined]
from cantools.database.can import Database, Message
from cantools.database.errors import Error as DatabaseError

from tianyuan.dbc.errors import DbcError

# What cantools says, taken apart into message, signal and problem.
_KNOWN: Final = (
    re.compile(
        r"The signals (?P<signal>\S+) and (?P<other>\S+) are (?P<what>overlapping) "
        r"in message (?P<message>\S+)\."
    ),
    re.compile(r"The signal (?P<signal>\S+) (?P<what>does not fit) in message (?P<message>\S+)\."),
    re.compile(r"The signal (?P<signal>\S+) (?P<what>length .*) in message (?P<message>\S+)\."),
    re.compile(r"(?P<what>(Standard|Extended) frame id .* bits) in message (?P<message>\S+)\."),
)
_REMEDIES: Final = {
    "overlapping": "overlaps {other}; move one of them, or multiplex them",
    "does not fit": "does not fit into the message; correct its start, length or byte order, "
    "or the message's length",
}


def read(path: Path | str) -> Database:
    """Read a DBC file, strictly: nothing overlaps, everything fits.

    Raises:
        DbcError: one line with the file, and the message and signal where they are known.

    """
    path = Path(path)
    try:
        text = _decoded(path.read_bytes())
        return _database(text.replace("\r\n", "\n").replace("\r", "\n"))
    except OSError as error:
        raise DbcError(f"cannot be read: {error.strerror}", file=str(path)) from None
    except DbcError as error:
        raise error.at(str(path)) from None


def read_all(path: Path) -> tuple[list[Message], list[DbcError]]:
    """Read a DBC file for its messages and everything that is wrong with it.

    A message with a mistake is among the messages all the same; a file that cannot be parsed
    has none.
    """
    try:
        return list(read(path).messages), []
    except DbcError as first:
        return _all_problems(path, first)


def _all_problems(path: Path, first: DbcError) -> tuple[list[Message], list[DbcError]]:
    """Look on, message by message, after the first problem."""
    try:
        text = _decoded(path.read_bytes()).replace("\r\n", "\n").replace("\r", "\n")
        messages = list(_database(text, strict=False).messages)
    except (OSError, DbcError):
        return [], [first]
    problems = []
    for message in messages:
        try:
            message.refresh(strict=True)
        except DatabaseError as error:
            problems.append(_problem(error).at(str(path)))
    return messages, problems or [first]


def _decoded(content: bytes) -> str:
    """Decode as UTF-8 if it is that, else as the format's usual Windows code page."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in content:
        raise DbcError("is UTF-16 or binary; save it as a DBC file in UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        return content.decode("cp1252")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = content[error.start]
        raise DbcError(
            f"line {line}: byte 0x{byte:02X} is neither UTF-8 nor Windows-1252; save it as UTF-8"
        ) from None


def _database(text: str, strict: bool = True) -> Database:
    try:
        database = cantools.database.load_string(text, "dbc", strict=strict)
    except UnsupportedDatabaseFormatError as error:
        raise _problem(error.e_dbc) from None
    if not isinstance(database, Database):
        raise DbcError("is not a DBC file")
    return database


def _problem(cause: Exception | None) -> DbcError:
    words = str(cause)
    for pattern in _KNOWN:
        if found := pattern.match(words):
            parts = found.groupdict()
            problem = _REMEDIES.get(parts["what"], parts["what"]).format(**parts)
            if parts.get("signal") == parts.get("other", ""):
                problem = "is defined twice; rename or remove one"
            return DbcError(problem, message=parts["message"], signal=parts.get("signal") or "")
    kind = type(cause).__name__
    plain = isinstance(cause, cantools.Error | DatabaseError) or "syntax" in words
    return DbcError(words if plain else f"cannot be understood ({kind}: {words})")
