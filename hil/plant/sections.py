"""The tables of a vehicle's file, one class each; a key's unit ends its name."""

from __future__ import annotations

import math
from typing import Annotated, Final, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from tianyuan.control.parameters import GEARS
from tianyuan.hil.plant.tables import Table

MAP: Final = 128  # points of the resampled torque map, so that a look-up is one step
SLOWEST_STEP_S: Final = 0.001
LOCKED_NM: Final = 1e9

Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Lag = Annotated[float, Field(ge=SLOWEST_STEP_S, le=2)]  # shorter, and 1 ms cannot follow it


class Chassis(Table):
    """Masses and lengths; the centre of gravity is ``front_axle_m`` behind the front axle."""

    mass_kg: Annotated[float, Field(ge=10, le=10000)]
    yaw_inertia_kgm2: Positive
    wheelbase_m: Annotated[float, Field(ge=0.1, le=8)]
    front_axle_m: Positive
    cg_height_m: NotNegative
    front_track_m: Positive
    rear_track_m: Positive
    width_m: Positive
    transfer_lag_s: Lag

    @model_validator(mode="after")
    def _centre_of_gravity_lies_between_the_axles(self) -> Self:
        if self.front_axle_m >= self.wheelbase_m:
            raise ValueError(f"front_axle_m must be below wheelbase_m = {self.wheelbase_m}")
        return self


class Suspension(Table):
    """How the body rolls on its axles; stiffness and damping with the tyres' own in series.

    ``ackermann`` is 1 for front wheels that point at one centre at walking pace, 0 for
    parallel ones.
    """

    front_roll_nm_per_rad: Positive
    rear_roll_nm_per_rad: Positive
    front_roll_damping_nms: NotNegative
    rear_roll_damping_nms: NotNegative
    front_roll_centre_m: float
    rear_roll_centre_m: float
    front_unsprung_kg: NotNegative
    rear_unsprung_kg: NotNegative
    roll_inertia_kgm2: Positive
    ackermann: Annotated[float, Field(ge=-1, le=1.5)]
    caster_trail_m: NotNegative


class Tyre(Table):
    """Magic Formula of a tyre; stiffness is slope over load, front and rear factors on it.

    The frictions hold at the nominal load; a sensitivity is what share of them is won when
    the load doubles. The lateral stiffness is that of a light load, and greatest at
    ``stiffness_peak`` nominal loads. The pneumatic trail is in proportion to the load.
    """

    radius_m: Annotated[float, Field(ge=0.02, le=1.5)]
    wheel_inertia_kgm2: Positive
    nominal_load_n: Positive
    friction_x: Positive
    friction_y: Positive
    shape_x: Annotated[float, Field(ge=1.01, le=1.99)]
    shape_y: Annotated[float, Field(ge=1.01, le=1.99)]
    curvature_x: Annotated[float, Field(ge=-5, le=0.95)]
    curvature_y: Annotated[float, Field(ge=-5, le=0.95)]
    stiffness_x: Positive
    stiffness_y_1prad: Positive
    front_factor: Positive
    rear_factor: Positive
    load_sensitivity_x: Annotated[float, Field(ge=-0.5, le=0)]
    load_sensitivity_y: Annotated[float, Field(ge=-0.5, le=0)]
    stiffness_peak: Annotated[float, Field(ge=0.5)]
    relaxation_x_m: Annotated[float, Field(ge=0.02, le=2)]
    relaxation_y_m: Annotated[float, Field(ge=0.02, le=2)]
    damping_s: Annotated[float, Field(ge=0, le=0.05)]
    damping_speed_mps: Positive
    pneumatic_trail_m: NotNegative
    rolling: NotNegative
    rolling_spm: NotNegative


class Aero(Table):
    """Half the air's density times area; ``front_share`` of the down-force is in front.

    Wind from the side pushes ``pressure_centre_m`` ahead of the centre of gravity.
    """

    drag_n_per_mps2: NotNegative
    side_n_per_mps2: NotNegative
    pressure_centre_m: float
    downforce_n_per_mps2: NotNegative
    front_share: Share


