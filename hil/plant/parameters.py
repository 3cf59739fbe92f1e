"""The vehicle's file: what the plant is made of, checked, and as the record PLANT.

Unknown, missing or impossible keys are InputErrors that name the file and the key.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

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
    suspension: sections.Suspension
    tyre: sections.Tyre
    aero: sections.Aero
    engine: sections.Engine
    gearbox: sections.Gearbox
    front_differential: sections.Differential
    rear_differential: sections.Differential
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
        load_n = 0.5 * self.chassis.mass_kg * GRAVITY_MPS2  # its quarter, and as much by transfer
        spring = tyre.stiffness_x * load_n / tyre.relaxation_x_m
        mass_kg = tyre.wheel_inertia_kgm2 / tyre.radius_m**2
        share = spring * (step**2 + step * tyre.damping_s) / mass_kg
        if share > 1:
            raise ValueError(
                f"tyre.wheel_inertia_kgm2 = {tyre.wheel_inertia_kgm2}: below "
                f"{tyre.wheel_inertia_kgm2 * share:.3g}, too light for steps of 1 ms; "
                "raise it, or lower tyre.damping_s"
            )
        return self

    @model_validator(mode="after")
    def _the_body_stands_on_its_springs(self) -> Self:
        body_kg, arm_m = self.body()
        stiffness = self.suspension.front_roll_nm_per_rad + self.suspension.rear_roll_nm_per_rad
        if body_kg <= 0:
            raise ValueError("suspension: the unsprung masses are more than chassis.mass_kg")
        if stiffness <= 2.0 * body_kg * GRAVITY_MPS2 * max(arm_m, 0.0):
            raise ValueError(
                f"suspension: {stiffness:.4g} Nm/rad is too soft for {body_kg:.4g} kg "
                f"{arm_m:.3g} m above the roll axis; raise the axles' roll_nm_per_rad"
            )
        if stiffness * sections.SLOWEST_STEP_S**2 > self.suspension.roll_inertia_kgm2:
            raise ValueError(
                f"suspension.roll_inertia_kgm2 = {self.suspension.roll_inertia_kgm2}: too light "
                "for steps of 1 ms; raise it"
            )
        return self

    def body(self) -> tuple[float, float]:
        """Mass in kg of what rolls, and how high in m its centre is above the roll axis."""
        car, axles = self.chassis, self.suspension
        unsprung_kg = axles.front_unsprung_kg + axles.rear_unsprung_kg
        body_kg = car.mass_kg - unsprung_kg
        height_m = (car.mass_kg * car.cg_height_m - unsprung_kg * self.tyre.radius_m) / body_kg
        rear_share = car.front_axle_m / car.wheelbase_m
        axis_m = axles.rear_roll_centre_m * rear_share
        axis_m += axles.front_roll_centre_m * (1.0 - rear_share)
        return body_kg, height_m - axis_m

    def plant(self) -> np.recarray:
        """The PLANT record, one element."""
        names = [name for name in type(self).model_fields if name not in ("name", "sensors")]
        fields = {name: getattr(self, name).fields() for name in names}
        fields["suspension"]["body_kg"], fields["suspension"]["roll_arm_m"] = self.body()
        return tables.record_of(fields)

    def sensor_params(self) -> np.recarray:
        """The SENSOR_PARAMS record, one element."""
        return self.sensors.record()


def load(vehicle: str | Path, overrides: Mapping[str, Any] | None = None) -> Vehicle:
    """The vehicle of a shipped name or of a file's path; raises InputError.

    ``overrides`` puts other values for dotted keys, as ``{"chassis.mass_kg": 1200.0}``.
    """
    return tables.read(_file_of(vehicle), Vehicle, overrides or {})


def _file_of(vehicle: str | Path) -> Path:
    text = str(vehicle)
    if text.endswith(".toml") or "/" in text:
        return Path(vehicle)
    folder = room("hil") / "vehicles"
    file = folder / f"{text}.toml"
    if not file.is_file():
        shipped = ", ".join(sorted(path.stem for path in folder.glob("*.toml")))
        raise InputError(f"vehicle {text!r}: not shipped; give a .toml file or one of {shipped}")
    return file
