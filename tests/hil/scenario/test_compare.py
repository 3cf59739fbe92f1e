"""Virtual beside real time: what differs is told, and lap times may by half a percent."""

from __future__ import annotations

import pytest

from tianyuan.hil.laps import Lap
from tianyuan.hil.scenario.compare import differences, lap_share


def lap(time_s: float) -> Lap:
    return Lap(
        number=1, time_s=time_s, rms_cross_track_m=0.1, max_cross_track_m=0.2,
        min_edge_margin_m=0.3, top_speed_mps=40.0,
    )  # fmt: skip


@pytest.mark.parametrize(("time_s", "same"), [(40.19, True), (40.21, False), (39.79, False)])
def test_lap_times_may_differ_by_half_a_percent(result_of, time_s, same):
    virtual, real = result_of(laps=[lap(40.0)]), result_of(laps=[lap(time_s)])
    assert (differences(virtual, real) == []) == same
    assert lap_share(virtual, real) == pytest.approx(abs(time_s / 40.0 - 1.0))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"passed": False}, "the verdict is passed in virtual and failed in real time"),
        ({"reaction": "ignored"}, "the reaction is emergency_stop in virtual and ignored"),
        ({"cause": "BUS_OFF"}, "the cause is REMOTE_ESTOP in virtual and BUS_OFF in real time"),
        ({"laps": []}, "1 laps in virtual and 0 in real time"),
    ],
)
def test_each_difference_is_a_sentence(result_of, change, told):
    virtual = result_of(laps=[lap(40.0)])
    [sentence] = differences(virtual, virtual.model_copy(update=change))
    assert told in sentence
