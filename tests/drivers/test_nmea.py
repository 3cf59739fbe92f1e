"""What receivers say, against sentences that makers and standards publish.

Each comes with its source. The checksums are the published ones but for those that a source
leaves out.
"""

from __future__ import annotations

import math
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianyuan.drivers import heading_log, nmea
from tianyuan.drivers.fix import Fix, Quality
from tianyuan.drivers.sentences import Sentences

# pynmea2's own documentation
SOUTH = "$GPGGA,184353.07,1929.045,S,02410.506,E,1,04,2.6,100.00,M,-33.9,M,,0000*6D"
# The example of NMEA 0183 that every introduction repeats (gpsinformation.org/dale/nmea.htm)
MUNICH = "$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47"
MUNICH_RMC = "$GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W*6A"
# NOAA, cruise CLIVAR 2010, a Hemisphere compass: "heading COG,VOG formats.txt"
CRUISE_HPR = "$PSAT,HPR,235410.50,89.58,3.35,,N*01"
CRUISE_VTG = "$GPVTG,121.24,T,112.16,M,0.10,N,0.18,K,D*2F"
# NovAtel's OEM7 documentation, GPHDT and HEADING2
HDT = "$GPHDT,75.5664,T*36"
HEADING2 = (
    "#HEADING2A,COM1,0,39.5,FINESTEERING,1622,422892.200,02040000,f9bf,6521;SOL_COMPUTED,"
    'NARROW_INT,0.927607417,178.347869873,-1.3037414550,0,0.261901051,0.391376048,"R222",'
    '"AAAA",18,17,17,16,0,01,0,33*8c48d77c'
)
# A UM982's, as a public parser of NMEA 0183 holds it in its tests to prove the CRC
UNIHEADING = (
    "#UNIHEADINGA,93,GPS,FINE,2385,326588000,0,0,18,10;SOL_COMPUTED,NARROW_FLOAT,5.5208,"
    '219.9783,24.6813,0.0000,16.4390,35.3287,"999",21,9,9,5,3,00,3,13*53e4320d'
)
# A UM482's, in a comment of a public program that reads it
HEADING = (
    "#HEADINGA,COM2,0,23.0,FINE,2376,266819.200,112748,24,18;SOL_COMPUTED,NARROW_INT,0.7935,"
    '309.5608,-1.6492,0.0000,0.2902,0.7118,"999",52,46,46,27,3,00,3,f3*91c43d2c'
)
# Trimble's manual of NMEA 0183 messages, GST
GST = "$GPGST,172814.0,0.006,0.023,0.020,273.6,0.023,0.020,0.031*6A"
# u-blox's protocol specification, THS; its printed checksum of 32 is wrong
ESTIMATED = "$GPTHS,77.52,E*34"


def sealed(content: str) -> str:
    """A sentence with its checksum."""
    return f"${content}*{reduce(lambda a, b: a ^ b, content.encode(), 0):02X}"


def logged(content: str) -> str:
    """A log with its CRC."""
    return f"#{content}*{heading_log.crc32(content.encode()):08x}"


def taken(text: str) -> Fix | None:
    return Sentences().take(text.encode())


def test_a_position_is_signed_degrees_and_height_above_the_ellipsoid():
    fix = taken(SOUTH)
    assert fix.kind == "GGA"
    assert fix.utc_s == pytest.approx(18 * 3600 + 43 * 60 + 53.07)
    assert fix.latitude_deg == pytest.approx(-(19 + 29.045 / 60))
    assert fix.longitude_deg == pytest.approx(24 + 10.506 / 60)
    assert fix.height_m == pytest.approx(66.1)
    assert (fix.quality, fix.satellites) == (Quality.SINGLE, 4)
    assert (fix.speed_mps, fix.heading_rad, fix.heading_quality) == (None, None, None)


