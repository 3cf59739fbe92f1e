"""Host, guard and actuators in virtual time: whoever falls silent, the car stops on the track."""

from __future__ import annotations

import copy

import pytest

from tianyuan import names
from tianyuan.control.records import Cause, Controller, Mode, Permit
from tianyuan.firmware.guard import tick as guard
from tianyuan.firmware.guard.records import GuardCause
from tianyuan.firmware.racing_line import line_for
from tianyuan.hil.laps import laps

pytestmark = pytest.mark.compiled  # minutes of driving

NEVER = 1 << 50
PERMIT_ID = 0x091
BEYOND_M = 1.0  # how far a wheel may leave the published edge of Zhuzhou, at 160 km/h


def permit(loop) -> tuple[Permit, GuardCause]:
    g = loop.guard.memory.guard[0]
    return Permit(int(g.permit)), GuardCause(int(g.cause))


def told(loop) -> tuple[Mode, Cause]:
    return Mode(int(loop.life.command.mode[0])), Cause(int(loop.life.command.cause[0]))


def fork(loop):
    """The same loop once more, to go another way from here.

    Its tables are the same: a copy of what may not be written may be, which to numba is another
    type, so that all of it would be compiled again.
    """
    kept = (loop.world, loop.host.tables, loop.host.path, loop.guard.tables)
    return copy.deepcopy(loop, {id(each): each for each in kept})


def dead(loop):
    """The loop without its host from now on."""
    return loop._replace(host_every=NEVER)


def stands(loop, seconds: float = 15.0):
    """Advance until the car stands."""
    for _ in range(round(seconds * 10)):
        loop.advance(0.1)
        if abs(loop.speed_mps) < 0.2:
            return loop
    raise AssertionError(f"still at {loop.speed_mps} m/s")


