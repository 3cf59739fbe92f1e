from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianyuan.control import pure_pursuit, slip
from tianyuan.control.records import STATE, Controller, record

speeds = st.floats(0, 66)


@pytest.fixture(scope="module")
def pursuit_params(new_params):
    def make(line=None, **changes):
        return new_params(line, Controller.PURE_PURSUIT, **changes)

    return make


def moving(speed, yaw_rate=0.0, ax=0.0, index=0):
    state = record(STATE)
    s = state[0]
    s.speed_mps, s.yaw_rate_radps, s.ax_mps2, s.index = speed, yaw_rate, ax, index
    return state


def steer(params, line, state, x, y, heading):
    return pure_pursuit.steer(
        params, line, state, np.float64(x), np.float64(y), np.float64(heading)
    )


@given(speed=speeds, error=st.floats(-10, 10), curvature=st.floats(-0.2, 0.2), k=st.floats(0, 500))
def test_the_lookahead_is_the_formulas_within_its_bounds(
    pursuit_params, speed, error, curvature, k
):
    params = pursuit_params(pure_pursuit_lookahead_per_curvature_m2=k)
    p = params[0]
    free = p.pure_pursuit_lookahead_s * speed - k * abs(curvature)
    free += p.pure_pursuit_lookahead_per_error * abs(error)
    expected = np.clip(free, p.pure_pursuit_lookahead_min_m, p.pure_pursuit_lookahead_max_m)
    assert pure_pursuit.lookahead(params, speed, error, curvature) == pytest.approx(expected)


@given(speed=st.floats(), error=st.floats(), curvature=st.floats())
def test_the_lookahead_is_within_its_bounds_whatever_comes_in(
    pursuit_params, speed, error, curvature
):
    params = pursuit_params()
    p = params[0]
    with np.errstate(all="ignore"):
        ahead = pure_pursuit.lookahead(params, *map(np.float64, (speed, error, curvature)))
    assert p.pure_pursuit_lookahead_min_m <= ahead <= p.pure_pursuit_lookahead_max_m


@given(
    radius=st.floats(5, 500), angle=st.floats(0.2, 3), left=st.booleans(),
    heading=st.floats(-3, 3), x=st.floats(-100, 100), y=st.floats(-100, 100),
)  # fmt: skip
def test_the_arc_to_a_point_of_a_circle_that_it_begins_on_is_that_circle(
    radius, angle, left, heading, x, y
):
    r"""::

       . - o target
     /      |
    c      |
          /
     o' - begins along its tangent
    """
    side = 1 if left else -1
    ahead, across = radius * math.sin(angle), side * radius * (1 - math.cos(angle))
    c, s = math.cos(heading), math.sin(heading)
    target = x + c * ahead - s * across, y + s * ahead + c * across
    if ahead**2 + across**2 > 1.0:
        curvature = pure_pursuit.arc(x, y, heading, *target)
        assert curvature == pytest.approx(side / radius, rel=1e-6)


def test_a_target_that_is_reached_asks_for_no_more_than_a_finite_arc():
    assert pure_pursuit.arc(3.0, 4.0, 0.5, 3.0, 4.0) == 0.0
    assert abs(pure_pursuit.arc(0.0, 0.0, 0.0, 0.0, 0.5)) <= 2.0


@given(speed=speeds, along=st.floats(10, 250), ax=st.floats(-8, 4))
def test_no_error_on_a_straight_no_steering(pursuit_params, oval, speed, along, ax):
    line = oval(600)
    state = moving(speed, ax=ax, index=int(along))
    assert steer(pursuit_params(line), line, state, along, 0.0, 0.0) == pytest.approx(0, abs=1e-12)


@given(speed=speeds, off=st.floats(0.01, 4), turned=st.floats(0.001, 0.5))
def test_left_of_the_line_or_pointing_left_of_it_it_steers_right(
    pursuit_params, oval, speed, off, turned
):
    line = oval(600)
    params, state = pursuit_params(line), moving(speed, index=100)
    assert steer(params, line, state, 100.0, off, 0.0) < 0.0
    assert steer(params, line, state, 100.0, -off, 0.0) > 0.0
    rear = params[0].wheelbase_m - params[0].front_axle_m
    x, y = 100.0 + rear * math.cos(turned), rear * math.sin(turned)
    assert steer(params, line, state, x, y, turned) < 0.0
    assert steer(params, line, state, x, -y, -turned) > 0.0


