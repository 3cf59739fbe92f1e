"""What `lap`, `drive` and `rig` begin with: a car, its line, a host ready to tick."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from tianyuan import names
from tianyuan.commands import options
from tianyuan.commands.progress import bar
from tianyuan.control.records import Controller
from tianyuan.firmware.car_file import Car, load_car
from tianyuan.firmware.guard_tables import Guard
from tianyuan.firmware.host import Host, line_for, make_host
from tianyuan.hil import laps as lap_table
from tianyuan.hil import rig, virtual
from tianyuan.hil.laps import LapRun


class Prepared(NamedTuple):
    """A host that has seen nothing yet, and what it was made from."""

    car: Car
    car_name: str  # as typed: a shipped name or a path
    track: str
    law: Controller
    period_ns: int
    path: np.recarray
    host: Host

    def world(self, seed: int) -> rig.World:
        """The car's plant and the world around it."""
        return virtual.make_rig(self.car, names.vehicle_file(self.car_name), self.host, seed)

    def guard(self) -> Guard:
        """The car's guard."""
        return virtual.make_guard(self.car, self.host)

    def result(
        self, telemetry: np.ndarray, finished: bool, real_time_factor: float = 1.0
    ) -> LapRun:
        """The document of a run that left this telemetry."""
        return LapRun(
            finished=finished,
            stop_cause=lap_table.stop_cause(telemetry).name,
            laps=lap_table.laps(telemetry),
            real_time_factor=real_time_factor,
            track=self.track,
            car=self.car.name,
            controller=self.law.name.lower().replace("_", "-"),
        )


def prepare(car: str, track: str, line: Path | None, controller: str, rate_hz: int) -> Prepared:
    """Read the car, plan or read its line, and make the host. Raises InputError."""
    period_ns = options.period_ns_of(rate_hz)
    law = options.controller_of(controller)
    the_car = load_car(names.car_file(car))
    circuit = names.track_file(track)
    with bar(f"racing line of {circuit.stem}") as progress:
        path = line_for(the_car, circuit, line, progress)
    host = make_host(the_car, path, law, period_ns)
    return Prepared(the_car, car, circuit.stem, law, period_ns, path, host)
