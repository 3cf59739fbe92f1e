"""The lockstep's figures are of a car that drives."""

from __future__ import annotations

import pytest

from tianyuan import names
from tianyuan.firmware.car_file import load_car
from tianyuan.firmware.racing_line import line_for
from tianyuan.hil.benches.lockstep import Drive, measure, prepare

pytestmark = [pytest.mark.compiled, pytest.mark.timed]


@pytest.fixture(scope="module")
def drive():
    car = names.car_file("tianyuan")
    path = line_for(load_car(car), names.track_file("oval"))
    return Drive(car, names.vehicle_file("tianyuan"), path, seconds=12.0)


def test_a_drive_takes_the_time_it_is_given_and_gets_somewhere(drive):
    span = prepare(drive)()

    assert span.driven_s == pytest.approx(12.0)
    assert span.laps > 0.05
    assert span.ended_ns > span.began_ns


def test_workers_drive_as_far_as_this_process(drive):
    told = []
    figures = measure(drive, 2, told.append)

    assert figures.laps == prepare(drive)().laps
    assert figures.real_time_factor > 1.0
    assert 0.0 < figures.speedup_2_workers < 4.0
    assert told == [1, 2]
