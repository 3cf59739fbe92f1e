"""Motors to command in the tests of the actuators."""

from __future__ import annotations

import numpy as np
import pytest

from tianyuan.control.records import COMMAND, record
from tianyuan.hil.actuators.motors import act
from tianyuan.hil.actuators.state import ACTUATOR_STATE
from tianyuan.hil.plant import parameters
from tianyuan.hil.plant.controls import CONTROLS


class Motors:
    """The shipped car's motors, a command, and the moment that they hold against."""

    def __init__(self, vehicle: parameters.Vehicle):
        self.vehicle, self.plant = vehicle, vehicle.plant()
        self.state, self.controls = record(ACTUATOR_STATE), record(CONTROLS)
        self.command = record(COMMAND)
        self.align_nm, self.dt_s = 0.0, 1e-3

    def trace(self, seconds: float, **wanted: float) -> np.recarray:
        """The states after each step."""
        for name, value in wanted.items():
            self.command[name] = value
        kept = []
        for _ in range(round(seconds / self.dt_s)):
            act(self.plant, self.state, self.align_nm, self.command, self.controls, self.dt_s)
            kept.append(self.state.copy())
        return np.concatenate(kept).view(np.recarray)


@pytest.fixture
def motors():
    """``motors(table={...})``: the shipped car's, at rest, some keys of its file changed."""
    vehicle = parameters.load("tianyuan")

    def build(**changed: dict) -> Motors:
        parts = {name: getattr(vehicle, name).model_copy(update=u) for name, u in changed.items()}
        return Motors(vehicle.model_copy(update=parts))

    return build
