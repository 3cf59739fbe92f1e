"""The tap holds every command frame against the car's limits, and changes nothing that it hears."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tianyuan.control.kernels import kernel
from tianyuan.control.records import COMMAND, record
from tianyuan.dbc.codec import SENT, encode, records
from tianyuan.dbc.frame import frames
from tianyuan.firmware.guard import tables as guard_tables
from tianyuan.firmware.host_record import HOST_CHANNEL
from tianyuan.hil.scenario import tap
from tianyuan.hil.scenario.trace import LIMITS_BY_NUMBER

MS = 1_000_000
STEERING, BRAKE, THROTTLE = range(3)
CYCLES_MS = {STEERING: 2, BRAKE: 10, THROTTLE: 10}


@kernel
def heard(judges, commands, permit, frames_in, n_in):
    tap.hear(judges, commands, permit, frames_in, n_in)


class Bus:
    """A host that says what it is told, and a tap."""

    def __init__(self, car, rows: int = 1) -> None:
        self.plan = guard_tables.tables(car, 2 * MS)
        self.tap = tap.tap(self.plan.commands, self.plan, rows)
        self.host = record(COMMAND)
        self.host.steer_enable = self.host.throttle_enable = self.host.brake_enable = 1.0
        self.sent = records(self.plan.commands, SENT)
        self.one = frames(1)
        self.t_ns = 1_000 * MS

    def say(self, message: int, after_ms: float | None = None, **values: float) -> None:
        """Send a message with these values, a cycle after the last one."""
        for name, value in values.items():
            self.host[name] = value
        encode(self.plan.commands, message, self.sent, self.host.view(np.float64), self.one, 0)
        self.t_ns += round((CYCLES_MS[message] if after_ms is None else after_ms) * MS)
        self.hear()

    def hear(self) -> None:
        self.one[0].t_ns = self.t_ns
        heard(self.tap, self.plan.commands, self.plan.permit, self.one, 1)

    @property
    def broken(self) -> str:
        return LIMITS_BY_NUMBER[int(self.tap.kept.broken[0])]


@pytest.fixture
def bus(car) -> Bus:
    made = Bus(car)
    made.say(STEERING)
    made.say(BRAKE)
    made.say(THROTTLE)
    return made


@pytest.mark.parametrize(
    ("message", "name", "value", "limit"),
    [
        (STEERING, "steer_rad", 0.56, "steering range"),
        (STEERING, "steer_rad", -0.3, "steering rate"),
        (BRAKE, "brake_bar", 51.0, "brake range"),
        (BRAKE, "brake_bar", 40.0, "brake rate"),
        (THROTTLE, "throttle", 0.9, "throttle rate"),
    ],
)
def test_the_first_frame_beyond_a_limit_is_kept(bus, message, name, value, limit):
    assert bus.broken == ""
    bus.say(message, **{name: value})
    assert bus.broken == limit
    assert bus.tap.kept.broken_ns[0] == bus.t_ns
    assert bus.tap.kept.value[0] == pytest.approx(value, abs=0.03)
    first = bus.tap.kept.copy()
    bus.say(message, **{name: -value})
    assert bus.tap.kept == first


@settings(max_examples=20)
@given(steps=st.lists(st.floats(-1.0, 1.0), min_size=1, max_size=60))
def test_a_command_within_range_and_slew_breaks_nothing(car, steps):
    bus, limits = Bus(car), guard_tables.tables(car, 2 * MS).limits[0]
    bus.say(STEERING)
    steer_rad = 0.0
    for step in steps:
        steer_rad += step * limits.steer_rate_radps * 2e-3
        bus.say(STEERING, steer_rad=float(np.clip(steer_rad, -limits.steer_rad, limits.steer_rad)))
    assert bus.broken == ""


def test_what_lets_go_of_a_pedal_has_no_slew(bus):
    for _ in range(30):
        bus.say(BRAKE, brake_bar=min(float(bus.host.brake_bar[0]) + 6.5, 49.0))
    bus.say(BRAKE, brake_bar=0.0)
    assert bus.broken == ""


def test_the_newest_command_after_those_that_a_stopped_queue_held_breaks_nothing(bus):
    bus.say(BRAKE, after_ms=500.0)
    bus.say(BRAKE, after_ms=0.2)
    bus.say(BRAKE, brake_bar=40.0)
    assert bus.broken == ""
    for _ in range(5):
        bus.say(BRAKE, brake_bar=0.0)
    bus.say(BRAKE, brake_bar=40.0)
    assert bus.broken == "brake rate"


def test_a_wheel_that_nobody_holds_may_turn_as_fast_as_it_likes(bus):
    bus.say(STEERING, steer_enable=0.0, steer_rad=0.4)
    bus.say(STEERING, steer_rad=-0.4)
    assert bus.broken == ""


def test_a_frame_with_a_wrong_crc_is_refused_and_counted(bus):
    before = bus.tap.command.copy()
    encode(bus.plan.commands, STEERING, bus.sent, bus.host.view(np.float64), bus.one, 0)
    bus.one.view(np.uint8)[8] ^= 0xFF  # the first byte of its data
    bus.hear()
    assert bus.tap.kept.refused[0] == 1
    assert bus.tap.command == before


def test_the_hosts_own_bus_and_a_closed_tap_hear_no_commands(car, bus):
    bus.host.steer_rad = 0.56
    encode(bus.plan.commands, STEERING, bus.sent, bus.host.view(np.float64), bus.one, 0)
    bus.one[0].channel = HOST_CHANNEL
    bus.hear()
    assert bus.broken == ""
    closed = Bus(car, rows=0)
    closed.say(STEERING, steer_rad=0.56)
    assert closed.broken == ""
    assert closed.tap.received.count.sum() == 0
