"""A campaign's results: one SQLite file, a row for each run.

SQLite and not Parquet: each row is there once it was driven, whatever kills the program, and a
file that is being written can be read. Many tools read it (``sqlite3``, pandas, DuckDB).
"""

from __future__ import annotations

import fcntl
import json
import math
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tianyuan.control.errors import InputError

FORMAT: Final = 1
MAGIC: Final = b"SQLite format 3\0"


class Store:
    """The rows of one campaign; :func:`opened` makes it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def add(self, row: Mapping[str, Any]) -> None:
        """Write a row; it is in the file when this returns, even if the program is killed."""
        names = ", ".join(quoted(name) for name in row)
        marks = ", ".join("?" * len(row))
        self._connection.execute(
            f"INSERT OR REPLACE INTO runs ({names}) VALUES ({marks})", list(row.values())
        )

    def done(self) -> set[int]:
        """The numbers of the rows that are there."""
        return {number for (number,) in self._connection.execute('SELECT "row" FROM runs')}

    def row(self, number: int) -> dict[str, Any] | None:
        """One row by its number, or None."""
        return next(self.rows('WHERE "row" = ?', (number,)), None)

    def rows(
        self, where: str = 'ORDER BY "row"', values: Sequence = ()
    ) -> Iterator[dict[str, Any]]:
        """The rows, in order."""
        cursor = self._connection.execute(f"SELECT * FROM runs {where}", values)
        names = [column[0] for column in cursor.description]
        return (dict(zip(names, found, strict=True)) for found in cursor)


def quoted(name: str) -> str:
    """A column's name in SQL."""
    return '"' + name.replace('"', '""') + '"'


def stored(value: Any) -> Any:
    """A value as SQLite gives it back: no NaN, no minus zero, no truth values, no containers."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float):
        return value + 0.0 if math.isfinite(value) else None
    if isinstance(value, (list, dict)):
        return json.dumps(value)
    return value


@contextmanager
def opened(
    file: Path, columns: Iterable[str], about: Mapping[str, str], refuse: Sequence[str]
) -> Iterator[Store]:
    """The results in ``file``, made if it is not there, for this process to write alone.

    ``about`` is what the file notes of its campaign; InputError for a file where any of
    ``refuse`` among them differs, that another process writes, or that is something else.
    """
    lock = _locked(file)
    try:
        connection = _connected(file)
        try:
            _prepare(connection, file, list(columns), about, refuse)
            yield Store(connection)
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise InputError(f"{file}: {error}; choose another file with -o") from None
    finally:
        os.close(lock)  # after SQLite's own, which it would end: one process, one set of locks


@contextmanager
def read_only(file: Path) -> Iterator[tuple[Store, dict[str, str]]]:
    """The results in ``file`` and what it notes of its campaign; raises InputError."""
    if not file.is_file():
        raise InputError(f"{file}: no such file; run the campaign first, or name it with -o")
    connection = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)
    try:
        yield Store(connection), dict(connection.execute("SELECT key, value FROM campaign"))
    except sqlite3.Error as error:
        raise InputError(f"{file}: no results of a campaign: {error}") from None
    finally:
        connection.close()


def _locked(file: Path) -> int:
    try:
        lock = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}; choose another file with -o") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.pread(lock, len(MAGIC), 0) not in (b"", MAGIC):
            raise InputError(f"{file}: no results of a campaign; choose another file with -o")
    except BlockingIOError:
        os.close(lock)
        raise InputError(f"{file}: another campaign writes it; wait, or choose another") from None
    except InputError:
        os.close(lock)
        raise
    return lock


def _connected(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, isolation_level=None)
    # A write-ahead log: a row costs no wait for the disk, and readers do not stop the writer.
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


def _prepare(
    connection: sqlite3.Connection,
    file: Path,
    columns: Sequence[str],
    about: Mapping[str, str],
    refuse: Sequence[str],
) -> None:
    """Make the tables, or see that they are this campaign's."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    if not tables:
        with connection:
            connection.execute("BEGIN")
            connection.execute("CREATE TABLE campaign (key TEXT PRIMARY KEY, value TEXT)")
            # Columns without a type keep what they are given as it is.
            rest = ", ".join(quoted(name) for name in columns if name != "row")
            connection.execute(f'CREATE TABLE runs ("row" INTEGER PRIMARY KEY, {rest})')
            connection.executemany("INSERT INTO campaign VALUES (?, ?)", about.items())
        return
    if not {"campaign", "runs"} <= tables:
        raise InputError(f"{file}: no results of a campaign; choose another file with -o")
    found = dict(connection.execute("SELECT key, value FROM campaign"))
    for key in refuse:
        if found.get(key) != about[key]:
            raise InputError(
                f"{file}: holds rows of another campaign: {key} differs; "
                "choose another file with -o, or remove it"
            )
