"""Faults of protected frames on the closed loop (FAULTS 59 to 61), each with its harmless twin."""

from __future__ import annotations

import numpy as np
import pytest

from tianyuan import names
from tianyuan.control.records import CHANNEL_NAMES, Cause, Mode
from tianyuan.dbc.codec import SENT, State, Status, encode, records
from tianyuan.firmware.tables import wire
from tianyuan.hil import virtual

pytestmark = pytest.mark.compiled  # minutes of driving

STALE_S = 0.1  # the shipped car's supervisor.stale_s
LOST = {
    "IMU": Cause.IMU_LOST,
    "GNSS_POSITION": Cause.POSITION_LOST,
}


def heard(car, name):
    """Index of a message among those that the host hears."""
    return [message.name for message in wire(car).sensor_messages].index(name)


def said(car, name):
    """Index of a message among those that the rig says: all of them but the guard's."""
    heard_by_host = [message.name for message in wire(car).sensor_messages]
    return [each for each in heard_by_host if each != "GUARD_PERMIT"].index(name)


def spoilt(loop, car, name):
    """The world with another data id for one message: each of its frames has a wrong CRC."""
    other = car.protection[name].model_copy(update={"data_id": 0x7FF})
    changed = car.model_copy(update={"protection": car.protection | {name: other}})
    return virtual.make_rig(changed, names.vehicle_file("tianyuan"), loop.host, 1)


def mode(loop):
    return Mode(int(loop.host.command.mode[0]))


def cause(loop):
    return Cause(int(loop.host.command.cause[0]))


@pytest.mark.parametrize("name", LOST)
def test_wrong_crcs_make_a_message_invalid_and_stop_the_car(driving, car, name):
    driving = driving._replace(world=spoilt(driving, car, name))
    driving.advance(STALE_S + 0.05)

    record = driving.host.memory.received[heard(car, name)]
    assert (record.status, record.state) == (Status.WRONG_CRC, State.INVALID)
    assert (mode(driving), cause(driving)) == (Mode.CONTROLLED_STOP, LOST[name])


def test_a_message_that_is_half_wrong_is_invalid_however_fresh_its_right_half(driving, car):
    right, wrong = driving.world, spoilt(driving, car, "IMU")
    for _ in range(30):  # its cycle is 4 ms
        for world in (wrong, right):
            driving = driving._replace(world=world).advance(0.004)

    record = driving.host.memory.received[heard(car, "IMU")]
    assert record.state == State.INVALID
    assert driving.clock[0] - record.t_ns > STALE_S * 1e9  # and its values were not taken
    assert cause(driving) == Cause.IMU_LOST


@pytest.mark.parametrize("name", LOST)
def test_a_single_fault_now_and_then_is_borne(driving, car, name):
    right, wrong, k = driving.world, spoilt(driving, car, name), said(car, name)
    record = driving.host.memory.received[heard(car, name)]
    cycle_s, counter = float(right.cycle_ns[k]) * 1e-9, driving.life.sent.counter
    for fault in ("spoilt", "repeated", "lost") * 3:
        errors = int(record.errors)
        if fault == "spoilt":
            driving = driving._replace(world=wrong)
        elif fault == "repeated":
            counter[k] = (counter[k] + 14) % 15
        else:
            counter[k] = (counter[k] + 1) % 15
        driving.advance(cycle_s)
        driving = driving._replace(world=right)
        driving.advance(0.1)
        assert mode(driving) == Mode.DRIVING
        assert record.state == State.VALID
        assert record.errors - errors == (0 if fault == "lost" else 1)


@pytest.mark.parametrize("name", LOST)
def test_a_frozen_counter_is_repeated_and_stops_the_car(driving, car, name):
    k, record = said(car, name), driving.host.memory.received[heard(car, name)]
    count, cycle_s = int(record.count), float(driving.world.cycle_ns[k]) * 1e-9
    for cycle in range(round((STALE_S + 0.05) / cycle_s)):
        driving.life.sent.counter[k] = 3
        driving.advance(cycle_s)
        assert cycle < 3 or record.status == Status.REPEATED

    assert record.count <= count + 2
    assert (mode(driving), cause(driving)) == (Mode.CONTROLLED_STOP, LOST[name])


class Recording:
    """Frames of the steering's status from some other day: full lock."""

    def __init__(self, loop, car):
        self._loop, self._codec = loop, loop.host.tables.sensors
        self._own, self._place = said(car, "STEERING_STATUS"), heard(car, "STEERING_STATUS")
        self._values = loop.host.sensors.view(np.float64).copy()
        self._values[CHANNEL_NAMES.index("steer_rad")] = 0.5
        self._sent = records(self._codec, SENT)

    def play(self, ahead):
        """Put a frame into the host's queue whose counter is this far from the next one."""
        self._sent.counter[self._place] = (self._loop.life.sent.counter[self._own] + ahead) % 15
        queue, waiting = self._loop.queues[0], self._loop.queues[3]
        at = int(waiting[0])
        assert encode(self._codec, self._place, self._sent, self._values, queue, at) == 0
        waiting[0] += 1


def test_recorded_frames_are_ignored(driving, car):
    recording = Recording(driving, car)
    record = driving.host.memory.received[heard(car, "STEERING_STATUS")]
    for _ in range(10):
        errors = int(record.errors)
        recording.play(7)
        driving.advance(0.002)
        assert record.errors > errors
        assert driving.host.sensors.steer_rad[0] < 0.4
        driving.advance(0.1)
        assert mode(driving) == Mode.DRIVING


def test_a_flood_of_recorded_frames_stops_the_car(driving, car):
    recording = Recording(driving, car)
    for _ in range(75):
        recording.play(7)
        driving.advance(0.002)
        assert driving.host.sensors.steer_rad[0] < 0.4
    assert (mode(driving), cause(driving)) == (Mode.CONTROLLED_STOP, Cause.STEERING_LOST)
