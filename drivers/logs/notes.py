"""What was wrong in a log, counted, so that reading can carry on and say so at its end."""

from __future__ import annotations

from typing import NamedTuple


class Note(NamedTuple):
    """One kind of fault in a log: how often, and where and what it was the first time."""

    kind: str
    times: int
    first: str


class Notes:
    """Faults of one log by kind, in the order in which they were met."""

    def __init__(self) -> None:
        self._found: dict[str, Note] = {}

    def add(self, kind: str, first: str, count: int = 1) -> None:
        """Count ``count`` more faults of a kind; ``first`` says where the first of these was."""
        before = self._found.get(kind, Note(kind, 0, first))
        self._found[kind] = before._replace(times=before.times + count)

    def all(self) -> list[Note]:
        """One note for each kind."""
        return list(self._found.values())
