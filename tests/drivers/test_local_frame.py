"""The local frame, against published coordinates, pymap3d's own inverse and plain geometry."""

from __future__ import annotations

import math

import pymap3d
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianyuan.control.errors import InputError
from tianyuan.drivers.local_frame import LocalFrame, frame_at

ZERMATT = LocalFrame(46.017, 7.750)
ZHUZHOU = LocalFrame(27.7385, 113.0312)

lap = st.floats(-8000.0, 8000.0)
heights = st.floats(-50.0, 3000.0)


def test_the_matterhorn_is_where_mathworks_says():
    # MathWorks, geodetic2enu: -7134.8 east, -4556.3 north, 2852.4 up of Zermatt.
    east, north = ZERMATT.east_north_m(45.976, 7.658, 4531.0)
    assert east == pytest.approx(-7134.8, abs=0.05)
    assert north == pytest.approx(-4556.3, abs=0.05)


@given(lap, lap, heights, st.sampled_from([ZHUZHOU, ZERMATT, LocalFrame(-33.8, 179.99)]))
def test_the_inverse_comes_back(east, north, up, frame):
    where = pymap3d.enu2geodetic(east, north, up, frame.latitude_deg, frame.longitude_deg, 0.0)
    assert frame.east_north_m(*map(float, where)) == pytest.approx((east, north), abs=1e-4)


@given(lap, lap, st.floats(0.0, 2 * math.pi))
def test_a_heading_points_where_a_step_that_way_leads(east, north, compass):
    # A step of a metre in that direction from where the car is, on the level there.
    lat, lon, height = pymap3d.enu2geodetic(
        east, north, 0.0, ZHUZHOU.latitude_deg, ZHUZHOU.longitude_deg, 0.0
    )
    there = pymap3d.enu2geodetic(math.sin(compass), math.cos(compass), 0.0, lat, lon, height)
    from_x, from_y = ZHUZHOU.east_north_m(lat, lon, height)
    to_x, to_y = ZHUZHOU.east_north_m(*map(float, there))
    heading = ZHUZHOU.heading_rad(lat, lon, compass)
    assert 0.0 <= heading < 2 * math.pi
    off = heading - math.atan2(to_y - from_y, to_x - from_x)
    assert math.remainder(off, 2 * math.pi) == pytest.approx(0.0, abs=1e-5)


@pytest.mark.parametrize(
    ("compass_deg", "heading_deg"), [(0.0, 90.0), (90.0, 0.0), (180.0, 270.0), (270.0, 180.0)]
)
def test_headings_are_mathematical(compass_deg, heading_deg):
    here = (ZHUZHOU.latitude_deg, ZHUZHOU.longitude_deg)
    heading = math.degrees(ZHUZHOU.heading_rad(*here, math.radians(compass_deg)))
    assert math.remainder(heading - heading_deg, 360.0) == pytest.approx(0.0, abs=1e-9)


def test_north_turns_with_the_longitude():
    # East of the origin, north of the northern hemisphere leans to the left, towards the pole.
    lat, lon, _ = pymap3d.enu2geodetic(
        5000.0, 0.0, 0.0, ZHUZHOU.latitude_deg, ZHUZHOU.longitude_deg, 0.0
    )
    lean = ZHUZHOU.heading_rad(lat, lon, 0.0) - math.pi / 2
    expected = math.radians(lon - ZHUZHOU.longitude_deg) * math.sin(math.radians(lat))
    assert lean == pytest.approx(expected, rel=1e-3)
    assert math.degrees(lean) == pytest.approx(0.024, abs=0.001)


def test_an_origin_is_read_as_latitude_and_longitude():
    assert frame_at("27.7385,113.0312") == ZHUZHOU
    assert frame_at(" -33.8, -70.25") == LocalFrame(-33.8, -70.25)


@pytest.mark.parametrize(
    "origin", ["", "1", "1,2,3", "north,east", "113.0312,27.7", "nan,1", "0,181"]
)
def test_what_is_no_origin_is_refused_in_one_line(origin):
    with pytest.raises(InputError, match="origin") as caught:
        frame_at(origin)
    assert "\n" not in str(caught.value)
