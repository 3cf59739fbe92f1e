"""What controllers and the loop say of the buses, and what the tick makes of it."""

from __future__ import annotations

import numpy as np
import pytest

from tianyuan.control.records import Cause, record
from tianyuan.dbc.frame import ERROR, frames
from tianyuan.firmware import bus_faults
from tianyuan.firmware.bus_faults import BUS, GAP_NS, UNACKNOWLEDGED_NS
from tianyuan.firmware.host_record import HOST, MOST_BUSES

MS = 1_000_000
T_NS = 5_000 * MS
BUS_OFF, ACK, RESTARTED, CONTROLLER = 0x40, 0x20, 0x100, 0x04
PASSIVE, ACTIVE = 0x30, 0x40


@pytest.fixture
def buses():
    return np.zeros(MOST_BUSES, BUS).view(np.recarray)


@pytest.fixture
def told():
    return record(HOST)


def error(classes: int, detail: int = 0, channel: int = 0) -> np.recarray:
    made = frames(1)
    made.can_id, made.length, made.channel = ERROR | classes, 8, channel
    made.payload[0, 1] = detail
    return made


def fault(buses, told, t_ns: int = T_NS) -> Cause:
    return Cause(bus_faults.fault(buses, told, t_ns))


def test_quiet_buses_are_no_fault(buses, told):
    assert fault(buses, told) == Cause.NONE


@pytest.mark.parametrize("channel", [0, MOST_BUSES - 1])
def test_bus_off_is_a_fault_at_once_and_until_the_controller_is_back(buses, told, channel):
    bus_faults.note(buses, told, error(BUS_OFF, channel=channel)[0], T_NS)
    assert fault(buses, told) == Cause.BUS_OFF
    assert fault(buses, told, T_NS + 1000 * MS) == Cause.BUS_OFF
    bus_faults.note(buses, told, error(RESTARTED, channel=channel)[0], T_NS + MS)
    assert fault(buses, told, T_NS + MS) == Cause.NONE
    assert told.bus_off[0] == 1


def test_a_bus_that_is_off_and_back_within_a_tick_was_off(buses, told):
    bus_faults.note(buses, told, error(BUS_OFF)[0], T_NS)
    bus_faults.note(buses, told, error(RESTARTED)[0], T_NS)
    bus_faults.back(buses, 0, T_NS)  # and frames of other nodes are heard, too
    assert fault(buses, told) == Cause.BUS_OFF


@pytest.mark.parametrize("frame", [error(CONTROLLER, ACTIVE), None])
def test_a_controller_that_is_active_or_hears_frames_is_back(buses, told, frame):
    bus_faults.note(buses, told, error(BUS_OFF)[0], T_NS)
    if frame is None:
        bus_faults.back(buses, 0, T_NS + MS)
    else:
        bus_faults.note(buses, told, frame[0], T_NS + MS)
    assert fault(buses, told, T_NS + MS) == Cause.NONE


def test_one_frame_that_nobody_acknowledged_is_no_fault(buses, told):
    for k in range(100):  # one now and then
        bus_faults.note(buses, told, error(ACK)[0], T_NS + k * (GAP_NS + MS))
        assert fault(buses, told, T_NS + k * (GAP_NS + MS)) == Cause.NONE
    assert told.no_acknowledge[0] == 100


@pytest.mark.parametrize("every_ms", [1, 2, 10, 20])
def test_a_cable_that_is_pulled_is_a_fault_within_100_ms(buses, told, every_ms):
    found_ms = []
    for t_ms in range(0, 101, every_ms):
        bus_faults.note(buses, told, error(ACK)[0], T_NS + t_ms * MS)
        if fault(buses, told, T_NS + t_ms * MS) == Cause.NO_ACKNOWLEDGE:
            found_ms.append(t_ms)
    assert UNACKNOWLEDGED_NS <= found_ms[0] * MS < 100 * MS
    assert found_ms[-1] == 100  # and for as long as it lasts


def test_error_passive_is_counted_and_no_fault(buses, told):
    for _ in range(70_000):
        bus_faults.note(buses, told, error(CONTROLLER, PASSIVE)[0], T_NS)
    assert told.error_passive[0] == 65535
    assert fault(buses, told) == Cause.NONE


@pytest.mark.parametrize(("unsent", "cause"), [(2, Cause.NONE), (3, Cause.NOT_SENT)])
def test_frames_unsent_three_ticks_in_a_row_are_a_fault(buses, told, unsent, cause):
    told.unsent_in_a_row = unsent
    assert fault(buses, told) == cause


def test_frames_unsent_since_nobody_acknowledges_are_put_down_to_that(buses, told):
    bus_faults.note(buses, told, error(ACK)[0], T_NS)
    told.unsent_in_a_row = 2
    assert fault(buses, told) == Cause.NONE
    told.unsent_in_a_row = 3
    assert fault(buses, told) == Cause.NO_ACKNOWLEDGE
    assert fault(buses, told, T_NS + GAP_NS + MS) == Cause.NOT_SENT


def test_an_interface_that_is_down_is_a_fault(buses, told):
    told.interface_down = 1.0
    assert fault(buses, told) == Cause.INTERFACE_DOWN


def test_error_frames_reach_the_tick_as_frames_and_are_not_refused(host):
    host.frames_in[:2] = np.concatenate([error(BUS_OFF), error(CONTROLLER, PASSIVE)])
    host.tick(2, T_NS)
    assert host.memory.driver.bus_fault[0] == Cause.BUS_OFF
    assert host.memory.driver.cause[0] in (Cause.BUS_OFF, Cause.WAITING_FOR_SENSORS)
    assert host.memory.refused[0] == 0
