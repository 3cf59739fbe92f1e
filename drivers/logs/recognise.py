"""Which format a log has: by what it begins with, and by its name only where that says nothing."""

from __future__ import annotations

import re
from enum import Enum
from pathlib import Path
from typing import Final


class Format(Enum):
    """Formats of logs, with the endings of their files."""

    CANDUMP = (".log",)
    BLF = (".blf",)
    ASC = (".asc",)
    TRC = (".trc",)
    MF4 = (".mf4", ".mdf")
    GVRET = ()
    CSV = (".csv",)
    SQLITE = (".db", ".sqlite")


_BINARY: Final = {
    b"LOGG": Format.BLF,
    b"MDF     4": Format.MF4,
    b"UnFinMF 4": Format.MF4,
    b"SQLite format 3\0": Format.SQLITE,
}
_TEXT: Final = {  # in this order: what one line of a format looks like
    Format.GVRET: rb"Time Stamp,ID,Extended",
    Format.CSV: rb"timestamp,arbitration_id,",
    Format.TRC: rb";\$FILEVERSION|;##########|\s*\d+\)\s+[\d.]+\s",
    Format.CANDUMP: rb"[ \t]*\(\d+(?:\.\d+)?\)\s+\S+\s+[0-9A-Fa-f]+#",
    Format.ASC: rb"date\s+\w|base\s+(?:hex|dec)|[ \t]*\d+\.\d+\s+(?:\d+\s+\S+\s+[TR]x\s|CANFD\s)",
}
# One search for all of them: the first line that looks like any, of the first format it does.
_LINE: Final = re.compile(
    b"^(?:"
    + b"|".join(b"(?P<%s>%s)" % (f.name.encode(), line) for f, line in _TEXT.items())
    + b")",
    re.MULTILINE | re.IGNORECASE,
)


def recognise(head: bytes, file: Path) -> Format | None:
    """The format of a log that begins with ``head``, None if it is none that is known."""
    for magic, form in _BINARY.items():
        if head.startswith(magic[: len(head)]) and len(head) >= 4:
            return form
    if line := _LINE.search(head):
        return Format[str(line.lastgroup)]
    ending = file.with_suffix("").suffix if file.suffix.lower() == ".gz" else file.suffix
    return next((form for form in Format if ending.lower() in form.value), None)
