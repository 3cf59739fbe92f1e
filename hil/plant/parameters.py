"""The vehicle's file: what the plant is made of, checked, and as the record PLANT.

Unknown, missing or impossible keys are InputErrors that name the file and the key.
"""

from __future__ import annotations

from pathlib import Path
from typing import Self

import numpy as np
from pydantic import BaseModel, ConfigDict, model_validator

from tianyuan.control.errors import InputError
from tianyuan.hil.actuators import tables as actuators
from tianyuan.hil.plant import sections, tables
from tianyuan.hil.plant.load import GRAVITY_MPS2
from tianyuan.hil.sensors.tables import SensorTable
from tianyuan.rooms import room


class Vehicle(BaseModel):
    """A whole vehicle's file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    chassis: sections.Chassis
    tyre: sections.Tyre
    aero: sections.Aero
    engine: sections.Engine
    gearbox: sections.Gearbox
    brakes: sections.Brakes
    steering: actuators.Steering
    throttle: actuators.Throttle
    brake_actuator: actuators.BrakeActuator
    emergency: actuators.Emergency
    sensors: SensorTable

    @model_validator(mode="after")
    def _wheels_can_be_followed_at_a_millisecond(self) -> Self:
        """The bound is the explicit part of the wheel's update; see ``tyre.deflect``."""
        tyre, step = self.tyre, sections.SLOWEST_STEP_S
        load_n = self.chassis.mass_kg * GRAVITY_MPS2
        spring = tyre.stiffness_x * load_n / tyre.relaxation_x_m
        mass_kg = tyre.axle_inertia_kgm2 / tyre.radius_m**2
        share = spring * (step**2 + step * tyre.damping_s) / mass_kg
        if share > 1:
            raise ValueError(
                f"tyre.axle_inertia_kgm2 = {tyre.axle_inertia_kgm2}: below "
                f"{tyre.axle_inertia_kgm2 * share:.3g}, too light for steps of 1 ms; "
                "raise it, or lower tyre.damping_s"
            )
        return self

    def plant(self) -> np.recarray:
        """The PLANT record, one element."""
        names = [name for name in type(self).model_fields if name not in ("name", "sensors")]
        return tables.record_of({name: getattr(self, name).fields() for name in names})

    def sensor_params(self) -> np.recarray:
        """The SENSOR_PARAMS record, one element."""
        return self.sensors.record()


def load(vehicle: str | Path) -> Vehicle:
    """The vehicle of a shipped name or of a file's path; raises InputError."""
    text = str(vehicle)
    if text.endswith(".toml") or "/" in text:
        return tables.read(Path(vehicle), Vehicle)
    folder = room("hil") / "vehicles"
    file = folder / f"{text}.toml"
    if not file.is_file():
        shipped = ", ".join(sorted(path.stem for path in folder.glob("*.toml")))
        raise InputError(f"vehicle {text!r}: not shipped; give a .toml file or one of {shipped}")
    return tables.read(file, Vehicle)
