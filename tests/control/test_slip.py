from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianyuan.control import slip

G = 9.80665
cornering = st.floats(-12, 12)
braking = st.floats(-11, 5)


@pytest.fixture(scope="module")
def params(new_params):
    return new_params()


@pytest.mark.parametrize("ax", [-9.0, 0.0, 4.0])
@pytest.mark.parametrize("axle", [slip.front, slip.rear])
def test_no_cornering_no_slip(params, axle, ax):
    assert axle(params, 30.0, 0.0, ax) == 0.0


@given(ay=cornering, ax=braking)
def test_slip_has_the_sign_of_the_cornering_and_is_odd_in_it(params, ay, ax):
    for axle in (slip.front, slip.rear):
        assert axle(params, 30.0, -ay, ax) == -axle(params, 30.0, ay, ax)
        assert axle(params, 30.0, ay, ax) * ay >= 0.0


@given(ay=cornering)
def test_at_steady_speed_slip_is_the_tables(params, ay):
    p = params[0]
    abscissa = np.arange(p.slip_front_rad.size) * p.slip_ay_step_mps2
    for axle, table in ((slip.front, p.slip_front_rad), (slip.rear, p.slip_rear_rad)):
        expected = math.copysign(np.interp(abs(ay), abscissa, table), ay)
        assert axle(params, 30.0, ay, 0.0) == pytest.approx(expected, abs=1e-12)


@given(share=st.floats(0.01, 0.97))
def test_at_steady_speed_the_axles_forces_balance_the_cornering(params, share):
    """The table's points: the tyre curve at the slip gives the force that the axle needs."""
    p = params[0]
    step = p.slip_ay_step_mps2
    ay = round(share * p.friction * G / step) * step
    for axle, b, c in (
        (slip.front, p.tyre_b_front, p.tyre_c_front),
        (slip.rear, p.tyre_b_rear, p.tyre_c_rear),
    ):
        force_over_load = p.friction * math.sin(c * math.atan(b * axle(params, 30.0, ay, 0.0)))
        assert force_over_load == pytest.approx(ay / G, abs=1e-9)


@given(less=st.floats(0, 12), more=st.floats(0, 12), ax=braking)
def test_more_cornering_never_slips_less(params, less, more, ax):
    less, more = sorted((less, more))
    for axle in (slip.front, slip.rear):
        assert axle(params, 30.0, more, ax) >= axle(params, 30.0, less, ax)


@given(ay=st.floats(0, 10), less=st.floats(0, 11), more=st.floats(0, 11))
def test_braking_harder_never_lets_the_rear_slip_less(params, ay, less, more):
    less, more = sorted((less, more))
    assert slip.rear(params, 30.0, ay, -more) >= slip.rear(params, 30.0, ay, -less) - 1e-12


@given(ay=st.floats(0, 9), ax=st.floats(0, 2))
def test_driving_unloads_the_front_of_a_rear_driven_car(params, ay, ax):
    assert slip.front(params, 30.0, ay, ax) >= slip.front(params, 30.0, ay, 0.0)


def test_driving_with_the_rear_wheels_takes_from_the_front_only_its_load(params):
    p = params[0]
    assert p.rear_drive == 1.0
    load = 1 - 3.0 * p.cg_height_m / (G * (p.wheelbase_m - p.front_axle_m))
    alone = slip.front(params, 30.0, 5.0 / load, 0.0)
    assert slip.front(params, 30.0, 5.0, 3.0) == pytest.approx(alone)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.78])
def test_braking_lets_the_front_slip_less_until_its_own_braking_outweighs_the_load(
    new_params, share
):
    """Against the friction circle with the load that braking moves, worked out here."""
    params = new_params(brake_front_share=share)
    p = params[0]
    rear_axle = p.wheelbase_m - p.front_axle_m
    ax = np.linspace(0.0, 9.0, 40)
    load = 1 + ax * p.cg_height_m / (G * rear_axle)
    used = share * ax * p.wheelbase_m / rear_axle
    capacity = np.sqrt(load**2 - (used / (p.friction * G)) ** 2)
    slips = np.array([slip.front(params, 30.0, 5.0, -a) for a in ax])
    turning = int(np.argmax(capacity))
    assert np.all(np.diff(slips[: turning + 1]) <= 0.0)
    assert np.all(np.diff(slips[turning:]) >= 0.0)
    abscissa = np.arange(p.slip_front_rad.size) * p.slip_ay_step_mps2
    assert slips == pytest.approx(np.interp(5.0 / capacity, abscissa, p.slip_front_rad), abs=1e-12)


