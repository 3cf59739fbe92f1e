"""Files that options ask for, beside what a command prints."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import typer

from tianyuan.control.errors import InputError

Content = TypeVar("Content")


def written(
    what: str, file: Path, write: Callable[[Path, Content], object], content: Content
) -> None:
    """Write the file of option ``--what``, and say so. Raises InputError where it cannot be."""
    try:
        write(file, content)
    except OSError as error:
        # The file at fault may be one of ours that it is made from.
        culprit = error.filename or file
        raise InputError(f"--{what} {file}: {culprit}: {error.strerror}") from None
    typer.echo(f"{what}: {file}", err=True)  # standard output may be JSON