def test_speed_and_course_are_in_metres_a_second_and_clockwise_from_north():
    fix = taken(MUNICH_RMC)
    assert fix.utc_s == 12 * 3600 + 35 * 60 + 19
    assert fix.speed_mps == pytest.approx(22.4 * 0.514444, rel=1e-5)
    assert fix.course_rad == pytest.approx(math.radians(84.4))
    assert fix.quality is None  # a sentence speaks of what it is for
    slow = taken(CRUISE_VTG)
    assert slow.utc_s is None
    assert slow.speed_mps == pytest.approx(0.18 / 3.6, abs=0.002)  # the same sentence's km/h
    assert slow.course_rad == pytest.approx(math.radians(121.24))


@pytest.mark.parametrize(
    ("text", "kind", "utc_s", "quality", "degrees"),
    [
        (HDT, "HDT", None, Quality.SINGLE, 75.5664),
        (CRUISE_HPR, "HPR", 23 * 3600 + 54 * 60 + 10.5, Quality.SINGLE, 89.58),
        # 422892.2 s of the week less 18 leap seconds, four days taken off
        (HEADING2, "HEADING2A", 422892.2 - 18 - 4 * 86400, Quality.RTK_FIXED, 178.347869873),
        (UNIHEADING, "UNIHEADINGA", 326588 - 18 - 3 * 86400, Quality.RTK_FLOAT, 219.9783),
        (HEADING, "HEADINGA", 266819.2 - 18 - 3 * 86400, Quality.RTK_FIXED, 309.5608),
        (sealed("GNTHS,179.0284,A"), "THS", None, Quality.SINGLE, 179.0284),
    ],
)
def test_a_heading_is_told_with_its_quality_and_its_time(text, kind, utc_s, quality, degrees):
    fix = taken(text)
    assert (fix.kind, fix.heading_quality) == (kind, quality)
    assert fix.utc_s == (None if utc_s is None else pytest.approx(utc_s))
    assert fix.heading_rad == pytest.approx(math.radians(degrees))
    assert (fix.speed_mps, fix.quality) == (None, None)


@pytest.mark.parametrize(
    "text",
    [
        ESTIMATED,
        "$GPTHS,,V*0E",
        sealed("GNHDT,,T"),
        sealed("PSAT,HPR,235410.50,89.58,3.35,,G"),  # by the gyroscope
        sealed("PSAT,HPR,235410.50,,,,N"),
        logged(UNIHEADING[1:].partition("*")[0].replace("SOL_COMPUTED", "INSUFFICIENT_OBS")),
        logged(UNIHEADING[1:].partition("*")[0].replace("NARROW_FLOAT", "NONE")),
    ],
)
def test_a_heading_that_its_receiver_disowns_is_none(text):
    fix = taken(text)
    assert (fix.heading_quality, fix.heading_rad) == (Quality.NONE, None)


@pytest.mark.parametrize(
    ("indicator", "quality"),
    [
        (0, Quality.NONE),
        (1, Quality.SINGLE),
        (2, Quality.DIFFERENTIAL),
        (3, Quality.SINGLE),
        (4, Quality.RTK_FIXED),
        (5, Quality.RTK_FLOAT),
        (6, Quality.NONE),
        (7, Quality.NONE),
        (8, Quality.NONE),
        (9, Quality.DIFFERENTIAL),
        ("", Quality.NONE),
    ],
)
def test_the_qualities_are_those_of_the_value_table(indicator, quality):
    fix = taken(
        sealed(f"BDGGA,023656.00,2240.61563,N,11359.86512,E,{indicator},23,0.7,96,M,-3,M,,")
    )
    assert fix.quality is quality
    assert (fix.latitude_deg is None) == (quality is Quality.NONE)


@pytest.mark.parametrize("talker", ["GN", "GP", "BD", "GB", "GA", "GL"])
def test_all_talkers_say_the_same(talker):
    for text in (MUNICH, MUNICH_RMC, CRUISE_VTG, HDT, GST):
        content = text[1:].partition("*")[0]
        assert taken(sealed(talker + content[2:])) == taken(text)


def test_error_estimates_are_north_and_east():
    fix = taken(GST)
    assert (fix.utc_s, fix.north_sd_m, fix.east_sd_m) == (62894.0, 0.023, 0.020)


