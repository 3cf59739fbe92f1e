"""What the loop would count of ticks that are missed, as ``firmware/loop.py`` does."""

from __future__ import annotations

import numpy as np
import pytest

from tianyuan.control.records import STATE, Mode, record
from tianyuan.firmware.host_record import HOST
from tianyuan.hil.faults.host import ticks
from tianyuan.hil.faults.records import FAULT_STATE, FAULTS, HOST_FAULTS, Effect


class Host:
    """Asked each period whether it ticks."""

    def __init__(self, effect: Effect, count: int = 0) -> None:
        self.faults = np.zeros(1, FAULTS).view(np.recarray)
        self.faults.effect, self.faults.count = int(effect), count
        self.state = np.zeros(1, FAULT_STATE).view(np.recarray)
        self.own, self.host, self.driver = record(HOST_FAULTS), record(HOST), record(STATE)
        self.t_ns = 1_000

    def ask(self, periods: int, active: bool) -> list[tuple[bool, int]]:
        """Whether it ticked, and how many overruns in a row it was told of."""
        self.state.active = int(active)
        told = []
        for _ in range(periods):
            self.t_ns += 1_000
            ticked = ticks(self.faults, self.state, self.own, self.host, self.driver, self.t_ns)
            told.append((bool(ticked), int(self.host.overruns_in_a_row[0])))
        return told


@pytest.mark.parametrize("count", [1, 3])
def test_each_tick_that_takes_too_long_costs_the_next_one_and_is_told_to_the_one_after(count):
    host = Host(Effect.OVERRUN, count)
    told = host.ask(1, active=False) + host.ask(2 * count + 3, active=True)
    assert [ticked for ticked, _ in told] == [True] + [True, False] * count + [True, True, True]
    heard = [in_a_row for ticked, in_a_row in told if ticked]
    assert heard == [0, *range(count + 1), 0, 0]
    assert host.host.overruns[0] == count
    assert host.state.ended_ns[0] > 0


def test_a_stall_is_one_late_tick_however_long_it_was():
    host = Host(Effect.STALL)
    told = host.ask(2, active=False) + host.ask(20, active=True) + host.ask(4, active=False)
    assert [ticked for ticked, _ in told] == [True] * 2 + [False] * 20 + [True] * 4
    assert [in_a_row for _, in_a_row in told[-4:]] == [0, 1, 0, 0]
    assert host.host.overruns[0] == 20


def test_a_host_that_is_asked_to_end_ends_once_the_car_stands():
    host = Host(Effect.TERMINATE)
    host.driver.mode, host.driver.speed_mps = int(Mode.CONTROLLED_STOP), 20.0
    assert [ticked for ticked, _ in host.ask(5, active=True)] == [True] * 5
    assert host.host.shutdown[0] == 1.0
    host.driver.speed_mps = 0.1
    assert [ticked for ticked, _ in host.ask(3, active=True)] == [False] * 3
