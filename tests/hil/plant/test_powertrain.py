"""Engine, clutch and gearbox."""

from __future__ import annotations

import numpy as np
import pytest

from tianyuan.hil.plant import powertrain

RADPS = np.pi / 30


def torque(c, rpm: float, throttle: float) -> float:
    return powertrain.engine_torque(c.plant[0], rpm * RADPS, throttle)


def test_the_map_gives_the_published_full_load_and_drag(car):
    c = car()
    for rpm, nm in ((1500, 300), (3900, 300), (5000, 257.8), (6500, 198.3)):
        assert torque(c, rpm, 1.0) == pytest.approx(nm, rel=0.01)
    assert torque(c, 5000, 1.0) * 5000 * RADPS == pytest.approx(135e3, rel=0.01)
    assert torque(c, 4000, 0.0) == pytest.approx(-31, rel=0.01)
    assert torque(c, 4000, 0.5) == pytest.approx((300 - 31) / 2, rel=0.01)


@pytest.mark.compiled
def test_the_limiter_leaves_only_drag(car):
    c = car()
    assert torque(c, 6801, 1.0) < -35
    assert torque(c, 20000, 1.0) < 0
    assert c.drive(0.5, gear=1, throttle=1.0).drive(10.0).engine_radps < 6900 * RADPS


def test_a_shift_takes_its_time_and_cuts_the_torque(car):
    c = car(25.0, 3).drive(0.5, throttle=0.8)
    trace = c.trace(0.5, gear=4)
    shifting = trace["shift_s"] > 0
    assert shifting.sum() == pytest.approx(c.vehicle.gearbox.shift_s / c.dt_s, abs=1)
    assert not trace["clutch_nm"][shifting].any()
    assert set(trace["gear"]) == {3.0, 4.0}
    locked = trace["wheel_radps"][-1, 2:].mean() * c.plant.gearbox_overall[0, 4]
    assert trace["engine_radps"][-1] == pytest.approx(locked, rel=2e-3)


def test_a_gear_that_would_burst_the_engine_is_not_engaged(car):
    c = car(50.0, 6)
    assert c.drive(1.0, gear=1).gear == 6
    assert c.drive(1.0, gear=5).gear == 5


@pytest.mark.parametrize("gear", [-1.0, 9.0, 1e9, float("nan"), float("inf")])
def test_a_gear_that_is_not_there_is_not_engaged(car, gear):
    assert car(20.0, 3).drive(0.5, gear=gear).gear == 3


def test_in_neutral_the_engine_revs_and_the_car_does_not_move(car):
    c = car().drive(2.0, throttle=0.5, gear=0)
    assert c.engine_radps > 300
    assert c.x_m == 0.0


def test_a_front_driven_car_spins_its_front_wheels(car):
    rear = car()
    front = car(0.0, 0, gearbox={"rear_share": 0.0})
    for c in (rear, front):
        c.drive(1.0, gear=1, throttle=1.0)
    radius = rear.vehicle.tyre.radius_m
    assert (rear.wheel_radps[2:] * radius > 1.1 * rear.vx_mps).all()
    assert (rear.wheel_radps[:2] * radius < 1.01 * rear.vx_mps).all()
    assert (front.wheel_radps[:2] * radius > 1.1 * front.vx_mps).all()
    assert (front.wheel_radps[2:] * radius < 1.01 * front.vx_mps).all()


@pytest.mark.parametrize("share", [0.3, 0.5])
def test_with_both_axles_driven_each_gets_its_share_of_the_torque(car, share):
    """Newton at both axles, step by step, the engine's inertia shared alike."""
    c = car(15.0, 3, gearbox={"rear_share": share})
    t = c.trace(0.5, throttle=0.5)
    v, overall = c.vehicle, c.plant.gearbox_overall[0, 3]
    for wheels, part in (([0, 1], 1 - share), ([2, 3], share)):
        radius = v.tyre.radius_m
        rolling = v.tyre.rolling + v.tyre.rolling_spm * t["vx_mps"][:-1]
        load_n, fx_n = (t[name][1:, wheels].sum(axis=1) for name in ("wheel_load_n", "wheel_fx_n"))
        against = radius * (fx_n + rolling * load_n)
        inertia = 2 * v.tyre.wheel_inertia_kgm2 + part * v.engine.inertia_kgm2 * overall**2
        gained = inertia * np.diff(t["wheel_radps"][:, wheels].mean(axis=1)) / c.dt_s
        driven = part * t["engine_nm"][1:] * overall * v.gearbox.efficiency
        driving = t["engine_nm"][1:] > 0
        assert driving.sum() > 400
        np.testing.assert_allclose((gained + against)[driving], driven[driving], atol=1e-6)


