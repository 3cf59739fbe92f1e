"""Reactions: each stop as it begins, by host or by the actuators themselves."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tianyuan.control.records import Cause, Mode
from tianyuan.hil.reactions import reactions
from tianyuan.hil.telemetry import TELEMETRY


def rows(modes, speed_mps=20.0, cause=Cause.POSITION_LOST, circuit=0):
    made = np.zeros(len(modes), TELEMETRY)
    made["t_s"] = np.arange(len(modes)) * 0.01
    made["mode"], made["speed_mps"], made["circuit"] = modes, speed_mps, circuit
    made["cause"] = np.where(np.isin(modes, (Mode.CONTROLLED_STOP, Mode.EMERGENCY_STOP)), cause, 0)
    made["station_m"], made["lap"] = np.arange(len(modes)), 2
    return made


def told(telemetry):
    return [(round(each.t_s, 6), each.reaction, each.cause) for each in reactions(telemetry)]


def test_a_stop_is_told_once_when_it_begins_and_again_when_it_becomes_worse():
    driving, stop, worse = [Mode.DRIVING] * 5, [Mode.CONTROLLED_STOP] * 4, [Mode.EMERGENCY_STOP] * 3
    assert told(rows(driving + stop + worse)) == [
        (0.05, "controlled_stop", "POSITION_LOST"), (0.09, "emergency_stop", "POSITION_LOST")
    ]  # fmt: skip
    first = reactions(rows(driving + stop))[0]
    assert (first.lap, first.station_m, first.speed_mps) == (2, 5.0, 20.0)


def test_brakes_that_press_by_themselves_are_told_though_the_host_says_nothing():
    telemetry = rows([Mode.DRIVING] * 8, circuit=[0, 0, 0, 1, 1, 1, 0, 1])
    assert told(telemetry) == [
        (0.03, "emergency_circuit", "NONE"), (0.07, "emergency_circuit", "NONE")
    ]  # fmt: skip


def test_a_car_that_stands_is_not_stopped():
    assert told(rows([Mode.OFF, Mode.EMERGENCY_STOP], speed_mps=0.0, circuit=[0, 1])) == []
    assert reactions(np.zeros(0, TELEMETRY)) == []


@given(st.lists(st.sampled_from(list(Mode)), max_size=40))
def test_there_are_as_many_as_entries_into_a_stop_in_order_of_time(modes):
    found = told(rows(modes))
    changes = [
        after for before, after in zip([None, *modes], modes, strict=False) if after != before
    ]
    stops = [mode for mode in changes if mode in (Mode.CONTROLLED_STOP, Mode.EMERGENCY_STOP)]
    assert [kind for _, kind, _ in found] == [mode.name.lower() for mode in stops]
    assert [t_s for t_s, _, _ in found] == sorted(t_s for t_s, _, _ in found)
