"""What can be said of a scenario before anything is planned or run."""

from __future__ import annotations

from tianyuan import names
from tianyuan.control.errors import InputError
from tianyuan.hil.faults.entry import FaultEntry
from tianyuan.hil.faults.fault import Layer
from tianyuan.hil.plant.parameters import load
from tianyuan.hil.scenario.expectation import bound_of
from tianyuan.hil.scenario.model import Scenario, flat
from tianyuan.hil.scenario.on_bus import OnBus, check_on_bus
from tianyuan.hil.scenario.prepare import car_of


def check(scenario: Scenario, where: str, realtime: OnBus | None = None) -> None:
    """Raise InputError, which names the file, for what cannot be driven or judged."""
    for entry in scenario.faults:
        _check_time(entry, where, realtime)
    try:
        names.track_file(scenario.track)
        car = car_of(scenario, where)
        load(names.vehicle_file(scenario.car), flat(scenario.vehicle))
    except InputError as error:
        told = str(error)
        raise InputError(told if told.startswith(where) else f"{where}: {told}") from None
    if realtime is not None:
        check_on_bus(realtime, car)
    bound_of(scenario, car, 1_000_000_000 // scenario.rate_hz, where)


def _check_time(entry: FaultEntry, where: str, realtime: OnBus | None) -> None:
    """A fault is of virtual time, of real time, or of both."""
    if realtime is None and entry.row.virtual is None:
        raise InputError(
            f"{where}: {entry.fault}: means nothing in virtual time; run it with --realtime"
        )
    if realtime is not None and entry.row.realtime is None:
        raise InputError(f"{where}: {entry.fault}: is of virtual time alone")
    if realtime is not None and entry.row.realtime is Layer.INTERFACE and not realtime.is_can:
        raise InputError(
            f"{where}: {entry.fault}: a local bus has no controller for it; run it with "
            "-i socketcan, or in virtual time"
        )
