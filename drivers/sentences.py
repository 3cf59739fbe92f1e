"""A receiver's lines, one after the other: what each says, and a count of what says nothing."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Final

import pynmea2

from tianyuan.drivers import heading_log, nmea
from tianyuan.drivers.fix import Fix, MalformedError

_END: Final = {"$": re.compile(r"\*[0-9A-F]{2}$", re.I), "#": re.compile(r"\*[0-9A-F]{8}$", re.I)}


@dataclass(slots=True)
class SentenceCounts:
    """What became of the lines."""

    used: int = 0
    ignored: int = 0  # whole, of a kind that is of no use here
    checksum: int = 0  # did not match
    half: int = 0  # no checksum at the end, or another sentence's beginning within
    garbage: int = 0  # no beginning of a sentence anywhere
    malformed: int = 0  # with the right checksum, and content that makes no sense

    def figures(self) -> dict[str, int]:
        """The counts by name."""
        return asdict(self)


class Sentences:
    """Takes lines, gives what they say, counts the rest in ``counts``."""

    def __init__(self) -> None:
        self.counts = SentenceCounts()

    def take(self, line: bytes) -> Fix | None:
        """What a line says; None for one that is of no use. Never raises."""
        text = line.decode("ascii", "replace").strip()
        start = max(text.rfind("$"), text.rfind("#"))
        if start < 0:
            self.counts.garbage += bool(text)
            return None
        # NMEA's tag block, between backslashes, may precede a sentence.
        if "$" in text[:start] or "#" in text[:start]:
            self.counts.half += 1
        if not _END[text[start]].search(text):
            self.counts.half += 1
            return None
        return self._parsed(text[start:])

    def _parsed(self, text: str) -> Fix | None:
        counts = self.counts
        try:
            fix = heading_log.fix_of(text) if text[0] == "#" else nmea.fix_of(text)
        except (pynmea2.ChecksumError, heading_log.WrongCrcError):
            counts.checksum += 1
        except pynmea2.ParseError:
            counts.garbage += 1
        except MalformedError:
            counts.malformed += 1
        else:
            counts.used += fix is not None
            counts.ignored += fix is None
            return fix
        return None
