"""A scenario made ready: car, line, host, guard and rig, with the judge's tap open."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np

from tianyuan import names
from tianyuan.control.errors import InputError
from tianyuan.control.records import Controller
from tianyuan.firmware.car_file import Car, load_car
from tianyuan.firmware.guard.tables import Guard
from tianyuan.firmware.host import Host, make_host
from tianyuan.firmware.racing_line import line_for
from tianyuan.hil import lockstep, virtual
from tianyuan.hil.bus.make import make_net
from tianyuan.hil.bus.records import Net
from tianyuan.hil.faults import start
from tianyuan.hil.faults.fault import Layer
from tianyuan.hil.life import Life
from tianyuan.hil.scenario import tap
from tianyuan.hil.scenario.model import Scenario, flat, nested
from tianyuan.hil.scenario.trace import TRACE
from tianyuan.hil.world import World

FASTEST_MPS: Final = 100.0


class Ready(NamedTuple):
    """All that a run needs, which has seen nothing yet."""

    car: Car
    path: np.recarray
    host: Host
    guard: Guard
    world: World
    life: Life
    net: Net  # of virtual time
    period_ns: int
    longest_s: float  # that the run may take


def prepare(scenario: Scenario, where: str, seed: int) -> Ready:
    """Read, plan and build what the scenario names. Raises InputError."""
    period_ns = 1_000_000_000 // scenario.rate_hz
    car = car_of(scenario, where)
    path = line_for(car, names.track_file(scenario.track))
    law = Controller[scenario.controller.upper().replace("-", "_")]
    host = make_host(car, path, law, period_ns)
    guard = virtual.make_guard(car, host)
    try:
        world = virtual.make_rig(
            car, names.vehicle_file(scenario.car), host, seed, scenario.conditions,
            flat(scenario.vehicle), scenario.faults,
        )  # fmt: skip
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    laps = laps_of(scenario, float(host.tables.driver.path_length_m[0]))
    longest_s = virtual.longest_s(host, laps)
    rows = round(longest_s * 1000)
    with virtual.memory_for(longest_s, rows * TRACE.itemsize):
        judges = tap.tap(world.commands, guard.tables, rows)
    life = virtual.birth(world, host, laps, judges)
    for entry in scenario.faults:
        if entry.row.virtual is Layer.START:
            start.place(life, entry)
    net = make_net(car, lockstep.EPOCH_NS, seed)
    return Ready(car, path, host, guard, world, life, net, period_ns, longest_s)


def laps_of(scenario: Scenario, length_m: float) -> int:
    """The laps that race control lets the car drive: by the clock, more than it can."""
    return scenario.laps or 1 + math.ceil((scenario.seconds or 0.0) * FASTEST_MPS / length_m)


def car_of(scenario: Scenario, where: str) -> Car:
    """The car with the scenario's changes; an InputError of these names the scenario."""
    file = names.car_file(scenario.car)
    if not scenario.car_file:
        return load_car(file)
    load_car(file)  # what is wrong without them is the car file's own
    try:
        return load_car(file, nested(scenario.car_file))
    except InputError as error:
        raise InputError(f"{where}: car_file: {str(error).removeprefix(f'{file}: ')}") from None
