from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianyuan.control import slip, stanley
from tianyuan.control.records import STATE, record

speeds = st.floats(0, 66)


def moving(speed, yaw_rate=0.0, ax=0.0, index=0):
    state = record(STATE)
    s = state[0]
    s.speed_mps, s.yaw_rate_radps, s.ax_mps2, s.index = speed, yaw_rate, ax, index
    return state


def steer(params, line, state, x, y, heading):
    return stanley.steer(params, line, state, np.float64(x), np.float64(y), np.float64(heading))


@given(speed=speeds, along=st.floats(10, 280), ax=st.floats(-8, 4))
def test_no_error_on_a_straight_no_steering(new_params, oval, speed, along, ax):
    line = oval(600)
    state = moving(speed, ax=ax, index=int(along))
    assert steer(new_params(line), line, state, along, 0.0, 0.0) == pytest.approx(0, abs=1e-12)


@given(speed=speeds, off=st.floats(0.01, 5), turned=st.floats(0.001, 0.5))
def test_left_of_the_line_or_pointing_left_of_it_it_steers_right(
    new_params, oval, speed, off, turned
):
    r"""::

      o--->   left of the line      /
                                   o   pointing left of it
    ---------->            ---------->
    """
    line = oval(600)
    params, state = new_params(line), moving(speed, index=100)
    assert steer(params, line, state, 100.0, off, 0.0) < 0.0
    assert steer(params, line, state, 100.0, -off, 0.0) > 0.0
    axle = params[0].front_axle_m
    x, y = 100.0 - axle * math.cos(turned), -axle * math.sin(turned)
    assert steer(params, line, state, x, y, turned) == pytest.approx(-turned)
    assert steer(params, line, state, 100.0, 0.0, -turned) > 0.0


@given(off=st.floats(-3, 3), turned=st.floats(-0.5, 0.5), yaw=st.floats(-0.5, 0.5), speed=speeds)
def test_on_a_straight_the_steering_is_the_papers(new_params, oval, off, turned, yaw, speed):
    line = oval(600)
    params = new_params(line)
    p = params[0]
    error = off + p.front_axle_m * math.sin(turned)
    back = math.atan(p.stanley_k_1ps * error / (p.stanley_k_soft_mps + speed))
    expected = -turned - back - p.stanley_k_yaw_s * yaw
    state = moving(speed, yaw, index=100)
    assert steer(params, line, state, 100.0, off, turned) == pytest.approx(expected)


@given(off=st.floats(-2, 2), turned=st.floats(-0.4, 0.4), yaw=st.floats(-0.5, 0.5), speed=speeds)
def test_where_a_slow_steering_cannot_follow_all_errors_count_less_alike(
    new_params, oval, off, turned, yaw, speed
):
    """As much less as takes the heading's gain v / L down to ``heading_1ps``."""
    line, borne = oval(600), 6.0
    free, slow = new_params(line), new_params(line, stanley_heading_1ps=borne)
    state = moving(speed, yaw, index=100)
    whole = steer(free, line, state, 100.0, off, turned)
    share = borne / max(borne, speed / free[0].wheelbase_m)
    assert steer(slow, line, state, 100.0, off, turned) == pytest.approx(share * whole)


@pytest.mark.parametrize("speed", [0.0, 5.0, 60.0])
def test_small_errors_are_answered_in_proportion(new_params, oval, speed):
    line, params = oval(600), new_params()
    params = new_params(line)
    p, tiny = params[0], 1e-5
    state = moving(speed, index=100)
    gain = steer(params, line, state, 100.0, tiny, 0.0) / tiny
    assert gain == pytest.approx(-p.stanley_k_1ps / (p.stanley_k_soft_mps + speed), rel=1e-6)


def test_a_standing_car_steers_by_its_heading_and_no_more_than_a_right_angle_for_its_offset(
    new_params, oval
):
    line = oval(600)
    params, state = new_params(line), moving(0.0, index=100)
    p = params[0]
    assert abs(steer(params, line, state, 100.0, 0.5, 0.0)) < 0.5 * p.stanley_k_1ps / 4.0
    assert abs(steer(params, line, state, 100.0, 15.0, 0.0)) < 0.5 * math.pi


@pytest.mark.parametrize("left", [True, False])
@pytest.mark.parametrize("ay", [1.0, 5.0, 8.0])
@pytest.mark.parametrize("ax", [0.0, -3.0])
@pytest.mark.parametrize("heading_1ps", [40.0, 2.0])
def test_in_steady_cornering_it_holds_the_steering_that_the_corner_takes(
    new_params, circle, left, ay, ax, heading_1ps
):
    r"""The front axle on the circle, moving along its tangent.

    ::

                 . ' ' .
               /    c    \        delta - alpha_f: from the car's axis to the
               \         /        motion of the front axle
             rear ' - ' f-->
    """
    radius = 100.0
    line = circle(radius, left, spacing_m=0.5)
    params = new_params(line, stanley_heading_1ps=heading_1ps)
    p, side = params[0], 1 if left else -1
    speed = math.sqrt(ay * radius)
    front = slip.front(params, speed, side * speed**2 / radius, ax)
    needed = slip.steering(params, speed, side / radius, ax)
    # In the middle of a segment, where the line is exactly the circle's.
    angle = 20 * line.s_m[1] / radius
    x, y = radius * math.sin(angle), side * radius * (1 - math.cos(angle))
    heading = side * angle + front - needed
    x -= p.front_axle_m * math.cos(heading)
    y -= p.front_axle_m * math.sin(heading)
    state = moving(speed, side * speed / radius, ax, index=20)
    assert steer(params, line, state, x, y, heading) == pytest.approx(needed, abs=1e-6)


@given(
    x=st.floats(-90, 90), y=st.floats(-20, 20), heading=st.floats(-3, 3), speed=speeds,
    yaw=st.floats(-1, 1), ax=st.floats(-8, 4), index=st.integers(0, 500),
)  # fmt: skip
def test_a_mirrored_world_has_the_opposite_steering(
    new_params, oval, mirrored, x, y, heading, speed, yaw, ax, index
):
    line = oval(200, 30)
    params, index = new_params(line), index % line.size
    here = steer(params, line, moving(speed, yaw, ax, index), x, y, heading)
    there = steer(params, mirrored(line), moving(speed, -yaw, ax, index), x, -y, -heading)
    # A heading error of exactly half a turn may wrap to either side.
    assert math.remainder(here + there, 2 * math.pi) == pytest.approx(0, abs=1e-12)


@given(measured=st.floats(-0.5, 0.5), before=st.floats(-0.5, 0.5), gain=st.floats(0, 2))
def test_a_steering_that_moves_is_damped_in_proportion(new_params, measured, before, gain):
    params = new_params(stanley_k_steer=gain)
    assert stanley.damp(params, measured, before) == pytest.approx(gain * (before - measured))


@given(
    x=st.floats(-1e3, 1e3), y=st.floats(-1e3, 1e3), heading=st.floats(-50, 50), speed=speeds,
    yaw=st.floats(-20, 20), ax=st.floats(),
)  # fmt: skip
def test_any_finite_pose_has_finite_steering(new_params, oval, x, y, heading, speed, yaw, ax):
    line = oval(200, 30)
    with np.errstate(all="ignore"):
        assert math.isfinite(steer(new_params(line), line, moving(speed, yaw, ax), x, y, heading))