def along(loop, every_m: float, seconds: float):
    """Yield the loop each ``every_m`` of its line, for so long."""
    last = -1
    for _ in range(round(seconds / 0.02)):
        loop.advance(0.02)
        place = int(loop.life.race.station_m[0] // every_m)
        if place != last:
            last = place
            yield loop


def margin_m(loop, since: int) -> float:
    return float(loop.rows[since:].edge_margin_m.min())


@pytest.mark.parametrize("controller", Controller)
def test_ten_laps_need_one_grant_and_nothing_else(loop_of, controller):
    loop = loop_of(laps=10, controller=controller)
    loop.advance(600.0)
    assert len(laps(loop.rows)) == 10
    books = loop.guard.memory.books[0]
    assert (books.grants, books.stalls, books.withdrawals) == (1, 0, 0)
    assert books.wrong_crc + books.wrong_counter + books.wrong_length + books.not_finite == 0
    assert permit(loop) == (Permit.GRANTED, GuardCause.NONE)
    assert loop.life.circuit.tripped[0] == 0


def test_the_last_permit_of_a_dead_host_leaves_within_the_guards_period(driving):
    died_ns = driving.clock[0]
    loop = dead(driving)
    loop.advance(0.02)
    assert permit(loop) == (Permit.WAITING, GuardCause.HOST_STALLED)
    assert loop.life.circuit.granted_ns[0] <= died_ns + guard.PERIOD_NS
    loop.advance(0.07)
    assert loop.life.circuit.tripped[0] == 1
    loop.advance(0.2)
    assert permit(loop) == (Permit.WITHDRAWN, GuardCause.COMMANDS_LOST)


def test_a_host_that_dies_above_50_mps_leaves_the_car_on_the_track(loop_of, straights):
    loop = loop_of(line=straights)
    deaths = 0
    for at in along(loop, 50.0, 34.0):
        if at.speed_mps < 50.0 or not at.life.race.station_m[0] < 1300.0:
            continue
        deaths += 1
        stopped = stands(dead(fork(at)))
        assert margin_m(stopped, at.life.written[0]) > 0
        assert stopped.life.obeyed.throttle[0] == 0
        assert permit(stopped)[0] == Permit.WITHDRAWN
    assert deaths >= 8


@pytest.mark.timed
def test_a_host_that_dies_anywhere_on_zhuzhou_stops_and_at_speed_hardly_leaves_the_track(
    car, loop_of
):
    loop = loop_of(laps=2, line=line_for(car, names.track_file("zhuzhou")))
    fast = []
    for at in along(loop, 50.0, 150.0):
        if at.life.race.started[0] == 0:
            continue
        stopped = stands(dead(fork(at)))
        assert stopped.life.circuit.tripped[0] == 1
        if at.speed_mps > 45.0:
            fast.append(margin_m(stopped, at.life.written[0]))
    assert len(fast) >= 3
    assert min(fast) > -BEYOND_M


@pytest.mark.parametrize("later_s", range(0, 32, 4))
def test_a_host_that_stalls_for_50_ms_drives_on_without_a_step(driving, later_s):
    driving.advance(float(later_s))
    before = driving.life.command[0].copy()
    dead(driving).advance(0.05)
    driving.advance(0.004)
    after = driving.life.command[0]
    assert abs(after.steer_rad - before.steer_rad) <= 0.85 * 0.026
    assert after.throttle - before.throttle <= 8.0 * 0.026
    assert after.brake_bar - before.brake_bar <= 700.0 * 0.026
    driving.advance(5.0)
    assert told(driving) == (Mode.DRIVING, Cause.NONE)
    assert permit(driving) == (Permit.GRANTED, GuardCause.NONE)
    assert driving.guard.memory.books.stalls[0] == 1
    assert driving.life.circuit.tripped[0] == 0


@pytest.mark.parametrize("stall_ms", range(10, 420, 10))
def test_actuators_that_brake_by_themselves_never_have_a_host_that_drives_on(driving, stall_ms):
    dead(driving).advance(stall_ms * 1e-3)
    driving.advance(0.1)
    tripped = driving.life.circuit.tripped[0] == 1
    mode, _ = told(driving)
    if stall_ms <= 50:
        assert (tripped, mode) == (False, Mode.DRIVING)
    if tripped or stall_ms >= 80:
        assert mode == Mode.EMERGENCY_STOP
        assert permit(driving)[0] == Permit.WITHDRAWN
        stands(driving)
        assert driving.rows.edge_margin_m.min() > 0


@pytest.mark.parametrize("later_s", range(0, 32, 2))
def test_a_permit_withdrawn_anywhere_stops_the_car_on_the_line(driving, later_s):
    driving.advance(float(later_s))
    guard.withdraw(driving.guard.memory, GuardCause.STEERING_SLEW)
    driving.advance(0.03)
    assert told(driving) == (Mode.EMERGENCY_STOP, Cause.PERMIT_WITHDRAWN)
    assert driving.life.circuit.tripped[0] == 1
    stands(driving)
    assert driving.rows.edge_margin_m.min() > 0


def test_a_stopped_car_is_released_once_its_host_is_disarmed(driving):
    guard.withdraw(driving.guard.memory, GuardCause.STEERING_SLEW)
    stands(driving).advance(1.0)
    race = driving.life.race[0]
    race.finished = race.started = race.go = 0
    race.began_ns = driving.clock[0]
    assert driving.life.circuit.tripped[0] == 1
    driving.advance(2.0)
    assert permit(driving) == (Permit.GRANTED, GuardCause.NONE)
    assert driving.life.circuit.tripped[0] == 0
    assert told(driving) == (Mode.READY, Cause.NONE)


def without_the_guard(loop, seconds: float):
    """Advance while every frame of the guard's is lost."""
    to_host, to_rig, _, waiting, _ = loop.queues
    for _ in range(round(seconds * 1000)):
        loop.advance(0.001)
        for index, queue in enumerate((to_host, to_rig)):
            kept = [i for i in range(waiting[index]) if int(queue[i].can_id) != PERMIT_ID]
            queue[: len(kept)] = queue[kept]
            waiting[index] = len(kept)
    return loop


def test_a_guard_that_falls_silent_stops_the_car_on_the_track(driving):
    without_the_guard(driving, 0.06)
    assert told(driving) == (Mode.DRIVING, Cause.NONE)
    without_the_guard(driving, 0.04)
    assert told(driving) == (Mode.EMERGENCY_STOP, Cause.PERMIT_LOST)
    assert driving.life.circuit.tripped[0] == 1
    without_the_guard(driving, 8.0)
    assert abs(driving.speed_mps) < 0.2
    assert driving.rows.edge_margin_m.min() > 0


def test_a_car_whose_guard_never_spoke_holds_its_brakes_and_its_host_waits(loop_of):
    loop = without_the_guard(loop_of(), 8.0)
    assert told(loop) == (Mode.OFF, Cause.WAITING_FOR_PERMIT)
    own_bar = loop.world.plant.emergency_steered_bar[0]
    assert loop.life.actuators.circuit_bar[0] == pytest.approx(own_bar, rel=1e-3)
    assert abs(loop.speed_mps) < 0.01


def test_a_car_without_a_guard_drives_and_its_actuators_wait_for_none(car, loop_of):
    sensors = {name: wired for name, wired in car.sensors.items() if name != "permit"}
    loop = loop_of(car=car.model_copy(update={"guard": {}, "sensors": sensors}))
    loop.advance(80.0)
    assert len(laps(loop.rows)) == 1
    assert loop.guard.memory.books.ticks[0] == 0
    again = loop_of(car=car.model_copy(update={"guard": {}, "sensors": sensors})).advance(22.0)
    dead(again).advance(0.11)
    assert again.life.circuit.tripped[0] == 1
    stands(dead(again))


def test_a_host_restarted_beside_a_car_that_stopped_comes_up_disarmed(driving, loop_of):
    stopped = stands(dead(driving))
    stopped.life.race.finished[0] = 0
    fresh = loop_of()
    restarted = driving._replace(host=fresh.host)
    restarted.advance(0.2)
    mode, _ = told(restarted)
    assert mode in (Mode.OFF, Mode.READY)
    assert permit(restarted)[0] == Permit.WITHDRAWN
    restarted.life.race.finished[0] = 0
    restarted.advance(2.0)
    assert told(restarted)[0] in (Mode.OFF, Mode.READY)
    assert restarted.life.obeyed.throttle[0] == 0
    assert (
        restarted.life.actuators.circuit_bar[0]
        > restarted.world.plant.emergency_steered_bar[0] - 0.1
    )
    assert abs(restarted.speed_mps) < 0.5  # `stands` lets it creep, and brakes stop no creeping