@pytest.mark.parametrize("speed", [0.0, 10.0, 60.0])
def test_small_errors_are_answered_with_the_gains_of_the_formula(pursuit_params, oval, speed):
    """2 / l_d^2 on the distance and 2 / l_d on the heading, times the wheelbase."""
    line = oval(600)
    params, tiny = pursuit_params(line, pure_pursuit_lookahead_per_error=0.0), 1e-5
    p, state = params[0], moving(speed, index=100)
    ahead = pure_pursuit.lookahead(params, speed, 0.0, 0.0)
    rear = p.wheelbase_m - p.front_axle_m
    by_distance = steer(params, line, state, 100.0, tiny, 0.0) / tiny
    by_heading = steer(params, line, state, 100.0, tiny * rear, tiny) / tiny
    assert by_distance == pytest.approx(-2 * p.wheelbase_m / ahead**2, rel=1e-3)
    assert by_heading == pytest.approx(-2 * p.wheelbase_m / ahead, rel=1e-3)
    assert state[0].lookahead_m == pytest.approx(ahead)


@pytest.mark.parametrize("left", [True, False])
@pytest.mark.parametrize("ay", [0.5, 5.0, 8.0])
@pytest.mark.parametrize("ax", [0.0, -3.0])
def test_in_steady_cornering_it_holds_the_steering_that_the_corner_takes(
    pursuit_params, circle, left, ay, ax
):
    r"""The rear axle on the circle, moving along its tangent: the axis points alpha_r inside."""
    radius = 100.0
    line = circle(radius, left, spacing_m=0.5)
    params = pursuit_params(line)
    p, side = params[0], 1 if left else -1
    speed = math.sqrt(ay * radius)
    rear = p.wheelbase_m - p.front_axle_m
    angle = 20 * line.s_m[1] / radius
    heading = side * angle + slip.rear(params, speed, side * ay, ax)
    x = radius * math.sin(angle) + rear * math.cos(heading)
    y = side * radius * (1 - math.cos(angle)) + rear * math.sin(heading)
    state = moving(speed, side * speed / radius, ax, index=20)
    needed = slip.steering(params, speed, side / radius, ax)
    assert steer(params, line, state, x, y, heading) == pytest.approx(needed, abs=1e-6)


@pytest.mark.parametrize("before_m", [1.0, 4.0, 8.0])
def test_on_the_line_it_steers_the_lines_curvature_though_the_target_lies_round_the_bend(
    pursuit_params, oval, before_m
):
    r"""::

                  target
                /
    -----o-----'     no corner is cut
       rear axle
    """
    line = oval(600, 30.0, spacing_m=0.5)
    params = pursuit_params(line, pure_pursuit_lookahead_min_m=10.0)
    rear = params[0].wheelbase_m - params[0].front_axle_m
    state = moving(0.0, index=600 - round(2 * before_m))
    assert steer(params, line, state, 300 - before_m + rear, 0.0, 0.0) == pytest.approx(0, abs=1e-9)


@given(
    x=st.floats(-90, 90), y=st.floats(-20, 20), heading=st.floats(-3, 3), speed=speeds,
    yaw=st.floats(-1, 1), ax=st.floats(-8, 4), index=st.integers(0, 500),
)  # fmt: skip
def test_a_mirrored_world_has_the_opposite_steering(
    pursuit_params, oval, mirrored, x, y, heading, speed, yaw, ax, index
):
    line = oval(200, 30)
    params, index = pursuit_params(line), index % line.size
    here = steer(params, line, moving(speed, yaw, ax, index), x, y, heading)
    there = steer(params, mirrored(line), moving(speed, -yaw, ax, index), x, -y, -heading)
    assert here == pytest.approx(-there, abs=1e-12)


@given(
    x=st.floats(-1e3, 1e3), y=st.floats(-1e3, 1e3), heading=st.floats(-50, 50), speed=speeds,
    yaw=st.floats(-20, 20), ax=st.floats(),
)  # fmt: skip
def test_any_finite_pose_has_finite_steering(pursuit_params, oval, x, y, heading, speed, yaw, ax):
    line = oval(200, 30)
    params = pursuit_params(line)
    with np.errstate(all="ignore"):
        assert math.isfinite(steer(params, line, moving(speed, yaw, ax), x, y, heading))