def test_braking_with_the_rear_wheels_lets_only_the_rear_slip_more(new_params):
    front_only, rear_only = new_params(brake_front_share=1.0), new_params(brake_front_share=0.0)
    assert slip.rear(rear_only, 30.0, 5.0, -3.0) > slip.rear(front_only, 30.0, 5.0, -3.0)
    assert slip.front(rear_only, 30.0, 5.0, -3.0) < slip.front(front_only, 30.0, 5.0, -3.0)


@given(speed=st.floats(), ay=st.floats(), ax=st.floats())
def test_slip_is_finite_and_on_the_table_whatever_comes_in(new_params, speed, ay, ax):
    params = new_params(downforce_n_per_mps2=1.0)
    p = params[0]
    state = np.float64(speed), np.float64(ay), np.float64(ax)
    with np.errstate(all="ignore"):
        front, rear = slip.front(params, *state), slip.rear(params, *state)
    assert abs(front) <= p.slip_front_rad[-1]
    assert abs(rear) <= p.slip_rear_rad[-1]


@given(speed=st.floats(0, 80), ay=st.floats(0, 15), balance=st.floats(0, 1))
def test_downforce_is_worth_the_weight_that_it_adds(new_params, speed, ay, balance):
    """Each axle slips as one whose static load had grown by as much, at the same force."""
    k = 1.2
    params = new_params(downforce_n_per_mps2=k, downforce_front_share=balance)
    p = params[0]
    weight, down = p.mass_kg * G, k * speed**2
    front_share = 1 - p.front_axle_m / p.wheelbase_m
    front = 1 + balance * down / (front_share * weight)
    rear = 1 + (1 - balance) * down / ((1 - front_share) * weight)
    assert slip.front(params, speed, ay, 0.0) == pytest.approx(
        slip.front(params, 0.0, ay / front, 0.0), abs=1e-9
    )
    assert slip.rear(params, speed, ay, 0.0) == pytest.approx(
        slip.rear(params, 0.0, ay / rear, 0.0), abs=1e-9
    )


def test_a_car_without_tables_has_no_slip(new_params):
    params = new_params(slip_ay_step_mps2=0.0)
    assert slip.front(params, 30.0, 5.0, 0.0) == slip.rear(params, 30.0, 5.0, -3.0) == 0.0


def test_without_slip_the_rear_axle_follows_its_wheels(new_params):
    r"""::

    |<---- b ---->|
    rear          cg   v_y = b r, at any speed
    -+------------o--->
    """
    params = new_params(slip_ay_step_mps2=0.0)
    p = params[0]
    for speed in (0.5, 5.0, 50.0):
        expected = 0.2 * (p.wheelbase_m - p.front_axle_m)
        assert slip.sideways_mps(params, speed, 0.2, 0.0) == pytest.approx(expected)


def test_at_speed_the_middle_of_the_car_drifts_out_of_its_bend(params):
    assert slip.sideways_mps(params, 30.0, 8.0 / 30.0, 0.0) < 0.0


@given(speed=st.floats(0, 80), yaw_rate=st.floats(-20, 20), ax=braking)
def test_a_spinning_car_slides_no_faster_than_its_spin_and_its_slip_allow(
    params, speed, yaw_rate, ax
):
    p = params[0]
    most = (p.wheelbase_m - p.front_axle_m) * abs(yaw_rate)
    most += speed * math.tan(p.slip_rear_rad[-1])
    assert abs(slip.sideways_mps(params, speed, yaw_rate, ax)) <= most + 1e-9
