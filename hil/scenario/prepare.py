"""A scenario made ready: car, line, host, guard and rig, with the judge's tap open."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from tianyuan import names
from tianyuan.control.errors import InputError
from tianyuan.control.records import Controller
from tianyuan.firmware.car_file import Car
from tianyuan.firmware.guard.tables import Guard
from tianyuan.firmware.host import Host, make_host
from tianyuan.firmware.racing_line import line_for
from tianyuan.hil import rig, virtual
from tianyuan.hil.bus.records import Net
from tianyuan.hil.scenario.model import Scenario, flat

FASTEST_MPS: Final = 100.0


class Ready(NamedTuple):
    """All that a run needs, which has seen nothing yet."""

    car: Car
    path: np.recarray
    host: Host
    guard: Guard
    world: rig.World
    life: rig.Life
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
            car,
            names.vehicle_file(scenario.car),
            host,
            seed,
            conditions=scenario.conditions,
            overrides=flat(scenario.vehicle),
            faults=scenario.faults,
        )
    except InputError as error:
        raise InputError(f"{where}: car_file: {str(error).removeprefix(f'{file}: ')}") from None
