"""The vehicle file's ``[sensors]``, a table a family; each noise is one standard deviation."""

from __future__ import annotations

import math
from typing import Annotated, Final, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from tianyuan.hil.plant import tables
from tianyuan.hil.plant.tables import Table

LONGEST_S: Final = 0.2  # the truth that is kept reaches a little further back
KNOT_S: Final = 0.01  # slow errors take a step this often

NotNegative = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Wait = Annotated[float, Field(ge=0, le=LONGEST_S)]
Correlation = Annotated[float, Field(ge=0.1, le=1e5)]


def decay(correlation_s: float) -> float:
    """What is left of a Gauss-Markov error after a step of ``KNOT_S``."""
    return math.exp(-KNOT_S / correlation_s)


class Late(Table):
    """How old the truth is when its message leaves: a delay, and up to ``jitter_s`` more."""

    latency_s: Wait
    jitter_s: Wait

    @model_validator(mode="after")
    def _truth_is_kept_for_as_long(self) -> Self:
        if self.latency_s + self.jitter_s > LONGEST_S:
            raise ValueError(f"latency_s and jitter_s together are above {LONGEST_S} s")
        return self


class Gnss(Late):
    """A receiver with two antennas, whose error has a white part and a slow one."""

    antenna_x_m: float
    antenna_y_m: float
    noise_m: NotNegative
    fixed_m: NotNegative  # the slow part, while the solution is fixed
    float_m: NotNegative
    single_m: NotNegative
    drift_s: Correlation
    converge_s: Annotated[float, Field(ge=0.001)]
    reacquire_s: NotNegative  # from none to single
    float_s: NotNegative  # from single to float
    fix_s: NotNegative  # from float to fixed
    speed_mps: NotNegative
    baseline_m: Positive  # between the antennas
    baseline_noise_m: NotNegative  # of one against the other, across
    baseline_float_m: NotNegative  # the same, while the solution floats
    mounting_rad: NotNegative  # of the baseline against the car, drawn once by the seed

    def fields(self) -> dict[str, float | np.ndarray]:
        """With what is left of the slow error after a step."""
        return {**self.model_dump(), "decay": decay(self.drift_s)}


class Imu(Late):
    """White noise, a bias that the seed draws once, one that wanders, and the ends of its range.

    ``x_m`` and ``y_m`` are its place ahead and to the left of the centre of gravity.
    """

    x_m: float
    y_m: float
    accel_mps2: NotNegative
    accel_bias_mps2: NotNegative
    accel_wander_mps2: NotNegative
    accel_range_mps2: Positive
    yaw_rate_radps: NotNegative
    yaw_rate_bias_radps: NotNegative
    yaw_rate_wander_radps: NotNegative
    yaw_rate_range_radps: Positive
    wander_s: Correlation

    def fields(self) -> dict[str, float | np.ndarray]:
        """With what is left of the wandering bias after a step."""
        return {**self.model_dump(), "decay": decay(self.wander_s)}


class Wheels(Late):
    """A toothed ring a wheel, whose edges a timer times over whole teeth.

    The node reckons with the file's radius; the tyre's grows by ``radius_growth_s2pm2`` of it
    for each (m/s)^2. ``pitch_share`` is an edge's error in teeth.
    """

    teeth: Annotated[int, Field(ge=4, le=1000)]
    gate_s: Annotated[float, Field(ge=0.001, le=0.1)]
    timer_s: Annotated[float, Field(gt=0, le=0.001)]
    least_hz: Annotated[float, Field(ge=1, le=1000)]  # of teeth; slower reads as standing
    pitch_share: NotNegative
    radius_growth_s2pm2: Annotated[float, Field(ge=0, le=1e-4)]


class SteeringStatus(Late):
    """What the steering motor measures: its angle and rate as those of the road wheels."""

    angle_rad: NotNegative
    offset_rad: NotNegative  # of the zero, drawn once by the seed
    rate_radps: NotNegative
    torque_nm: NotNegative


class BrakeStatus(Late):
    """Pressures of both circuits."""

    bar: NotNegative
    offset_bar: NotNegative  # of the zero, drawn once by the seed


class PowertrainStatus(Late):
    """Engine speed by its own ring of teeth."""

    engine_radps: NotNegative


class SensorTable(BaseModel):
    """The whole of ``[sensors]``; faults above ``fault_codes`` are told as that."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    fault_codes: Annotated[int, Field(ge=1, le=255)]
    gnss: Gnss
    imu: Imu
    wheels: Wheels
    steering: SteeringStatus
    brake: BrakeStatus
    powertrain: PowertrainStatus

    def record(self) -> np.recarray:
        """The SENSOR_PARAMS record, one element; fields are named ``family_key``."""
        families = {name: getattr(self, name) for name in type(self).model_fields}
        made: dict[str, dict[str, float | np.ndarray]] = {
            name: table.fields() for name, table in families.items() if isinstance(table, Table)
        }
        return tables.record_of({**made, "fault": {"codes": float(self.fault_codes)}})
