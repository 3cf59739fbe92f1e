"""What is broken: each fault has an effect and a word in the status, its healthy twin neither."""

from __future__ import annotations

import numpy as np
import pytest

from tianyuan.control.records import GROUPS
from tianyuan.hil.actuators.state import ACTUATOR_FAULTS, Fault, Status, statuses

FAULTS = {
    "steer_stuck": 1.0, "steer_dead": 1.0, "steer_runaway_radps": -0.3,
    "brake_circuit_1_dead": 1.0, "brake_circuit_2_dead": 1.0, "brake_stuck_bar": 40.0,
    "throttle_stuck": 1.0, "status_silent": float(Status.BRAKE),
}  # fmt: skip
WANTED = {"steer_rad": 0.2, "throttle": 0.8, "brake_bar": 10.0}


def broken(motors, name: str, **wanted: float):
    """Motors at work for half a second with a fault, and their healthy twin."""
    pair = motors(), motors()
    for c in pair:
        c.align_nm = lambda angle: -4000.0 * angle
        c.state.circuit_wanted_bar = 20.0
        c.trace(0.2, steer_rad=0.05, throttle=0.2, brake_bar=5.0)
    pair[0].faults[name] = FAULTS[name]
    return [c.trace(0.6, **(WANTED | wanted)) for c in pair]


def test_every_fault_is_known_here_and_zero_is_healthy():
    assert set(FAULTS) == set(ACTUATOR_FAULTS.names)


@pytest.mark.parametrize(
    ("name", "channel"),
    [("steer_stuck", "steer_rad"), ("steer_dead", "steer_rad"),
     ("steer_runaway_radps", "steer_rad"), ("brake_circuit_1_dead", "service_bar"),
     ("brake_circuit_2_dead", "circuit_bar"), ("brake_stuck_bar", "brake_front_bar"),
     ("throttle_stuck", "throttle")],
)  # fmt: skip
def test_a_fault_changes_what_it_breaks_and_nothing_of_the_other_motors(motors, name, channel):
    ill, healthy = broken(motors, name)
    assert ill[channel][-1] != pytest.approx(healthy[channel][-1], rel=0.05)
    other = {"s": ("throttle", "service_bar"), "b": ("throttle", "steer_rad"),
             "t": ("steer_rad", "service_bar")}[name[0]]  # fmt: skip
    for untouched in other:
        np.testing.assert_array_equal(ill[untouched], healthy[untouched])
    assert not np.any([healthy[f] for f in ("steer_fault", "brake_fault", "powertrain_fault")])


def test_a_stuck_steering_stays_and_its_motor_strains(motors):
    ill, healthy = broken(motors, "steer_stuck")
    assert np.ptp(ill["motor_rad"]) == 0.0
    assert ill["steer_nm"][-1] == motors().vehicle.steering.max_nm
    assert healthy["steer_rad"][-1] == pytest.approx(0.2, abs=0.001)
    assert ill["steer_fault"][-1] == Fault.BLOCKED


def test_a_dead_steering_motor_lets_the_tyres_turn_the_wheel_back(motors):
    ill, _ = broken(motors, "steer_dead")
    assert (ill["steer_nm"] == 0).all()
    assert abs(ill["steer_rad"][-1]) < 0.03 < ill["steer_rad"][0]
    assert ill["steer_fault"][-1] == Fault.POWER


def test_a_steering_that_runs_away_ends_at_its_stop_and_finds_nothing_wrong_at_first(motors):
    ill, _ = broken(motors, "steer_runaway_radps")
    assert ill["motor_radps"][100:300] == pytest.approx(-0.3)
    assert ill["steer_fault"][50] == Fault.NONE
    longer = motors()
    longer.faults.steer_runaway_radps = 5.0
    trace = longer.trace(2.0)
    assert trace["motor_radps"].max() <= longer.vehicle.steering.max_radps
    assert trace["motor_rad"][-1] == longer.vehicle.steering.max_rad


def test_without_the_first_circuit_the_second_still_brakes(motors):
    ill, healthy = broken(motors, "brake_circuit_1_dead", brake_bar=60.0)
    assert healthy["brake_front_bar"][-1] == pytest.approx(60.0, rel=1e-3)
    assert ill["service_bar"][-1] == 0.0
    assert ill["brake_front_bar"][-1] == pytest.approx(20.0, rel=1e-3)
    assert ill["brake_travel"][-1] == pytest.approx(healthy["brake_travel"][-1])
    assert ill["brake_fault"][-1] == Fault.BLOCKED


def test_without_the_second_circuit_the_first_still_brakes(motors):
    ill, healthy = broken(motors, "brake_circuit_2_dead")
    assert healthy["brake_front_bar"][-1] == pytest.approx(20.0, rel=1e-3)
    assert ill["brake_front_bar"][-1] == pytest.approx(10.0, rel=1e-3)
    assert ill["brake_fault"][-1] == Fault.NONE


def test_a_stuck_brake_holds_its_pressure_whatever_is_asked(motors):
    for asked_bar in (0.0, 90.0):
        ill, _ = broken(motors, "brake_stuck_bar", brake_bar=asked_bar)
        assert ill["service_bar"][-1] == 40.0
        assert ill["service_bar"][0] <= 5.0 + 0.8
        assert np.abs(np.diff(ill["service_bar"])).max() <= 0.8 + 1e-9
        assert ill["brake_fault"][-1] == Fault.BLOCKED


def test_a_stuck_throttle_stays_as_open_as_it_was(motors):
    ill, healthy = broken(motors, "throttle_stuck", throttle=0.9)
    assert np.ptp(ill["throttle"]) == 0.0
    assert healthy["throttle"][-1] == pytest.approx(0.9, abs=0.01)
    assert ill["powertrain_fault"][-1] == Fault.BLOCKED


@pytest.mark.parametrize("name", [n for n in FAULTS if n != "status_silent"])
def test_a_motor_that_is_mended_follows_again_and_says_so(motors, name):
    c = motors()
    c.faults[name] = FAULTS[name]
    c.trace(0.8, **WANTED)
    c.faults[name] = 0.0
    trace = c.trace(1.5, steer_rad=0.1, throttle=0.1, brake_bar=20.0)
    assert trace["motor_rad"][-1] == pytest.approx(0.1, abs=1e-3)
    assert trace["throttle"][-1] == pytest.approx(0.1, abs=1e-3)
    assert trace["brake_front_bar"][-1] == pytest.approx(20.0, abs=0.1)
    assert trace["steer_fault"][-1] == trace["brake_fault"][-1] == Fault.NONE


def test_a_motor_that_lags_as_it_should_is_not_blocked(motors):
    c = motors()
    sweep = 0.5 * np.sin(np.arange(3000) * 1e-3 * 1.6)
    for k, angle in enumerate(sweep):
        hard = k % 800 < 400
        trace = c.trace(1e-3, steer_rad=angle, throttle=float(hard), brake_bar=80.0 * (not hard))
        said = trace["steer_fault"], trace["brake_fault"], trace["powertrain_fault"]
        assert not np.any(said)


def test_a_message_is_the_status_of_whose_groups_it_carries():
    groups = np.zeros((4, len(GROUPS)), np.int64)
    groups[1, GROUPS.index("brake")] = groups[2, GROUPS.index("steering")] = 1
    groups[2, GROUPS.index("powertrain")] = groups[3, GROUPS.index("imu")] = 1
    assert list(statuses(groups)) == [0, Status.BRAKE, Status.STEERING | Status.POWERTRAIN, 0]
