from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianyuan.control import grip

G = 9.80665
cornering = st.floats(-9, 9)
speeds = st.floats(0, 80)


def test_load_is_weight_and_what_the_air_presses(new_params):
    params = new_params(downforce_n_per_mps2=2.0)
    assert grip.load_n(params, 50.0) == pytest.approx(params[0].mass_kg * G + 2.0 * 50.0**2)


@given(ay=cornering, speed=speeds, down=st.floats(0, 5))
def test_cornering_and_what_it_leaves_make_up_the_friction_circle(new_params, ay, speed, down):
    params = new_params(downforce_n_per_mps2=down)
    p = params[0]
    most = p.friction * (p.mass_kg * G + down * speed**2) / p.mass_kg
    left = grip.remaining(params, speed, ay)
    if left > grip.FLOOR:
        assert (ay / most) ** 2 + left**2 == pytest.approx(1.0)
    assert grip.braking_mps2(params, speed, ay) == pytest.approx(most * left)


@given(less=st.floats(0, 30), more=st.floats(0, 30))
def test_more_cornering_never_leaves_more_and_always_leaves_some(new_params, less, more):
    params = new_params()
    less, more = sorted((less, more))
    low, high = grip.remaining(params, 20.0, more), grip.remaining(params, 20.0, less)
    assert grip.FLOOR <= low <= high <= 1.0
    assert grip.remaining(params, 20.0, -more) == low


@pytest.mark.parametrize("rear_drive", [0.0, 0.4, 0.6, 1.0])
@given(ay=cornering, friction=st.floats(0.2, 1.4))
def test_traction_is_where_the_first_axle_runs_out_of_its_load(
    new_params, rear_drive, ay, friction
):
    r"""Both axles' balance at the limit, down-force and all.

    ::

                o cg, h above the road
        F -> ___|_________
        rear  a    b  front      load: share m g + its down-force +- F h / L
    """
    params = new_params(
        rear_drive=rear_drive, friction=friction, downforce_n_per_mps2=2.0,
        downforce_front_share=0.3,
    )  # fmt: skip
    p = params[0]
    mu = friction * grip.remaining(params, 20.0, ay)
    rear_share = p.front_axle_m / p.wheelbase_m
    down = 2.0 * 20.0**2

    def holds(force):
        moved = force * p.cg_height_m / p.wheelbase_m
        rear = rear_share * p.mass_kg * G + 0.7 * down + moved
        front = (1 - rear_share) * p.mass_kg * G + 0.3 * down - moved
        return rear_drive * force <= mu * rear and (1 - rear_drive) * force <= mu * front

    force = grip.traction_n(params, 20.0, ay)
    assert holds(force * (1 - 1e-9))
    assert not holds(force * (1 + 1e-9))


@given(speed=st.floats(), ay=st.floats())
def test_the_floor_holds_whatever_comes_in(new_params, speed, ay):
    with np.errstate(all="ignore"):
        left = grip.remaining(new_params(), np.float64(speed), np.float64(ay))
    assert math.isnan(left) or grip.FLOOR <= left <= 1.0
