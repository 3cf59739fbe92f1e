"""Broken motors and a hidden sky, all the way to the host: what it is told, and that it stops."""

from __future__ import annotations

import pytest

from tianyuan.control.records import Cause, Mode
from tianyuan.hil.actuators.state import Fault, Status
from tianyuan.hil.sensors.receiver import Outage, sky

pytestmark = pytest.mark.compiled


def told(loop) -> tuple[Mode, Cause]:
    return Mode(int(loop.life.command.mode[0])), Cause(int(loop.life.command.cause[0]))


@pytest.mark.parametrize(
    ("status", "cause"),
    [(Status.STEERING, Cause.STEERING_LOST), (Status.BRAKE, Cause.BRAKE_LOST),
     (Status.POWERTRAIN, Cause.POWERTRAIN_LOST)],
)  # fmt: skip
def test_a_motor_that_sends_no_status_is_lost_to_the_host(driving, status, cause):
    driving.life.actuator_faults.status_silent = int(status)
    driving.advance(0.5)
    assert told(driving) == (Mode.CONTROLLED_STOP, cause)


@pytest.mark.parametrize(
    ("fault", "cause", "said"),
    [("steer_dead", Cause.STEERING_FAULT, "steer_fault"),
     ("brake_circuit_1_dead", Cause.BRAKE_FAULT, "brake_fault")],
)  # fmt: skip
def test_a_motor_that_finds_itself_broken_tells_the_host(driving, fault, cause, said):
    driving.life.actuator_faults[fault] = 1.0
    for _ in range(400):
        if told(driving.advance(0.1))[0] != Mode.DRIVING:
            break
    assert told(driving)[1] == cause
    assert driving.life.sensors[said][0] in (Fault.POWER, Fault.BLOCKED)


def test_the_second_circuit_stops_a_car_whose_first_holds_no_pressure(driving):
    driving.life.actuator_faults.brake_circuit_1_dead = 1.0
    driving = driving._replace(host_every=1 << 50)
    driving.advance(12.0)
    assert driving.life.circuit.tripped[0] == 1
    assert abs(driving.speed_mps) < 0.2


def under(loop, *outages: Outage):
    return loop._replace(world=loop.world._replace(sky=sky(outages)))


def test_a_car_under_a_hidden_sky_is_stopped_and_says_why(driving):
    hidden = under(driving, Outage(quality="none", from_s=0.0)).advance(0.2)
    mode, cause = told(hidden)
    assert mode == Mode.CONTROLLED_STOP
    assert cause in (Cause.POSITION_LOST, Cause.VELOCITY_LOST)
    assert hidden.life.sensors.gnss_quality[0] == 0


def test_a_car_that_loses_its_fix_for_a_moment_drives_on_and_finds_it_again(driving):
    run_s = (driving.clock[0] - driving.life.race.began_ns[0]) * 1e-9
    loop = under(driving, Outage(quality="float", from_s=run_s, to_s=run_s + 0.5)).advance(0.4)
    assert loop.life.sensors.gnss_quality[0] == 5
    loop.advance(10.0)
    assert loop.life.sensors.gnss_quality[0] == 4
    assert told(loop) == (Mode.DRIVING, Cause.NONE)
