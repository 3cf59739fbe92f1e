from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianyuan.control import projection
from tianyuan.control.records import STATE, record


def standing(x_m, y_m, heading_rad=0.0, index=0, **more):
    state = record(STATE)
    state[0].x_m, state[0].y_m, state[0].heading_rad, state[0].index = x_m, y_m, heading_rad, index
    for name, value in more.items():
        state[0][name] = value
    return state


def foot_from_anywhere(line, x_m, y_m, heading_rad):
    index = projection.search(line, x_m, y_m, heading_rad)
    return projection.foot(line, line.s_m[1], x_m, y_m, index)


def follow(params, line, poses, index=0):
    """STATE after each pose, projected one after the other."""
    state = standing(*poses[0], index=index)
    projection.update(params, line, state)
    state[0].laps = 0
    for x_m, y_m, heading_rad in poses:
        state[0].x_m, state[0].y_m, state[0].heading_rad = x_m, y_m, heading_rad
        projection.update(params, line, state)
        yield state[0]


@given(along_m=st.floats(1, 299), left_m=st.floats(-8, 8), heading=st.floats(-1.5, 1.5))
def test_on_a_straight_the_foot_is_the_perpendiculars(oval, new_params, along_m, left_m, heading):
    r"""::

    o  (along, left)
    | left = cross-track error
    +------------------>
    """
    line = oval(600)
    params = new_params(line)
    state = standing(along_m, left_m, heading, index=int(along_m))
    projection.update(params, line, state)
    s = state[0]
    assert s.station_m == pytest.approx(along_m, abs=1e-6)
    assert s.cross_track_m == pytest.approx(left_m, abs=1e-9)
    assert s.heading_error_rad == pytest.approx(heading, abs=1e-9)
    assert s.curvature_1pm == 0.0


@given(
    radius=st.floats(15, 300),
    angle=st.floats(0, 6.28),
    inside_m=st.floats(-6, 6),
    left=st.booleans(),
    turned=st.floats(-1, 1),
)
def test_on_a_circle_the_cross_track_error_is_the_radius_less_the_distance_from_the_middle(
    circle, new_params, radius, angle, inside_m, left, turned
):
    r"""::

       . - .
     /       \      a left turn's inside is its left: positive
    |    c    |
     \    \  /
       ' -- o  inside_m from the circle
    """
    line = circle(radius, left)
    side = 1 if left else -1
    heading = side * angle
    x = (radius - inside_m) * math.sin(angle)
    y = side * (radius - (radius - inside_m) * math.cos(angle))
    state = standing(x, y, heading + turned, index=int(angle * radius / line.s_m[1]) % line.size)
    projection.update(new_params(line), line, state)
    s = state[0]
    # Tangents stand for the arc between two points: off by what the arc bulges.
    bulge = (radius + 6) * (1 - math.cos(line.s_m[1] / (2 * radius)))
    assert s.cross_track_m == pytest.approx(side * inside_m, abs=1.1 * bulge)
    off = math.remainder(s.heading_error_rad - turned, 2 * math.pi)
    assert abs(off) < 0.2 * (line.s_m[1] / radius) ** 3 + 1e-9
    length = line.s_m[1] * line.size
    assert abs(math.remainder(s.station_m - angle * radius, length)) < 0.02 * line.s_m[1]
    assert s.curvature_1pm == pytest.approx(side / radius)


def test_the_cross_track_error_is_positive_to_the_left_of_the_line_on_both_straights(oval):
    r"""::

    -------<-------  y = 120: left is down
           o   y = 118
           o   y = 2
    ------->-------  y = 0: left is up
    """
    line = oval(600, 60)
    assert foot_from_anywhere(line, 50.5, 2.0, 0.0)[2] == pytest.approx(2.0)
    assert foot_from_anywhere(line, 50.5, 118.0, math.pi)[2] == pytest.approx(2.0)


@pytest.mark.parametrize("offset_m", [-3.0, 0.0, 3.0])
def test_the_station_never_goes_back_on_a_drive_and_every_crossing_counts_a_lap(
    oval, new_params, offset_m
):
    line = oval(200, 30)
    length = line.s_m[1] * line.size
    stations = np.arange(0.25, 3 * length, 0.7)
    poses = [beside(line, station, offset_m) for station in stations]
    travelled = [s.station_m + s.laps * length for s in follow(new_params(line), line, poses)]
    assert np.all(np.diff(travelled) > 0.0)
    assert travelled[-1] == pytest.approx(stations[-1], abs=0.1)


def test_laps_are_counted_back_as_they_were_counted_forward(oval, new_params):
    line = oval(200, 30)
    length = line.s_m[1] * line.size
    there = np.arange(length - 5, length + 5, 0.3)
    stations = np.concatenate((there, there[::-1], there[::-1] - 2, there))
    poses = [beside(line, station % length, 0.4) for station in stations]
    laps = [s.laps for s in follow(new_params(line), line, poses, index=line.size - 5)]
    assert max(laps) == 1
    assert laps[2 * there.size - 1] == 0
    assert min(laps) == 0


def beside(line, station_m, offset_m):
    index, share = projection.locate(line, line.s_m[1], station_m)
    x, y = projection.position_at(line, index, share)
    heading = projection.heading_at(line, index, share)
    return x - offset_m * math.sin(heading), y + offset_m * math.cos(heading), heading


