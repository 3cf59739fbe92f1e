"""What can be said of a scenario before anything is planned or run."""

from __future__ import annotations

from tianyuan import names
from tianyuan.control.errors import InputError
from tianyuan.hil.plant.parameters import load
from tianyuan.hil.scenario.expectation import bound_of
from tianyuan.hil.scenario.model import Scenario, flat
from tianyuan.hil.scenario.prepare import car_of


def check(scenario: Scenario, where: str) -> None:
    """Raise InputError, which names the file, for what cannot be driven or judged."""
    try:
        names.track_file(scenario.track)
        load(names.vehicle_file(scenario.car), flat(scenario.vehicle))
        car = car_of(scenario, where)
    except InputError as error:
        told = str(error)
        raise InputError(told if told.startswith(where) else f"{where}: {told}") from None
    bound_of(scenario, car, 1_000_000_000 // scenario.rate_hz, where)
