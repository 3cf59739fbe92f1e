"""The vehicle file's tables of the actuators; a key's unit ends its name."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tianyuan.hil.plant.sections import Lag, NotNegative, Positive
from tianyuan.hil.plant.tables import Table

Delay = Annotated[float, Field(ge=0, le=0.06)]  # what the ring holds at half a millisecond


class Steering(Table):
    """The motor on the column, and the rack that it moves through its play.

    The motor's loop is of second order after a delay, as far as its top speed and torque reach.
    Torques are the column's, except those of the rack, which are about the steering axes.
    """

    max_rad: Annotated[float, Field(gt=0, le=1.3)]
    max_radps: Positive
    max_nm: Positive
    delay_s: Delay
    bandwidth_radps: Annotated[float, Field(gt=0, le=300)]
    damping: Annotated[float, Field(ge=0.3, le=2)]
    ratio: Positive
    assistance: Annotated[float, Field(ge=0, lt=1)]
    column_inertia_kgm2: Positive
    column_damping_nms: NotNegative
    friction_nm: NotNegative
    backlash_rad: Annotated[float, Field(ge=0, le=0.1)]  # from flank to flank
    rack_friction_nm: NotNegative
    rack_damping_nms: Positive
    timeout_s: Positive
    fault_rad: Positive  # further behind its command for fault_s, and the motor says Blocked
    fault_s: Positive


class Throttle(Table):
    """The throttle: first order after a delay, with a top rate."""

    delay_s: Delay
    lag_s: Lag
    max_1ps: Positive
    timeout_s: Positive
    fault_share: Positive
    fault_s: Positive


class BrakeActuator(Table):
    """The motor on the pedal: pressure of first order after a delay, with a top rate."""

    delay_s: Delay
    lag_s: Lag
    max_barps: Positive
    timeout_s: Positive
    fault_bar: Positive
    fault_s: Positive


class Emergency(Table):
    """The second circuit: how long it waits for permit and commands, and how it presses."""

    permit_s: Positive
    commands_s: Positive
    blind_s: Positive
    steered_bar: NotNegative
    blind_bar: NotNegative
    delay_s: Delay
    lag_s: Lag
    max_barps: Positive
