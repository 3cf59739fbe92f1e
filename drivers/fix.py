"""What a satellite receiver says, as one kind of value, and how its fields are read."""

from __future__ import annotations

import math
from enum import IntEnum
from typing import NamedTuple


class Quality(IntEnum):
    """How good a position or heading is, in GGA's numbers and the DBC's names."""

    NONE = 0
    SINGLE = 1
    DIFFERENTIAL = 2
    RTK_FIXED = 4
    RTK_FLOAT = 5


class Fix(NamedTuple):
    """What one sentence says; None is what it does not speak of.

    A quality of NONE disowns the value beside it, which then is None. Courses and headings
    are a compass's: clockwise from true north.
    """

    kind: str
    utc_s: float | None = None  # second of the UTC day that it is valid for
    quality: Quality | None = None  # of the position
    latitude_deg: float | None = None
    longitude_deg: float | None = None
    height_m: float | None = None  # of the antenna, above the ellipsoid
    satellites: int | None = None
    speed_mps: float | None = None  # over ground
    course_rad: float | None = None  # over ground
    heading_quality: Quality | None = None
    heading_rad: float | None = None  # from the primary antenna to the other one
    north_sd_m: float | None = None
    east_sd_m: float | None = None


class MalformedError(ValueError):
    """A sentence whose checksum is right and whose content makes no sense."""


def number(text: object) -> float | None:
    """A field as a number, None if it is empty; raises MalformedError."""
    if text is None or text == "":
        return None
    try:
        value = float(text)  # type: ignore[arg-type]
    except ValueError:
        raise MalformedError(f"{text!r} is no number") from None
    if not math.isfinite(value):
        raise MalformedError(f"{text!r} is not finite")
    return value


def angle_rad(text: object) -> float | None:
    """A field in degrees as radians; raises MalformedError for more than a turn."""
    degrees = number(text)
    if degrees is None:
        return None
    if abs(degrees) > 360.0:
        raise MalformedError(f"{text!r} is more than a turn")
    return math.radians(degrees)


def utc_of(text: str) -> float | None:
    """The second of the day that ``hhmmss.sss`` names; raises MalformedError.

    pynmea2's own reading ends at microseconds and refuses a leap second.
    """
    if not text:
        return None
    if not text[:6].isdigit() or len(text) < 6:
        raise MalformedError(f"{text!r} is no time")
    hours, minutes, seconds = int(text[:2]), int(text[2:4]), number(text[4:])
    if hours > 23 or minutes > 59 or seconds is None or not 0.0 <= seconds < 61.0:
        raise MalformedError(f"{text!r} is no time")
    return 3600.0 * hours + 60.0 * minutes + seconds
