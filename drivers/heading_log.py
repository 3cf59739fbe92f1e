"""The logs in which Unicore's and NovAtel's receivers tell the heading of two antennas.

``#UNIHEADINGA``, ``#HEADINGA`` and ``#HEADING2A``: a header, a semicolon, the body, and a
CRC-32 after the star. The body begins the same in all of them: solution status, type of
solution, baseline in metres, heading, pitch. Field lists: Unicore's reference for its N4
products, NovAtel's OEM7 documentation (HEADING2).
"""

from __future__ import annotations

import zlib
from typing import Final

from tianyuan.drivers.fix import Fix, MalformedError, Quality, angle_rad, number

LEAP_S: Final = 18.0  # that GPS time is ahead of UTC, since 2017
_DAY_S: Final = 86_400.0
_WEEK_S: Final = 7 * _DAY_S
_CRC_DIGITS: Final = 8
# Kind, the header's field with the time of the GPS week, and its unit.
_TIMES: Final = {
    "UNIHEADINGA": (5, 1e-3),
    "UNIHEADING2A": (5, 1e-3),
    "HEADINGA": (6, 1.0),
    "HEADING2A": (6, 1.0),
}
_SOLVED: Final = "SOL_COMPUTED"
_QUALITY: Final = {
    "SINGLE": Quality.SINGLE,
    "PSRDIFF": Quality.DIFFERENTIAL,
    "SBAS": Quality.DIFFERENTIAL,
    "WAAS": Quality.DIFFERENTIAL,
    "L1_FLOAT": Quality.RTK_FLOAT,
    "IONOFREE_FLOAT": Quality.RTK_FLOAT,
    "NARROW_FLOAT": Quality.RTK_FLOAT,
    "L1_INT": Quality.RTK_FIXED,
    "WIDE_INT": Quality.RTK_FIXED,
    "NARROW_INT": Quality.RTK_FIXED,
}


class WrongCrcError(ValueError):
    """A log whose CRC-32 does not match its content, or is missing."""


def crc32(content: bytes) -> int:
    """The CRC-32 of these logs: zlib's polynomial, begun at zero and not inverted at the end."""
    return zlib.crc32(content, 0xFFFF_FFFF) ^ 0xFFFF_FFFF


def _content(text: str) -> str:
    """What is between ``#`` and ``*``; raises WrongCrcError."""
    content, star, digits = text[1:].partition("*")
    told = digits.strip()
    if not star or len(told) != _CRC_DIGITS:
        raise WrongCrcError(f"{text}: no CRC")
    try:
        right = int(told, 16) == crc32(content.encode("ascii", "replace"))
    except ValueError:
        right = False
    if not right:
        raise WrongCrcError(f"{text}: the CRC is {crc32(content.encode('ascii', 'replace')):08x}")
    return content


def _utc_s(kind: str, header: list[str]) -> float | None:
    """The second of the UTC day; None where the time is not GPS time or not known yet."""
    place, unit = _TIMES[kind]
    if kind.startswith("UNI") and header[2] != "GPS":
        return None
    if header[place - 2] == "UNKNOWN":
        return None
    week_s = number(header[place])
    if week_s is None or not 0.0 <= week_s * unit < _WEEK_S:
        raise MalformedError(f"{header[place]!r} is no time of the week")
    return (week_s * unit - LEAP_S) % _DAY_S


def fix_of(text: str) -> Fix | None:
    """What a whole log from its ``#`` on says; None for one that tells no heading.

    The heading leads from the primary antenna to the other. Raises WrongCrcError and
    MalformedError.
    """
    content = _content(text)
    header_text, _, body_text = content.partition(";")
    header, body = header_text.split(","), body_text.split(",")
    kind = header[0]
    if kind not in _TIMES:
        return None
    if len(header) < 8 or len(body) < 5:
        raise MalformedError(f"{text}: {len(header)} and {len(body)} fields")
    utc_s, heading = _utc_s(kind, header), angle_rad(body[3])
    quality = _QUALITY.get(body[1], Quality.NONE) if body[0] == _SOLVED else Quality.NONE
    if quality is Quality.NONE or heading is None:
        return Fix(kind, utc_s, heading_quality=Quality.NONE)
    return Fix(kind, utc_s, heading_quality=quality, heading_rad=heading)
