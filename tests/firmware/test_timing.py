"""Cycles and timeouts of messages: the car file's before the DBC file's, and what they decide."""

from __future__ import annotations

import numpy as np
import pytest

from tianyuan.control.errors import InputError
from tianyuan.control.records import GROUPS, Cause, Controller
from tianyuan.control.supervisor import lost_cause
from tianyuan.firmware.car_file import load_car, params_of
from tianyuan.firmware.tables import wire
from tianyuan.firmware.tick import receive
from tianyuan.firmware.timing import cycle_ms, cycles_ns, limit_s, rig_cycles_ns

MS = 1_000_000
NOW_NS = 60_000 * MS


@pytest.fixture
def timed(car_with):
    """The shipped car with times of its own for some messages."""

    def make(valid=None, **messages):
        def edit(document):
            document["messages"] = messages
            if valid:
                document["sensors"]["imu_ax_mps2"] = {"signal": "IMU.AccelX", "valid": valid}

        return load_car(car_with(edit))

    return make


def silent(host, car, **ages_ms):
    """What the supervisor misses when messages were last heard so long ago, all others now."""
    names = [message.name for message in wire(car).sensor_messages]
    host.memory.received.t_ns[:] = NOW_NS
    for name, age_ms in ages_ms.items():
        host.memory.received.t_ns[names.index(name)] = NOW_NS - round(age_ms * MS)
    receive(host.tables, host.frames_in, 0, NOW_NS, host.sensors, host.memory)
    return Cause(int(lost_cause(host.tables.driver, host.sensors, NOW_NS)))


def test_the_car_files_cycle_comes_before_the_dbc_files(timed):
    car = timed(STEERING_COMMAND={"cycle_ms": 4})
    made = wire(car)
    cycles = dict(
        zip([m.name for m in made.command_messages], cycles_ns(made.command_messages, car) // MS,
            strict=True)
    )  # fmt: skip
    assert (cycles["STEERING_COMMAND"], cycles["BRAKE_COMMAND"]) == (4, 10)


def test_a_command_without_a_cycle_is_refused_and_a_sensor_has_one_on_the_rig(car):
    message = next(m for m in wire(car).sensor_messages if m.name == "IMU")
    message.cycle_time = None
    assert cycle_ms(car, message) == 0
    assert rig_cycles_ns([message], car).tolist() == [10 * MS]
    with pytest.raises(InputError, match=r"messages\.IMU.*cycle_ms"):
        cycles_ns([message], car)


@pytest.mark.parametrize(
    ("message", "group", "cause", "own_ms"),
    [
        ("IMU", "imu", Cause.IMU_LOST, 100),
        ("RACE_CONTROL", "race", Cause.RACE_CONTROL_LOST, 300),
        ("BRAKE_STATUS", "brake", Cause.BRAKE_LOST, 100),
    ],
)
@pytest.mark.parametrize("timeout_ms", [None, 60.0, 1500.0])
def test_a_group_is_lost_after_its_messages_timeout(
    timed, host_of, message, group, cause, own_ms, timeout_ms
):
    times = {} if timeout_ms is None else {message: {"timeout_ms": timeout_ms}}
    car = timed(**times)
    limit_ms = timeout_ms or own_ms
    assert limit_s(car, group) * 1e3 == pytest.approx(limit_ms)
    host = host_of(car)
    assert silent(host, car, **{message: limit_ms - 1}) == Cause.NONE
    assert silent(host, car, **{message: limit_ms + 1}) == cause


def test_each_message_of_a_group_has_its_own_timeout(timed, host_of):
    slow = {"signal": "BRAKE_STATUS.Fault", "is": [0]}
    car = timed(slow, IMU={"timeout_ms": 30}, BRAKE_STATUS={"timeout_ms": 1000})
    host = host_of(car)
    assert silent(host, car, IMU=29, BRAKE_STATUS=999) == Cause.NONE
    assert silent(host, car, IMU=31) == Cause.IMU_LOST
    assert silent(host, car, BRAKE_STATUS=1001) == Cause.IMU_LOST
    silent(host, car, IMU=12, BRAKE_STATUS=500)
    assert host.sensors.imu_t_ns[0] == NOW_NS - 12 * MS  # the stamp stays that of the measurement


def test_a_message_never_heard_is_lost_however_long_its_timeout(timed, host_of):
    slow = {"signal": "BRAKE_STATUS.Fault", "is": [0]}
    car = timed(slow, BRAKE_STATUS={"timeout_ms": 60_000})
    host = host_of(car)
    for name in ("IMU", "BRAKE_STATUS"):
        assert silent(host, car, **{name: NOW_NS / MS}) == Cause.IMU_LOST


def test_the_shipped_cars_limits_are_its_parameters(car):
    params = params_of(car, Controller.STANLEY, 0.002)
    own = car.parameters["supervisor"]
    expected = np.full(len(GROUPS), own["stale_s"])
    expected[GROUPS.index("race")] = expected[GROUPS.index("estop")] = own["race_stale_s"]
    expected[GROUPS.index("permit")] = own["permit_stale_s"]
    assert params.stale_s[0].tolist() == expected.tolist()