def test_a_motor_without_a_clutch_turns_with_its_wheels_from_standstill_on(car):
    flat = {"speed_rpm": [0.0, 7000.0], "torque_nm": [300.0, 300.0], "drag_nm": [0.0, 20.0]}
    c = car(0.0, 1, engine=flat | {"idle_rpm": 0.0, "launch_rpm": 0.0})
    c.drive(0.3)
    assert c.vx_mps == pytest.approx(0.0, abs=1e-6)
    t = c.trace(1.0, throttle=0.3)
    overall = c.plant.gearbox_overall[0, 1]
    np.testing.assert_allclose(
        t["engine_radps"][1:], t["wheel_radps"][:-1, 2:].mean(axis=1) * overall, atol=1e-9
    )
    assert t["engine_nm"][200] == pytest.approx(0.3 * 300.0, rel=0.05)
    assert c.vx_mps > 2.0


@pytest.mark.parametrize(("throttle", "share"), [(0.25, 0.5), (0.5, 1.0), (1.0, 1.0)])
def test_a_torque_that_is_asked_for_is_given_up_to_what_there_is(car, throttle, share):
    """At 4000 rpm, 300 Nm and a drag of 31: a whole throttle asks for twice their span."""
    plain, asked = car(), car(engine={"request_nm": 2 * (300.0 + 31.0) - 31.0})
    assert torque(asked, 4000, throttle) == pytest.approx(torque(plain, 4000, share), rel=0.01)


def test_a_slipping_clutch_passes_on_what_the_engines_own_speed_leaves(car):
    """Newton at the engine and at the driven wheels, step by step."""
    c = car().drive(0.5, gear=2)
    t = c.trace(0.4, throttle=0.8)
    v, dt = c.vehicle, c.dt_s
    own = v.engine.inertia_kgm2 * np.diff(t["engine_radps"]) / dt
    np.testing.assert_allclose(own, (t["engine_nm"] - t["clutch_nm"])[1:], atol=1e-6)
    radius = v.tyre.radius_m
    rolling = v.tyre.rolling + v.tyre.rolling_spm * np.abs(t["vx_mps"][:-1])
    load_n, fx_n = (t[name][1:, 2:].sum(axis=1) for name in ("wheel_load_n", "wheel_fx_n"))
    against = radius * (fx_n + rolling * load_n)
    wheels = t["wheel_radps"][:, 2:].mean(axis=1)
    gained = 2 * v.tyre.wheel_inertia_kgm2 * np.diff(wheels) / dt
    given = t["clutch_nm"][1:] * c.plant.gearbox_overall[0, 2] * v.gearbox.efficiency
    turning = wheels[:-1] > 0.1
    assert turning.sum() > 200
    np.testing.assert_allclose((gained + against)[turning], given[turning], atol=1e-6)
    assert np.abs(own).max() > 20


def test_the_launch_is_smooth(car):
    c = car().drive(0.3, gear=1)
    trace = c.trace(3.0, throttle=0.4)
    assert trace["vx_mps"][-1] > 6
    assert np.abs(np.diff(trace["ax_mps2"][500:])).max() < 0.1
    assert trace["ax_mps2"].min() > -0.05


@pytest.mark.compiled
def test_the_car_goes_from_rest_to_100_kmh_like_its_class(car):
    c, seconds = car().drive(0.3, gear=1), 0.0
    while c.vx_mps < 100 / 3.6:
        c.accelerate()
        seconds += 0.01
        assert seconds < 10
    assert 5.0 < seconds < 7.5, "the production car, 1450 kg: 7.1 s"
