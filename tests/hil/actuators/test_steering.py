"""The steering's torque, friction and play."""

from __future__ import annotations

import numpy as np
import pytest

from tianyuan.hil.actuators.steering import TOUCH_RAD, load_nm

TIGHT = {"backlash_rad": 0.0}


def test_the_motor_holds_against_the_tyres(motors):
    c = motors()
    c.align_nm = -60.0
    table = c.vehicle.steering
    held = c.trace(2.0, steer_rad=0.03)
    assert held["steer_nm"][-1] == pytest.approx(60.0 * (1 - table.assistance) / table.ratio)


def test_a_steady_turn_takes_load_drag_and_friction_together(motors):
    c = motors(steering=TIGHT | {"max_nm": 50.0})
    c.align_nm = -60.0
    table = c.vehicle.steering
    trace = c.trace(0.4, steer_rad=0.6)
    turning = trace[150:300]
    assert turning["motor_radps"] == pytest.approx(table.max_radps)
    expected = 60.0 * (1 - table.assistance) / table.ratio + table.friction_nm
    expected += table.ratio * table.column_damping_nms * table.max_radps
    assert turning["steer_nm"] == pytest.approx(expected)


@pytest.mark.parametrize("over", [0.98, 1.02])
def test_a_load_above_the_top_torque_is_not_moved(motors, over):
    """At rest the motor can lift ``max_nm - friction_nm``: just below it turns, just above not."""
    c = motors(steering=TIGHT)
    table = c.vehicle.steering
    lifted_nm = over * (table.max_nm - table.friction_nm) / (1 - table.assistance) * table.ratio
    c.align_nm = -lifted_nm
    trace = c.trace(0.8, steer_rad=0.1)
    assert trace["steer_nm"].max() == pytest.approx(table.max_nm, rel=1e-3)
    if over < 1:
        assert trace["motor_rad"][-1] > 0.05
    else:
        assert trace["motor_rad"][-1] == pytest.approx(0.0, abs=1e-12)


def test_a_load_that_overcomes_torque_and_friction_pushes_the_motor_back(motors):
    c = motors(steering=TIGHT)
    c.trace(0.5, steer_rad=0.1)
    table = c.vehicle.steering
    c.align_nm = -1.1 * (table.max_nm + table.friction_nm) / (1 - table.assistance) * table.ratio
    assert c.trace(0.3)["motor_rad"][-1] < 0.05


def test_play_makes_a_hysteresis_loop_as_wide_as_it(motors):
    """Driven slowly to and fro, the rack stays for the play's width at each turn.

    rack ^    ____/      down the motor leads by half the play, up it lags by half:
         |   /   /       the loop's width is the play, whichever way it is driven
         |  /___/
         +-----------> motor
    """
    play = 0.004
    c = motors(steering={"backlash_rad": play, "delay_s": 0.0})
    wave = 0.05 * np.sin(np.linspace(0, 4 * np.pi, 4000))
    rows = np.concatenate([c.trace(1e-3, steer_rad=angle) for angle in wave])[1000:]
    gap = rows["motor_rad"] - rows["steer_rad"]
    between, rate = np.abs(rows["motor_rad"]) < 0.03, rows["motor_radps"]
    rising, falling = between & (rate > 0), between & (rate < 0)
    assert gap[rising] == pytest.approx(0.5 * play)
    assert gap[falling] == pytest.approx(-0.5 * play)
    still = np.abs(np.diff(rows["steer_rad"])) == 0
    travel = np.abs(np.diff(rows["motor_rad"]))[still].sum()
    assert travel == pytest.approx(3 * play, rel=0.1)


def test_without_play_the_wheels_are_the_motor(motors):
    c = motors(steering=TIGHT)
    c.align_nm = -40.0
    trace = c.trace(0.3, steer_rad=0.2)
    np.testing.assert_array_equal(trace["steer_rad"], trace["motor_rad"])


@pytest.mark.parametrize("side", [1, -1])
def test_the_tyres_push_the_rack_to_a_flank_and_only_there_load_the_motor(motors, side):
    c = motors(steering={"backlash_rad": 0.004})
    half = 0.002
    free = side * 0.5 * c.vehicle.steering.rack_friction_nm
    c.align_nm = free
    assert c.trace(0.1)["steer_rad"][-1] == 0.0
    c.align_nm = side * 300.0
    trace = c.trace(0.1)
    assert trace["steer_rad"][-1] == pytest.approx(side * half)
    assert trace["steer_nm"][0] == 0.0
    table = c.vehicle.steering
    carried = side * 300.0 * (1 - table.assistance) / table.ratio
    assert trace["steer_nm"][-1] == pytest.approx(-carried)


def test_the_load_is_carried_from_the_flank_on(motors):
    c = motors(steering={"backlash_rad": 0.004})
    c.state.steer_rad = 0.002 - 0.5 * TOUCH_RAD
    assert load_nm(c.plant[0], c.state[0], 100.0) > 0
    assert load_nm(c.plant[0], c.state[0], -100.0) == 0
    c.state.steer_rad = 0.001
    assert load_nm(c.plant[0], c.state[0], 100.0) == 0