@pytest.mark.parametrize(
    "text",
    [
        "$GPRMC,,V,,,,,,,,,,N*53",
        sealed("GNRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W,E"),
        sealed("GNVTG,,T,,M,,N,,K,N"),
        sealed("GNVTG,121.24,T,112.16,M,0.10,N,0.18,K,E"),  # estimated, not measured
    ],
)
def test_a_speed_that_its_receiver_disowns_is_none(text):
    fix = taken(text)
    assert (fix.speed_mps, fix.course_rad) == (None, None)


@pytest.mark.parametrize(
    ("line", "counted"),
    [
        (MUNICH, "used"),
        ("$GPGSV,1,1,00*79", "ignored"),
        (sealed("PUBX,00,081350.00"), "ignored"),
        (sealed("GPXYZ,1"), "ignored"),
        (sealed("PSAT,GBS,1"), "ignored"),
        (logged("BESTPOSA,COM1,0,1,FINE,1,2,3,4,5;SOL_COMPUTED,SINGLE,1,2,3"), "ignored"),
        (MUNICH.replace("4807", "4817"), "checksum"),
        (MUNICH[:-1], "half"),
        (HEADING2.replace("178.3", "179.3"), "checksum"),
        (HEADING2[:-1], "half"),
        (MUNICH[:30], "half"),
        (MUNICH[:-3], "half"),
        (HEADING2[:60], "half"),
        (MUNICH[20:], "garbage"),
        ("\x00\xff\xb5b", "garbage"),
        ("$*00", "garbage"),
        (sealed("GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,nan,M,46.9,M,,"), "malformed"),
        (sealed("GPGGA,253519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,"), "malformed"),
        (sealed("GPGGA,123519,4807.038,X,01131.000,E,1,08,0.9,545.4,M,46.9,M,,"), "malformed"),
        (sealed("GPGGA,123519,9907.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,"), "malformed"),
        (sealed("GPGGA,123519,48o7.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,"), "malformed"),
        (sealed("GPGGA,123519"), "malformed"),
        (sealed("GPHDT,1e9,T"), "malformed"),
        (sealed("GPVTG,1,T,,M,-3,N,,K,A"), "malformed"),
        (sealed("PSAT,HPR,1"), "malformed"),
        (logged("UNIHEADINGA,93,GPS,FINE,2385"), "malformed"),
    ],
)
def test_every_line_is_counted_for_what_it_was(line, counted):
    sentences = Sentences()
    fix = sentences.take(line.encode("latin-1"))
    found = {name: count for name, count in sentences.counts.figures().items() if count}
    assert found == {counted: 1}
    assert (fix is None) == (counted != "used")


def test_a_sentence_after_half_of_another_is_taken():
    sentences = Sentences()
    assert sentences.take((MUNICH[:25] + HDT).encode()) == taken(HDT)
    assert (sentences.counts.used, sentences.counts.half) == (1, 1)


def test_a_tag_block_before_a_sentence_is_no_half():
    sentences = Sentences()
    assert sentences.take(("\\s:GN9999,n:57*3A\\" + HDT).encode()) == taken(HDT)
    assert sentences.counts.half == 0


def test_an_empty_line_is_nothing():
    sentences = Sentences()
    assert sentences.take(b"") is sentences.take(b" \r") is None
    assert not any(sentences.counts.figures().values())


@given(st.binary(max_size=120))
def test_no_line_whatever_raises(line):
    Sentences().take(line)


@given(
    st.text(alphabet="0123456789.,-NSEWATKMeE$#;*+ ", max_size=60),
    st.sampled_from(list(nmea._READERS)),
)
def test_no_content_under_a_right_checksum_raises(content, kind):
    Sentences().take(sealed(f"GN{kind},{content.replace('*', '').replace('$', '')}").encode())
    Sentences().take(logged(f"UNIHEADINGA,{content.replace('*', '')}").encode())


@given(st.integers(0, len(MUNICH) - 1), st.integers(1, 255))
def test_no_damaged_byte_yields_another_position(place, flip):
    line = bytearray(MUNICH.encode())
    line[place] ^= flip
    fix = Sentences().take(bytes(line))
    # A damaged "$" leaves a sentence without a start; case does not matter to a checksum's digits.
    assert fix is None or fix == taken(MUNICH)
