"""Sentences of satellite receivers to one kind of value, whoever made the receiver.

NMEA 0183 is pynmea2's to parse: GGA, RMC, VTG, HDT, THS and GST of any talker (GN for all
systems together, GP, BD and GB for BeiDou, GA, GL) and Hemisphere's ``$PSAT,HPR``. Logs of
two antennas that begin with ``#`` are in ``heading_log.py``. No sentence counts without its
checksum.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pynmea2

from tianyuan.drivers.fix import Fix, MalformedError, Quality, angle_rad, number, utc_of

MPS_PER_KNOT: Final = 1852.0 / 3600.0
HPR: Final = "HPR"
# GGA's indicator by NMEA 0183; 9 is NovAtel's for a correction from satellites. 6 and above
# are estimated, typed in or simulated: none of them is measured.
_GGA_QUALITY: Final = {
    1: Quality.SINGLE,
    2: Quality.DIFFERENTIAL,
    3: Quality.SINGLE,  # the precise positioning service, whose accuracy it does not tell
    4: Quality.RTK_FIXED,
    5: Quality.RTK_FLOAT,
    9: Quality.DIFFERENTIAL,
}


def _whole(text: object) -> int | None:
    value = number(text)
    return None if value is None else int(value)


def _degrees(sentence: Any, most: float, angle: str, side: str, signs: str) -> float:
    """Latitude or longitude; raises MalformedError for one that pynmea2 would take as zero."""
    if getattr(sentence, side) not in tuple(signs):
        raise MalformedError(f"{getattr(sentence, side)!r} is none of {signs}")
    value = float(getattr(sentence, angle))
    if not abs(value) <= most:
        raise MalformedError(f"{value} is beyond {most} degrees")
    return value


def _gga(sentence: Any) -> Fix:
    indicator, utc_s = _whole(sentence.data[5]), utc_of(sentence.data[0])
    quality = _GGA_QUALITY.get(0 if indicator is None else indicator, Quality.NONE)
    satellites = _whole(sentence.num_sats)
    if quality is Quality.NONE or not (sentence.lat and sentence.lon):
        return Fix("GGA", utc_s, Quality.NONE, satellites=satellites)
    altitude, above = number(sentence.altitude), number(sentence.geo_sep)
    return Fix(
        "GGA",
        utc_s,
        quality,
        _degrees(sentence, 90.0, "latitude", "lat_dir", "NS"),
        _degrees(sentence, 180.0, "longitude", "lon_dir", "EW"),
        (altitude or 0.0) + (above or 0.0),
        satellites,
    )


def _moving(kind: str, utc_s: float | None, knots: object, course: object) -> Fix:
    speed = number(knots)
    if speed is not None and speed < 0.0:
        raise MalformedError(f"speed {speed} is negative")
    speed_mps = None if speed is None else speed * MPS_PER_KNOT
    return Fix(kind, utc_s, speed_mps=speed_mps, course_rad=angle_rad(course))


def _is_guessed(data: list[str], place: int) -> bool:
    """Whether the mode, which came with NMEA 2.3, says estimated, typed in, simulated or none."""
    return len(data) > place and data[place] in tuple("EMSN")


def _rmc(sentence: Any) -> Fix:
    utc_s = utc_of(sentence.data[0])
    if sentence.status != "A" or _is_guessed(sentence.data, 11):
        return Fix("RMC", utc_s)
    return _moving("RMC", utc_s, sentence.data[6], sentence.data[7])


def _vtg(sentence: Any) -> Fix:
    if _is_guessed(sentence.data, 8):
        return Fix("VTG")
    return _moving("VTG", None, sentence.data[4], sentence.data[0])


def _pointing(kind: str, utc_s: float | None, quality: Quality, degrees: object) -> Fix:
    heading = angle_rad(degrees)
    if heading is None or quality is Quality.NONE:
        return Fix(kind, utc_s, heading_quality=Quality.NONE)
    return Fix(kind, utc_s, heading_quality=quality, heading_rad=heading)


def _hdt(sentence: Any) -> Fix:
    # It has no quality; that it is there says that there is a solution.
    return _pointing("HDT", None, Quality.SINGLE, sentence.data[0])


def _ths(sentence: Any) -> Fix:
    measured = len(sentence.data) > 1 and sentence.data[1] == "A"
    return _pointing("THS", None, Quality.SINGLE if measured else Quality.NONE, sentence.data[0])


def _gst(sentence: Any) -> Fix:
    north, east = number(sentence.data[5]), number(sentence.data[6])
    return Fix("GST", utc_of(sentence.data[0]), north_sd_m=north, east_sd_m=east)


def _hpr(data: list[str]) -> Fix:
    """Hemisphere's: time, heading, pitch, roll, and N by satellites or G by the gyroscope."""
    if len(data) < 5:
        raise MalformedError(f"{len(data)} fields")
    quality = Quality.SINGLE if data[4] == "N" else Quality.NONE
    return _pointing(HPR, utc_of(data[0]), quality, data[1])


_READERS: Final[dict[str, Callable[[Any], Fix]]] = {
    "GGA": _gga,
    "RMC": _rmc,
    "VTG": _vtg,
    "HDT": _hdt,
    "THS": _ths,
    "GST": _gst,
}


class THS(pynmea2.TalkerSentence):
    """True heading and status, which pynmea2 lacks; to define it is to make it known."""

    fields = (("Heading", "heading"), ("Mode", "mode"))


def fix_of(text: str) -> Fix | None:
    """What a whole sentence from its ``$`` on says; None for a kind that is of no use here.

    Raises pynmea2's ChecksumError, its ParseError for what is no sentence at all, and
    MalformedError.
    """
    try:
        sentence = pynmea2.parse(text, check=True)
    except pynmea2.SentenceTypeError:
        return None
    if isinstance(sentence, pynmea2.ProprietarySentence):
        data = sentence.data  # empty before the first comma
        return _hpr(data[2:]) if sentence.manufacturer == "SAT" and data[1:2] == [HPR] else None
    reader = _READERS.get(getattr(sentence, "sentence_type", ""))
    if reader is None:
        return None
    try:
        return reader(sentence)
    except (IndexError, ArithmeticError, ValueError) as error:
        raise MalformedError(f"{text}: {error}") from None
