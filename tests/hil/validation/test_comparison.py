"""Our plant against the peer's models, by the rows that ``tianyuan validate`` prints."""

from __future__ import annotations

import numpy as np
import pytest

from tianyuan.hil.validation import measures
from tianyuan.hil.validation.catalogue import cases
from tianyuan.hil.validation.commonroad import DRIFT, MULTI_BODY, Peer, parameters
from tianyuan.hil.validation.comparison import compare
from tianyuan.hil.validation.expectations import EXPECTATIONS
from tianyuan.hil.validation.manoeuvre import Manoeuvre, Profile, hold, ramp, steady, straight
from tianyuan.hil.validation.ours import Ours
from tianyuan.hil.validation.reasons import REASONS
from tianyuan.hil.validation.twin import twin

SHORT = ("threshold", "skid_pad", "step_25", "turn_braking")


@pytest.mark.compiled  # a minute and more with the JIT off
@pytest.mark.parametrize("key", SHORT)
def test_every_difference_is_inside_its_bound_and_goes_with_its_reasons(key):
    (one,) = compare([key])
    broken = [each for row in one.rows for each in row.beside if not each.holds()]
    assert not broken


def test_every_figure_has_an_expectation_and_every_reason_is_cited():
    assert {case.key for case in cases()} == set(EXPECTATIONS)
    for case in cases():
        assert len(case.figures) == len(EXPECTATIONS[case.key])
    cited = {
        name for rows in EXPECTATIONS.values() for row in rows for each in row
        for name in each.reasons
    }  # fmt: skip
    assert cited == set(REASONS)


@pytest.mark.parametrize("kind", [MULTI_BODY, DRIFT])
def test_the_peer_turns_as_its_wheels_are_turned_and_is_its_own_mirror_image(kind):
    left, right = (
        Peer(kind).drive(Manoeuvre(15.0, 2.0, ramp(angle, 0.5, 0.4), hold(15.0)))
        for angle in (0.03, -0.03)
    )
    assert left.yaw_rate_radps[-1] > 0.1
    assert left.ay_mps2[-1] > 1.0
    assert right.yaw_rate_radps[-1] == pytest.approx(-left.yaw_rate_radps[-1], rel=0.01)
    assert left.wheel_load_n[-1, 1] >= left.wheel_load_n[-1, 0]
    assert left.roll_rad[-1] >= 0.0


def test_the_twin_stands_as_the_peer_stands():
    p = parameters()
    ours = Ours(twin(p)).drive(Manoeuvre(20.0, 0.3, straight(), hold(20.0)))
    theirs = Peer(DRIFT).drive(Manoeuvre(20.0, 0.3, straight(), hold(20.0)))
    assert ours.wheel_load_n[-1] == pytest.approx(theirs.wheel_load_n[-1], rel=0.002)
    assert ours.vx_mps[-1] == pytest.approx(20.0, abs=0.01)


def test_a_demand_is_the_same_torque_in_every_model():
    run = Manoeuvre(20.0, 0.4, straight(), steady(-3.0))
    speeds = [model.drive(run).vx_mps[-1] for model in (Ours(twin(parameters())), Peer(MULTI_BODY))]
    assert speeds[0] == pytest.approx(speeds[1], abs=0.01)


def test_a_profile_is_straight_between_its_knots_and_held_after():
    profile = Profile(np.array([0.0, 1.0, 1.5]), np.array([0.0, 0.0, 0.1]))
    assert [profile.angle(t) for t in (0.5, 1.25, 9.0)] == pytest.approx([0.0, 0.05, 0.1])
    assert [profile.rate(t) for t in (0.5, 1.0, 1.25, 1.5, 9.0)] == pytest.approx(
        [0.0, 0.2, 0.2, 0.0, 0.0]
    )


def test_a_crossing_is_found_between_samples_and_is_nan_where_there_is_none():
    t = np.array([0.0, 1.0, 2.0])
    assert measures.crossing(t, np.array([0.0, 1.0, 3.0]), 2.0) == pytest.approx(1.5)
    assert np.isnan(measures.crossing(t, np.zeros(3), 1.0))
    assert np.isnan(measures.crossing(t, np.ones(3), 1.0))
