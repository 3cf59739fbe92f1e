"""Closed loops in virtual time: the same every time, safe when something is taken away."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit
from numba.core.runtime import rtsys
from numba.core.runtime._nrt_python import memsys_disable_stats, memsys_enable_stats

from tianyuan.control.records import Cause, Controller, Flag, Mode
from tianyuan.dbc import checksums
from tianyuan.dbc.protection_records import Method
from tianyuan.hil import lockstep, virtual
from tianyuan.hil.laps import laps

FOREVER_NS = 1 << 62
STEERING_COMMAND, RACE_ESTOP = 0x080, 0x010

pytestmark = pytest.mark.compiled  # minutes of driving


def sensor(loop, name: str) -> int:
    """Index of a sensor message, by the place its identifier has."""
    order = [
        "RACE_ESTOP",
        "RACE_CONTROL",
        "GNSS_POSITION",
        "GNSS_VELOCITY",
        "IMU",
        "WHEEL_SPEEDS",
        "STEERING_STATUS",
        "BRAKE_STATUS",
        "POWERTRAIN_STATUS",
    ]
    assert loop.world.cycle_ns.size == len(order)
    return order.index(name)


def ended(loop, mode: Mode, cause: Cause) -> None:
    """The car has come to a stand, for this reason, and on the track."""
    loop.advance(40.0)
    assert loop.life.race.finished[0] == 1
    assert (Mode(int(loop.life.command.mode[0])), Cause(int(loop.life.command.cause[0]))) == (
        mode,
        cause,
    )
    assert loop.speed_mps < 0.3
    assert loop.rows.edge_margin_m.min() > 0


def test_the_same_seed_gives_the_same_bits_and_another_one_others(loop_of):
    first, again, other = (loop_of(seed=seed).advance(15.0) for seed in (1, 1, 2))
    assert first.rows.tobytes() == again.rows.tobytes()
    assert first.host.memory.driver.tobytes() == again.host.memory.driver.tobytes()
    assert first.rows.tobytes() != other.rows.tobytes()


@pytest.mark.parametrize("rate_hz", [125, 500])
def test_how_a_run_is_cut_into_pieces_does_not_matter(loop_of, rate_hz):
    whole, cut = loop_of(rate_hz=rate_hz), loop_of(rate_hz=rate_hz)
    whole.advance(12.0, 12_000)
    rng = np.random.default_rng(1)
    while cut.clock[0] < whole.clock[0]:
        cut.advance(min(0.001 * int(rng.integers(1, 700)), 1e-9 * (whole.clock[0] - cut.clock[0])))
    assert cut.rows.tobytes() == whole.rows.tobytes()
    assert cut.life.plant_state.tobytes() == whole.life.plant_state.tobytes()


@pytest.mark.timed
@pytest.mark.parametrize("controller", Controller)
@pytest.mark.parametrize("rate_hz", [100, 125, 200, 250, 500, 1000])
def test_every_rate_drives_a_lap_on_the_track(loop_of, rate_hz, controller):
    loop = loop_of(rate_hz=rate_hz, controller=controller)
    ended(loop.advance(50.0), Mode.CONTROLLED_STOP, Cause.CHEQUERED_FLAG)
    assert [lap.number for lap in laps(loop.rows)] == [1]
    assert virtual.has_finished(loop.life, 1)


def test_telemetry_begins_with_the_run_and_has_a_row_every_ten_milliseconds(loop_of):
    rows = loop_of().advance(9.0).rows
    assert rows.t_s[0] < 0.01
    assert np.allclose(np.diff(rows.t_s), 0.01)
    assert np.isfinite(rows.tolist()).all()


def allocations(loop, seconds: float) -> int:
    """Allocations of numba's runtime while the loop advances, in one call of its kernel."""
    before = rtsys.get_allocation_stats().alloc
    loop.advance(seconds, round(seconds * 1000))
    return rtsys.get_allocation_stats().alloc - before


@njit
def allocate(count):
    return np.zeros(count).sum()


def test_neither_host_nor_rig_allocates(loop_of):
    memsys_enable_stats()
    try:
        before = rtsys.get_allocation_stats().alloc
        allocate(3)
        assert rtsys.get_allocation_stats().alloc > before
        loop = loop_of().advance(6.0)
        assert allocations(loop, 0.004) == allocations(loop, 4.0)
    finally:
        memsys_disable_stats()


def test_a_bus_full_of_frames_loses_the_rest_and_nothing_else():
    to_host, _, out, _, _ = lockstep.queues()
    out.can_id = np.arange(len(out))
    count = lockstep._append(to_host, 200, out, len(out), 7)
    assert count == lockstep.QUEUE
    assert to_host.can_id[200:].tolist() == list(range(56))


@pytest.mark.parametrize(
    ("name", "mode", "cause"),
    [
        ("GNSS_POSITION", Mode.CONTROLLED_STOP, Cause.POSITION_LOST),
        ("GNSS_VELOCITY", Mode.CONTROLLED_STOP, Cause.VELOCITY_LOST),
        ("IMU", Mode.CONTROLLED_STOP, Cause.IMU_LOST),
        ("WHEEL_SPEEDS", Mode.CONTROLLED_STOP, Cause.WHEELS_LOST),
        ("STEERING_STATUS", Mode.CONTROLLED_STOP, Cause.STEERING_LOST),
        ("BRAKE_STATUS", Mode.CONTROLLED_STOP, Cause.BRAKE_LOST),
        ("POWERTRAIN_STATUS", Mode.CONTROLLED_STOP, Cause.POWERTRAIN_LOST),
        ("RACE_CONTROL", Mode.CONTROLLED_STOP, Cause.RACE_CONTROL_LOST),
        ("RACE_ESTOP", Mode.EMERGENCY_STOP, Cause.ESTOP_LOST),
    ],
)
def test_a_message_that_falls_silent_stops_the_car_on_the_track(driving, name, mode, cause):
    assert driving.speed_mps > 20
    driving.life.due_ns[sensor(driving, name)] = FOREVER_NS
    began_ns = driving.clock[0]
    driving.advance(0.45)
    assert int(driving.life.command.mode[0]) == mode
    assert driving.clock[0] == began_ns + 450_000_000
    ended(driving, mode, cause)


