"""A log's names of its buses, and the numbers that frames have for them."""

from __future__ import annotations

import re
from typing import Final

MOST: Final = 256  # a frame's channel is one byte
_NUMBER: Final = re.compile(r"[0-9]+$")


class Channels:
    """``names`` by channel number; "" for a number that no frame has."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._numbers: dict[str, int] = {}

    def number(self, name: str) -> int:
        """The channel of a name: the number it ends in if that is free, else the next free one.

        A name that is nothing but a number is that of can0, can1 … Names beyond the 256th share
        the last number.
        """
        name = f"can{name}" if name.isdigit() else name
        if name not in self._numbers:
            self._numbers[name] = self._take(name)
        return self._numbers[name]

    def numbered(self, number: int) -> int:
        """The channel of a bus that the log only numbers."""
        return self.number(f"can{max(number, 0)}")

    def _take(self, name: str) -> int:
        ending = _NUMBER.search(name)
        wanted = int(ending[0]) if ending and len(ending[0]) < 4 else MOST
        if wanted >= MOST or self._taken(wanted):
            wanted = next((n for n in range(MOST) if not self._taken(n)), MOST - 1)
        self.names += [""] * (wanted + 1 - len(self.names))
        self.names[wanted] = self.names[wanted] or name
        return wanted

    def _taken(self, number: int) -> bool:
        return number < len(self.names) and bool(self.names[number])
