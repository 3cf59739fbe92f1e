"""Laps in virtual time: make a host and a rig, let them run in lockstep, gather the figures."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from tianyuan.control.errors import InputError
from tianyuan.control.records import COMMAND_NAMES
from tianyuan.firmware.car_file import Car
from tianyuan.firmware.guard import tables as guard_tables
from tianyuan.firmware.guard.tables import Guard
from tianyuan.firmware.host import Host
from tianyuan.firmware.tables import host_codec, wire
from tianyuan.firmware.timing import rig_cycles_ns
from tianyuan.hil import lockstep, rig
from tianyuan.hil.actuators import orders
from tianyuan.hil.actuators.state import statuses
from tianyuan.hil.bus import make
from tianyuan.hil.bus.records import Net
from tianyuan.hil.faults.entry import FaultEntry
from tianyuan.hil.faults.plan import faults as faults_of
from tianyuan.hil.life import Life, make_life
from tianyuan.hil.plant.parameters import load
from tianyuan.hil.road import Conditions, ground_of
from tianyuan.hil.scenario.tap import Tap
from tianyuan.hil.sensors.receiver import sky
from tianyuan.hil.telemetry import TELEMETRY
from tianyuan.hil.world import World, beats_of, groups_of

CHUNK_STEPS: Final = 500  # half a second of virtual time between looks at the progress
SLOWEST_MPS: Final = 5.0  # a run takes no longer than laps at this speed, and the start
START_S: Final = 60.0
AT_ONCE: Final = make.net_of({})  # no model of the buses: frames arrive at once
DRY: Final = Conditions()


class Outcome(NamedTuple):
    """Rows of telemetry, whether all laps were driven, and virtual over wall time."""

    telemetry: np.recarray
    finished: bool
    real_time_factor: float


def period_ns_of(host: Host) -> int:
    """How often the host ticks."""
    return round(float(host.tables.driver.period_s[0]) * 1e9)


def make_guard(car: Car, host: Host) -> Guard:
    """The guard of a host's car; of a car without one, it is never asked."""
    return guard_tables.make_guard(car, period_ns_of(host))


def _without_the_guards(car: Car) -> Car:
    """The car less the sensors that its guard feeds: the rig does not speak for the guard."""
    said = {wired.message for wired in car.guard.values()}
    heard = {channel: wired for channel, wired in car.sensors.items() if wired.message not in said}
    return car.model_copy(update={"sensors": heard})


def make_rig(
    car: Car,
    vehicle: Path,
    host: Host,
    seed: int,
    conditions: Conditions = DRY,
    overrides: Mapping[str, Any] | None = None,
    faults: Sequence[FaultEntry] = (),
) -> World:
    """The world around a host: its car's plant, on its line, speaking its bus.

    ``overrides`` are the plant's; see ``plant.parameters.load``. Raises InputError for a fault
    of what this car does not have.
    """
    bus = wire(_without_the_guards(car))
    plan = guard_tables.tables(car, period_ns_of(host))
    plant, groups = load(vehicle, overrides), groups_of(bus)
    return World(
        host.tables.driver,
        host.path,
        ground_of(host.path, conditions),
        plant.plant(),
        plant.sensor_params(),
        bus.sensors,
        rig_cycles_ns(bus.sensor_messages, car),
        groups,
        bus.commands,
        host_codec()[0],
        plan.permit,
        orders.carriers(plan.carrier, COMMAND_NAMES),
        beats_of(bus.sensors),
        seed,
        statuses(groups),
        sky(conditions.outages),
        faults_of(faults, bus, seed),
    )


def make_net(car: Car, seed: int) -> Net:
    """The model of a car's buses, for one run."""
    return make.make_net(car, lockstep.EPOCH_NS, seed)


def longest_s(host: Host, laps: int) -> float:
    """No run takes longer than this."""
    return START_S + (laps + 1) * float(host.tables.driver.path_length_m[0]) / SLOWEST_MPS


def birth(world: World, host: Host, laps: int, judges: Tap | None = None) -> Life:
    """A rig at the start, with room for the telemetry of the longest run."""
    rows = int(longest_s(host, laps) * 1e9 / rig.ROW_NS)
    dwell_s = float(host.tables.driver.supervisor_ready_dwell_s[0])
    with memory_for(longest_s(host, laps), rows * TELEMETRY.itemsize):
        return make_life(world, laps, dwell_s, rows, judges)


@contextmanager
def memory_for(seconds: float, size: int) -> Iterator[None]:
    """Raise InputError where what a run leaves behind does not fit into memory."""
    try:
        yield
    except (MemoryError, ValueError):  # numpy has either
        raise InputError(
            f"a run of up to {seconds:.0f} s leaves up to {size / 1e9:.1f} GB behind, for which "
            "there is no memory; drive less at a time"
        ) from None


def laps_done(life: Life, host: Host) -> float:
    """Laps since the start, with the part of the present one."""
    length_m = float(host.tables.driver.path_length_m[0])
    return max(float(life.race.lap[0] - 1 + life.race.station_m[0] / length_m), 0.0)


def has_finished(life: Life, laps: int) -> bool:
    """All laps were driven and the car stands."""
    return bool(life.race.lap[0] > laps and life.race.finished[0] != 0)


def warm_up(world: World, host: Host, guard: Guard) -> None:
    """Compile host, guard and rig, or take them from the cache, by a run of no steps."""
    life, queues = birth(world, host, 1), lockstep.queues()
    advance_once(world, life, host, guard, queues, lockstep.EPOCH_NS, 0, 1)


def run(
    world: World,
    host: Host,
    guard: Guard,
    laps: int,
    period_ns: int,
    progress: Callable[[float], None] | None = None,
    net: Net = AT_ONCE,
) -> Outcome:
    """Drive ``laps`` laps after a standing start; ``progress`` is told laps done.

    A run that goes wrong ends when the car stands, or at the longest time there is. ``net`` is
    a fresh model of the car's buses, which afterwards has what became of the frames.
    """
    warm_up(world, host, guard)
    life = birth(world, host, laps)
    queues = lockstep.queues()
    host_every = period_ns // rig.STEP_NS
    t_ns = lockstep.EPOCH_NS
    end_ns = t_ns + int(longest_s(host, laps) * 1e9)
    spent_s, before_ns = 0.0, t_ns
    while t_ns < end_ns and life.race.finished[0] == 0:
        began = time.perf_counter()
        t_ns = advance_once(world, life, host, guard, queues, t_ns, CHUNK_STEPS, host_every, net)
        spent_s += time.perf_counter() - began
        if progress is not None:
            progress(laps_done(life, host))
    rows = life.rows[: life.written[0]].view(np.recarray)
    return Outcome(rows, has_finished(life, laps), (t_ns - before_ns) * 1e-9 / max(spent_s, 1e-9))


def advance_once(
    world: World,
    life: Life,
    host: Host,
    guard: Guard,
    queues: tuple,
    t_ns: int,
    steps: int,
    host_every: int,
    net: Net = AT_ONCE,
) -> int:
    """``steps`` milliseconds of lockstep; returns the instant after them."""
    return int(
        lockstep.advance(
            world,
            life,
            host.tables,
            host.path,
            host.sensors,
            host.memory,
            host.command,
            *guard,
            *queues,
            net,
            t_ns,
            steps,
            host_every,
        )
    )