@pytest.mark.parametrize("later_s", range(0, 32, 2))
def test_a_gyroscope_that_falls_silent_anywhere_leaves_the_car_on_the_track(driving, later_s):
    driving.advance(float(later_s))
    driving.life.due_ns[sensor(driving, "IMU")] = FOREVER_NS
    ended(driving, Mode.CONTROLLED_STOP, Cause.IMU_LOST)


@pytest.mark.parametrize("flag", [Flag.RED, 9, 15])
def test_a_red_or_an_unknown_flag_stops_the_car(driving, flag):
    driving.life.race.flag[0] = flag
    ended(driving, Mode.CONTROLLED_STOP, Cause.FLAG_STOP)


def test_a_yellow_flag_slows_the_car_and_a_green_one_lets_it_go_on(driving):
    driving.life.race.flag[0] = Flag.YELLOW
    driving.advance(8.0)
    assert 10 < driving.speed_mps < 16.5
    assert driving.life.command.mode[0] == Mode.DRIVING
    driving.life.race.flag[0] = Flag.GREEN
    driving.advance(6.0)
    assert driving.speed_mps > 20
    assert driving.rows.edge_margin_m.min() > 0


def shout_stop(loop, word: int, times: int) -> None:
    """Put race control's emergency stop onto the bus instead of its own word."""
    k = sensor(loop, "RACE_ESTOP")
    loop.life.due_ns[k] = FOREVER_NS
    counter = int(loop.life.sent[k].counter)
    for i in range(times):
        payload = bytearray([0, (counter + i) % 15 | word << 4])
        payload[0] = checksums.crc(Method.CRC_1D, bytes([RACE_ESTOP, 0, payload[1]]))
        frame = loop.queues[0][loop.queues[3][0]]
        frame.can_id, frame.length = RACE_ESTOP, 2
        frame["flags"] = 0
        frame.payload[:2] = np.frombuffer(payload, np.uint8)
        loop.queues[3][0] += 1
        loop.advance(0.02)


@pytest.mark.parametrize("word", [1, 2, 3])
def test_the_remote_emergency_stop_stops_the_car_at_once(driving, word):
    before_mps, began_ns = driving.speed_mps, driving.clock[0]
    shout_stop(driving, word, 1)
    assert driving.life.command.mode[0] == Mode.EMERGENCY_STOP
    shout_stop(driving, word, 400)
    ended(driving, Mode.EMERGENCY_STOP, Cause.REMOTE_ESTOP)
    took_s = (driving.clock[0] - began_ns) * 1e-9
    assert took_s < before_mps / 6.0 + 1.0


def run_without_commands(loop, seconds: float, lost: set[int] | None) -> None:
    """Drop frames of the host's on their way to the rig: some identifiers, or all."""
    end_ns = loop.clock[0] + round(seconds * 1e9)
    _, to_rig, _, waiting, _ = loop.queues
    while loop.clock[0] < end_ns and not loop.life.race.finished[0]:
        loop.advance(0.001)
        kept = [i for i in range(waiting[1]) if lost and int(to_rig[i].can_id) not in lost]
        to_rig[: len(kept)] = to_rig[kept]
        waiting[1] = len(kept)


@pytest.mark.parametrize("lost", [None, {STEERING_COMMAND}, {0x081}, {0x090}])
def test_actuators_that_hear_nothing_brake_by_themselves(driving, lost):
    before_mps = driving.speed_mps
    run_without_commands(driving, 0.3, lost)
    own_bar = driving.world.plant.emergency_steered_bar[0]
    assert driving.life.actuators.circuit_wanted_bar[0] >= own_bar > 0
    assert driving.life.obeyed.throttle[0] == 0
    run_without_commands(driving, 12.0, lost)
    assert abs(driving.speed_mps) < 0.2 < before_mps


def test_a_rig_that_was_never_spoken_to_stays_where_it_is(loop_of):
    loop = loop_of()
    run_without_commands(loop, 3.0, None)
    assert abs(loop.speed_mps) < 0.01
    assert loop.life.race.began_ns[0] == 0
    assert loop.rows.size == 0


def test_a_car_that_loses_readiness_gets_go_again_once_it_is_ready(loop_of):
    loop = loop_of().advance(3.0)
    k = sensor(loop, "BRAKE_STATUS")
    while not loop.life.race.go[0]:
        loop.advance(0.001)
    # Between race control's go and the car's start: the brake's node falls silent.
    loop.life.due_ns[sensor(loop, "RACE_CONTROL")] += 200_000_000
    loop.life.due_ns[k] += 1_000_000_000
    loop.advance(1.5)
    assert loop.life.race.started[0] == 0
    loop.advance(10.0)
    assert loop.life.race.started[0] == 1
    assert loop.speed_mps > 5
