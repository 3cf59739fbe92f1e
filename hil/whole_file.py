"""Files that are there whole or not at all: made beside their name, then put in its place."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def beside(file: Path) -> Path:
    """Where a file is made until it is whole, of the same ending: some writers insist on theirs.

    What is there and no file, as a device or a pipe, cannot be replaced: that is itself.
    """
    if file.exists() and not file.is_file():
        return file
    whole = file.resolve()
    return whole.with_name(f"{whole.stem}.{os.getpid()}{whole.suffix}")


def put_in_place(made: Path, file: Path) -> None:
    """Give a file that is whole its name. Errors: OSError."""
    if made != file:
        made.replace(file.resolve())


def forget(made: Path, file: Path) -> None:
    """Leave nothing of a file that did not become whole. Errors: OSError."""
    if made != file:
        made.unlink(missing_ok=True)


@contextmanager
def whole_file(file: Path) -> Iterator[Path]:
    """Inside a ``with``, where to write; ``file`` is as it was until all is written.

    Errors: OSError, which names ``file``.
    """
    made = beside(file)
    try:
        yield made
        put_in_place(made, file)
    except OSError as error:
        forget(made, file)
        if error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, str(file)) from error
    except BaseException:
        forget(made, file)
        raise


def write_whole(file: Path, text: str) -> None:
    """Write a text, as UTF-8, or leave ``file`` as it was. Errors: OSError."""
    with whole_file(file) as made:
        made.write_text(text, encoding="utf-8")
