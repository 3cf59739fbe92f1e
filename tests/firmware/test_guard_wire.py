"""What a car file says of its guard."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tianyuan.control.errors import InputError
from tianyuan.control.records import COMMAND_NAMES
from tianyuan.firmware import tables
from tianyuan.firmware.car_file import load_car
from tianyuan.firmware.guard import tables as guard_tables

MS = 1_000_000


def without_a_guard(document):
    del document["guard"]
    del document["sensors"]["permit"]


def test_a_car_without_a_guard_waits_for_none(car_with, host_of):
    car = load_car(car_with(without_a_guard))
    host = host_of(car)
    host.tick(0, 7_000_000_000)
    assert host.sensors.permit[0] == 1
    assert host.sensors.permit_t_ns[0] == 7_000_000_000
    assert guard_tables.tables(car, 2 * MS).permit.messages.size == 0


@pytest.mark.parametrize(
    ("edit", "named"),
    [
        (lambda document: document.pop("guard"), "guard.permit"),
        (lambda document: document["guard"].pop("permit"), "guard.permit"),
        (lambda document: document["sensors"].pop("permit"), "sensors.permit"),
        (lambda document: document["commands"].pop("mode"), "commands.mode"),
        (
            lambda document: [
                document["sensors"].pop(f"wheel_{wheel}_mps") for wheel in ("fl", "fr", "rl", "rr")
            ],
            "sensors.wheel",
        ),
        (lambda document: document["guard"].update(permits="GUARD_PERMIT.Permit"), "guard.permits"),
    ],
)
def test_half_a_guard_is_refused_by_name(car_with, edit, named):
    with pytest.raises(InputError) as caught:
        load_car(car_with(edit))
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("wired", ["GUARD_PERMITS.Permit", "GUARD_PERMIT.Permission"])
def test_a_permit_that_the_wire_does_not_have_is_named(car_with, wired):
    car = load_car(car_with(lambda document: document["guard"].update(permit=wired)))
    with pytest.raises(InputError, match=r"guard\.permit"):
        guard_tables.tables(car, 2 * MS)


@pytest.mark.parametrize(
    ("rate_hz", "steering_ms", "brake_ms", "beat_ms"),
    [(1000, 6, 30, 60), (500, 6, 30, 60), (250, 12, 36, 60), (125, 24, 48, 72), (100, 30, 30, 60)],
)
def test_silence_is_three_cycles_as_the_host_can_keep_them(
    car, rate_hz, steering_ms, brake_ms, beat_ms
):
    plan = guard_tables.tables(car, 1000 * MS // rate_hz)

    def silent_ms(channel):
        return plan.silent_ns[plan.carrier[COMMAND_NAMES.index(channel)]] / MS

    assert (silent_ms("steer_rad"), silent_ms("brake_bar")) == (steering_ms, brake_ms)
    assert silent_ms("mode") == beat_ms


def test_the_limits_are_the_car_files_and_their_steps_the_wires(car):
    limits = guard_tables.tables(car, 2 * MS).limits[0]
    assert limits.steer_rad == car.parameters["limits"]["steer_rad"]
    assert limits.brake_rate_barps == car.parameters["limits"]["brake_rate_barps"]
    assert limits.steer_step_rad == pytest.approx(math.radians(0.05) / 14.1)
    assert (limits.throttle_step, limits.brake_step_bar) == pytest.approx((0.00025, 0.05))


def test_host_and_guard_decode_the_same_commands(car):
    """Down to the same code; the guard alone has no windows over their protection."""
    ours = guard_tables.tables(car, 2 * MS).commands
    theirs = tables.wire(car).commands
    assert not ours.protected.window.any()
    assert theirs.protected.window.all()
    assert np.array_equal(ours.messages.crc, theirs.messages.crc)
    for name in ("groups", "signals", "ranges", "initial", "covered", "by_counter"):
        assert np.array_equal(getattr(ours, name), getattr(theirs, name))
