"""A channel that feeds several signals: the guard watches each of them."""

from __future__ import annotations

import numpy as np
import pytest

from tianyuan.control.records import COMMAND, record
from tianyuan.dbc.codec import SENT, encode, records
from tianyuan.dbc.frame import frames
from tianyuan.firmware.car_file import load_car
from tianyuan.firmware.guard import listen, tick
from tianyuan.firmware.guard import tables as guard_tables
from tianyuan.firmware.guard.records import GuardCause
from tianyuan.firmware.tables import wire

MS = 1_000_000
DBC = """\
VERSION ""
BU_: Host
BO_ 1536 PRESSURES: 8 Host
 SG_ Rear : 0|16@1+ (0.01,0) [0|250] "bar" Host
 SG_ Third : 16|16@1+ (0.01,0) [0|250] "bar" Host
BO_ 1537 MORE: 8 Host
 SG_ Throttle : 0|16@1+ (0.01,0) [0|200] "%" Host
"""


class Bus:
    """The host's frames, each with values of its own, straight to the guard."""

    def __init__(self, car) -> None:
        self.plan = guard_tables.tables(car, 2 * MS)
        self.memory = guard_tables.memory(self.plan)
        made = wire(car)
        self.codec = made.commands
        self.order = [message.name for message in made.command_messages]
        self.sent = records(self.codec, SENT)
        self.frame, self.t_ns = frames(1), 1_000 * MS

    def hear(self, name: str, **command: float) -> GuardCause:
        """One frame, 10 ms after the last; what the guard objects to in it."""
        host = record(COMMAND)
        for channel, value in command.items():
            host[channel] = value
        self.t_ns += 10 * MS
        values = host.view(np.float64)
        encode(self.codec, self.order.index(name), self.sent, values, self.frame, 0)
        listen.listen(self.plan, self.memory, self.frame, 1, self.t_ns)
        return GuardCause(int(self.memory.guard.wrong[0]))


@pytest.fixture
def bus(car_with, tmp_path):
    (tmp_path / "more.dbc").write_text(DBC)

    def edit(document):
        document["buses"]["car"]["dbc"] += ["more.dbc"]
        document["commands"]["brake_bar"] = [
            "BRAKE_COMMAND.Pressure",
            "PRESSURES.Rear",
            {"signal": "PRESSURES.Third", "ratio": 2.0},
        ]
        document["commands"]["throttle"] = ["THROTTLE_COMMAND.Position", "MORE.Throttle"]
        document["messages"] = {name: {"cycle_ms": 10} for name in ("PRESSURES", "MORE")}

    return Bus(load_car(car_with(edit)))


def test_each_signal_is_sent_by_its_own_ratio(bus):
    bus.hear("PRESSURES", brake_bar=30.0)
    words = bus.frame["payload"][0, :4].view(np.uint16)
    assert words.tolist() == [3000, 6000]


def test_all_signals_alike_are_no_fault(bus):
    for brake_bar in (0.0, 10.0, 20.0, 30.0, 40.0, 50.0):
        command = {"brake_bar": brake_bar, "brake_enable": 1.0}
        for _ in range(8):  # long enough for any slew
            assert bus.hear("BRAKE_COMMAND", **command) == GuardCause.NONE
            assert bus.hear("PRESSURES", **command) == GuardCause.NONE


@pytest.mark.parametrize(
    ("message", "good", "bad", "cause"),
    [
        ("PRESSURES", {"brake_bar": 50.0}, {"brake_bar": 50.2}, GuardCause.BRAKE_RANGE),
        ("MORE", {"throttle": 1.0}, {"throttle": 1.02}, GuardCause.THROTTLE_RANGE),
    ],
)
def test_a_further_signal_out_of_its_range_is_a_fault(bus, message, good, bad, cause):
    for _ in range(20):
        bus.hear(message)
    assert bus.hear(message, **good) in (GuardCause.NONE, GuardCause(int(cause) + 1))  # its slew
    assert bus.hear(message, **bad) == cause


def test_a_further_signal_faster_than_its_slew_is_a_fault_though_the_first_is_not(bus):
    for _ in range(20):
        assert bus.hear("BRAKE_COMMAND", brake_enable=1.0) == GuardCause.NONE
        assert bus.hear("PRESSURES") == GuardCause.NONE
    assert bus.hear("PRESSURES", brake_bar=45.0) == GuardCause.BRAKE_SLEW
    assert bus.hear("BRAKE_COMMAND", brake_enable=1.0) == GuardCause.NONE


def test_the_pedals_are_what_the_largest_of_their_signals_says(bus):
    bus.hear("BRAKE_COMMAND", brake_enable=1.0)
    bus.hear("PRESSURES", brake_bar=20.0)
    bus.hear("THROTTLE_COMMAND", throttle_enable=1.0)
    assert tick._most(bus.plan, bus.memory, 2) == pytest.approx(20.0)
    assert tick._most(bus.plan, bus.memory, 1) == 0.0
    assert not tick._both_pedals(bus.plan, bus.memory, -1, bus.t_ns)
    bus.hear("MORE", throttle=0.5)
    assert not tick._both_pedals(bus.plan, bus.memory, -1, bus.t_ns)
    assert tick._both_pedals(bus.plan, bus.memory, -1, bus.t_ns + 60 * MS)
