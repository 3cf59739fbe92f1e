"""Motors to command in the tests of the actuators."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tianyuan.control.records import COMMAND, record
from tianyuan.hil.actuators.emergency import circuit
from tianyuan.hil.actuators.motors import act
from tianyuan.hil.actuators.state import ACTUATOR_FAULTS, ACTUATOR_STATE
from tianyuan.hil.plant import parameters
from tianyuan.hil.plant.controls import CONTROLS

TIGHT = {"backlash_rad": 0.0, "friction_nm": 0.0, "max_nm": 1e9}


class Motors:
    """The shipped car's motors, a command, and the moment that they hold against."""

    def __init__(self, vehicle: parameters.Vehicle):
        self.vehicle, self.plant = vehicle, vehicle.plant()
        self.state, self.controls = record(ACTUATOR_STATE), record(CONTROLS)
        self.faults, self.circuit = record(ACTUATOR_FAULTS), circuit(guarded=False)
        self.command = record(COMMAND)
        self.align_nm: float | Callable[[float], float] = 0.0  # or of the wheels' angle
        self.dt_s = 1e-3

    def step(self) -> None:
        align = self.align_nm
        align_nm = align(float(self.state.steer_rad[0])) if callable(align) else align
        act(
            self.plant, self.state, self.faults, self.circuit, align_nm, self.command,
            self.controls, self.dt_s,
        )  # fmt: skip

    def trace(self, seconds: float, **wanted: float) -> np.recarray:
        """The states after each step."""
        for name, value in wanted.items():
            self.command[name] = value
        kept = []
        for _ in range(round(seconds / self.dt_s)):
            self.step()
            kept.append(self.state.copy())
        return np.concatenate(kept).view(np.recarray)


@pytest.fixture
def motors() -> Callable[..., Motors]:
    """``motors(table={...})``: the shipped car's, at rest, some keys of its file changed."""
    vehicle = parameters.load("tianyuan")

    def build(**changed: dict) -> Motors:
        parts = {name: getattr(vehicle, name).model_copy(update=u) for name, u in changed.items()}
        return Motors(vehicle.model_copy(update=parts))

    return build


@pytest.fixture
def tight(motors) -> Callable[..., Motors]:
    """The same without play, without dry friction, and with a motor of endless torque."""
    return lambda **changed: motors(steering=TIGHT | changed.pop("steering", {}), **changed)