@pytest.mark.parametrize("drift_m", [5.0, 7.0])
def test_the_index_stays_on_its_leg_of_a_hairpin_though_the_other_leg_is_nearer(
    oval, new_params, drift_m
):
    r"""::

    -------<--------.
         .  o  .  .  )   legs 8 m apart; the car drifts to the other one
    -----o-->-------'
    """
    line = oval(600, 4.0)
    poses = [(x, min(drift_m, 0.03 * x), 0.0) for x in np.arange(1.0, 280.0, 0.3)]
    for pose, s in zip(poses, follow(new_params(line), line, poses), strict=True):
        assert s.station_m == pytest.approx(pose[0], abs=1e-6)
        assert s.cross_track_m == pytest.approx(pose[1], abs=1e-9)


@given(
    station=st.floats(0, 1),
    left_m=st.floats(-2, 2),
    turned=st.floats(-0.4, 0.4),
    index=st.integers(0, 10_000),
    scanned=st.integers(0, 10_000),
)
def test_a_standing_car_is_found_within_one_look_at_the_line_wherever_it_was_thought_to_be(
    oval, new_params, station, left_m, turned, index, scanned
):
    line = oval(400, 5.0)
    station_m = station * line.s_m[1] * (line.size - 1)
    x, y, heading = beside(line, station_m, left_m)
    state = standing(
        x, y, heading + turned, index % line.size, scanned=scanned % line.size
    )  # fmt: skip
    for _ in range(math.ceil(line.size / projection.BLOCK)):
        projection.scan(line, state)
        projection.update(new_params(line), line, state)
    # The chord that the car was put beside lies up to 0.03 m inside the bend of 5 m.
    assert state[0].cross_track_m == pytest.approx(left_m, abs=0.08)
    assert abs(state[0].heading_error_rad) < 0.5
    assert state[0].index == pytest.approx(station_m / line.s_m[1], abs=2) or station > 0.99


@given(x=st.floats(-150, 150), y=st.floats(-3, 11), heading=st.floats(-4, 4))
def test_neither_scan_nor_search_takes_a_point_that_runs_against_the_car(oval, x, y, heading):
    line = oval(400, 4.0)
    state = standing(x, y, heading, index=0)
    for _ in range(math.ceil(line.size / projection.BLOCK)):
        projection.scan(line, state)
    for index in (state[0].index, projection.search(line, x, y, heading)):
        assert math.cos(heading - line[index].heading_rad) > -1e-9
    assert state[0].index == projection.search(line, x, y, heading)


def test_a_search_finds_nothing_on_a_line_that_only_runs_against_the_car(circle):
    ahead = circle(500)[:20].copy()
    assert projection.search(ahead, 0.0, 0.0, math.pi) == -1


@given(
    x=st.floats(-100, 100),
    y=st.floats(-20, 20),
    heading=st.floats(-3, 3),
    index=st.integers(0, 600),
)
def test_a_mirrored_world_has_the_same_stations_and_the_opposite_errors(
    oval, mirrored, new_params, x, y, heading, index
):
    line = oval(200, 30)
    params = new_params(line)
    here, there = (
        standing(x, y, heading, index % line.size),
        standing(x, -y, -heading, index % line.size),
    )
    projection.update(params, line, here)
    projection.update(params, mirrored(line), there)
    assert there[0].station_m == here[0].station_m
    assert there[0].index == here[0].index
    assert there[0].cross_track_m == -here[0].cross_track_m
    assert there[0].curvature_1pm == -here[0].curvature_1pm
    assert math.remainder(
        there[0].heading_error_rad + here[0].heading_error_rad, 2 * math.pi
    ) == pytest.approx(0, abs=1e-12)


@given(x=st.floats(), y=st.floats(), heading=st.floats(), index=st.integers(0, 399))
def test_no_pose_leads_off_the_line(oval, new_params, x, y, heading, index):
    line = oval(200, 30)
    state = standing(x, y, heading, index % line.size)
    with np.errstate(all="ignore"):
        projection.scan(line, state)
        projection.update(new_params(line), line, state)
    assert 0 <= state[0].index < line.size
    assert 0.0 <= state[0].station_m <= line.s_m[1] * line.size


@pytest.mark.parametrize("station_m", [math.nan, math.inf, -math.inf, 1e300, -1e300])
def test_what_is_no_station_is_located_at_the_first_point(circle, station_m):
    assert projection.locate(circle(50), 1.0, np.float64(station_m)) == (0, 0.0)


@given(st.floats(-1e5, 1e5))
def test_a_station_beyond_the_lap_is_located_on_it(circle, station_m):
    line = circle(50)
    spacing = line.s_m[1]
    index, share = projection.locate(line, spacing, station_m)
    assert 0.0 <= share <= 1.0
    length = spacing * line.size
    assert math.remainder((index + share) * spacing - station_m, length) == pytest.approx(
        0, abs=1e-6
    )


def test_heading_between_two_points_goes_the_short_way_round_the_seam(circle):
    line = circle(50)
    last = line.size - 1
    step = line.s_m[1] / 50
    expected = line.heading_rad[last] + 0.5 * step
    assert projection.heading_at(line, last, 0.5) == pytest.approx(expected)


@given(index=st.integers(0, 99), share=st.floats(0, 1))
def test_the_profile_between_two_points_lies_between_theirs(circle, index, share):
    line = circle(100 / (2 * math.pi))
    station = np.arange(line.size)
    line.speed_mps, line.accel_mps2, line.slope_rad = station, -2.0 * station, 0.01 * station
    following = (index + 1) % line.size
    expected = index + share * (following - index)
    speed, accel, slope = projection.speed_at(line, index, share)
    assert (speed, accel, slope) == pytest.approx((expected, -2 * expected, 0.01 * expected))