class Engine(Table):
    """Full-load and drag torque over speed; the map is their blend by the throttle.

    ``request_nm`` is what a whole throttle asks for; more than there is gives what there is.
    At 0 it asks for what the engine has at its speed, as an accelerator does. A motor without
    a clutch has ``launch_rpm`` 0 and turns with its wheels from standstill on.
    """

    speed_rpm: Annotated[list[NotNegative], Field(min_length=2, max_length=64)]
    torque_nm: list[NotNegative]
    drag_nm: list[NotNegative]
    request_nm: NotNegative
    idle_rpm: NotNegative
    launch_rpm: NotNegative
    limit_rpm: Positive
    inertia_kgm2: Positive

    @model_validator(mode="after")
    def _tables_match(self) -> Self:
        if not len(self.speed_rpm) == len(self.torque_nm) == len(self.drag_nm):
            raise ValueError("speed_rpm, torque_nm and drag_nm must be of equal length")
        if any(np.diff(self.speed_rpm) <= 0):
            raise ValueError("speed_rpm must rise")
        if not self.idle_rpm <= self.launch_rpm < self.limit_rpm:
            raise ValueError("must be idle_rpm <= launch_rpm < limit_rpm")
        if self.launch_rpm == 0 and self.drag_nm[0] > 0:
            raise ValueError(
                f"drag_nm begins with {self.drag_nm[0]}: with launch_rpm = 0 it would push a "
                "standing car back; begin with 0"
            )
        return self

    def fields(self) -> dict[str, float | np.ndarray]:
        """The map over an even grid from zero to a tenth above the limiter."""
        radps = math.pi / 30
        grid_rpm = np.linspace(0, 1.1 * self.limit_rpm, MAP)
        return {
            "step_radps": float(grid_rpm[1] * radps),
            "torque_nm": np.interp(grid_rpm, self.speed_rpm, self.torque_nm),
            "drag_nm": np.interp(grid_rpm, self.speed_rpm, self.drag_nm),
            "request_nm": self.request_nm,
            "idle_radps": self.idle_rpm * radps,
            "launch_radps": self.launch_rpm * radps,
            "limit_radps": self.limit_rpm * radps,
            "inertia_kgm2": self.inertia_kgm2,
        }


class Gearbox(Table):
    """Ratios from first gear up; ``rear_share`` of the torque goes to the rear axle.

    A share between 0 and 1 is a centre differential, or a motor for each axle: then the
    engine's torque and inertia are those of both motors together.
    """

    rear_share: Share
    ratio: Annotated[list[Positive], Field(min_length=1, max_length=GEARS)]
    final_drive: Positive
    efficiency: Annotated[float, Field(ge=0.5, le=1)]
    shift_s: Annotated[float, Field(ge=0, le=3)]
    clutch_lag_s: Lag

    def fields(self) -> dict[str, float | np.ndarray]:
        """Overall ratios by gear, neutral first; the gears that are not there are zero."""
        overall = np.zeros(GEARS + 1)
        overall[1 : len(self.ratio) + 1] = np.array(self.ratio) * self.final_drive
        rest = self.model_dump(exclude={"ratio", "final_drive"})
        return {"overall": overall, **rest}


class Differential(Table):
    """Between the wheels of an axle: open, locked, or with a friction between its wheels.

    A limited one holds the difference of the wheels' torques up to its preload and a share
    of the torque that drives, or brakes by the engine, through it.
    """

    kind: Literal["open", "limited", "locked"]
    preload_nm: NotNegative
    drive_lock: Share
    coast_lock: Share

    @model_validator(mode="after")
    def _only_a_limited_one_has_a_lock(self) -> Self:
        if self.kind != "limited" and self.preload_nm + self.drive_lock + self.coast_lock > 0:
            raise ValueError(f"kind = {self.kind!r} has no preload_nm and no locks; make them 0")
        return self

    def fields(self) -> dict[str, float | np.ndarray]:
        """A locked one holds any torque."""
        fields = self.model_dump(exclude={"kind"})
        return fields | ({"preload_nm": LOCKED_NM} if self.kind == "locked" else {})


class Brakes(Table):
    """Torque of an axle over its circuit's pressure; the balance bar sets the rear's.

    Each disc stores ``disc_j_per_k`` and cools by ``cooling``, more with speed. From
    ``fade_from_c`` to ``fade_to_c`` the pads' friction falls to ``faded_factor``.
    """

    front_nm_per_bar: Positive
    rear_nm_per_bar: NotNegative
    rear_pressure_share: NotNegative
    max_bar: Positive
    front_disc_j_per_k: Positive
    rear_disc_j_per_k: Positive
    cooling_w_per_k: NotNegative
    cooling_j_per_km: NotNegative
    fade_from_c: Positive
    fade_to_c: Positive
    faded_factor: Share

    @model_validator(mode="after")
    def _fading_begins_before_it_ends(self) -> Self:
        if self.fade_from_c >= self.fade_to_c:
            raise ValueError(f"fade_from_c must be below fade_to_c = {self.fade_to_c}")
        return self

    def fields(self) -> dict[str, float | np.ndarray]:
        """A disc's capacity and torque are each wheel's, half of the axle's torque."""
        halves = {
            name: 0.5 * getattr(self, name) for name in ("front_nm_per_bar", "rear_nm_per_bar")
        }
        return self.model_dump() | halves
