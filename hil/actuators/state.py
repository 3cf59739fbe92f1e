"""ACTUATOR_STATE: all of the motors that changes; ACTUATOR_FAULTS: what is broken.

Axes and signs as in ``control/records.py``.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import Final

import numpy as np

from tianyuan.control.records import GROUPS

RING: Final = 128  # a power of two, so that an index wraps by a mask
RING_MASK: Final = RING - 1

ACTUATOR_STATE: Final = np.dtype(
    [
        ("motor_rad", "f8"),  # steering motor, as an angle of the road wheels
        ("motor_radps", "f8"),
        ("steer_rad", "f8"),  # road wheels, behind the play
        ("steer_rate_radps", "f8"),
        ("steer_nm", "f8"),  # motor on the column
        ("throttle", "f8"),
        ("motor_bar", "f8"),  # that the motor on the pedal presses for
        ("service_bar", "f8"),  # in its circuit
        ("circuit_bar", "f8"),  # in the emergency circuit
        ("circuit_wanted_bar", "f8"),
        ("brake_travel", "f8"),  # of the pedal, 0 to 1
        ("brake_front_bar", "f8"),  # at the wheels: the higher of both circuits
        ("brake_rear_bar", "f8"),
        # what the motors make of it
        ("steer_silent", "i8"),  # 1: its own command message has timed out
        ("throttle_silent", "i8"),
        ("brake_silent", "i8"),
        ("steer_late_s", "f8"),  # for how long it has not followed
        ("throttle_late_s", "f8"),
        ("brake_late_s", "f8"),
        ("steer_fault", "f8"),  # Fault
        ("powertrain_fault", "f8"),
        ("brake_fault", "f8"),
        ("ring_head", "i8"),
        ("steer_ring", "f8", (RING,)),  # commands on their way to the motors
        ("throttle_ring", "f8", (RING,)),
        ("brake_ring", "f8", (RING,)),
        ("circuit_ring", "f8", (RING,)),
    ]
)

# Zero is healthy in every field.
ACTUATOR_FAULTS: Final = np.dtype(
    [
        ("steer_stuck", "f8"),  # 1: the motor moves no more, whatever its torque
        ("steer_dead", "f8"),  # 1: no torque; the tyres turn the wheel
        ("steer_runaway_radps", "f8"),  # the motor turns by itself; road wheels, left positive
        ("brake_circuit_1_dead", "f8"),  # 1: the motor's circuit holds no pressure
        ("brake_circuit_2_dead", "f8"),  # 1: the emergency circuit holds none
        ("brake_stuck_bar", "f8"),  # the motor's circuit stays at this pressure
        ("throttle_stuck", "f8"),  # 1: stays as open as it is
        ("status_silent", "f8"),  # sum of Status: which of them send their status no more
    ]
)


class Fault(IntEnum):
    """What a motor says of itself, as the car's DBC numbers it."""

    NONE = 0
    TIMEOUT = 1
    SENSOR = 2
    POWER = 3
    TEMPERATURE = 4
    BLOCKED = 5


class Status(IntFlag):
    """Whose status it is."""

    STEERING = 1
    BRAKE = 2
    POWERTRAIN = 4


def statuses(groups: np.ndarray) -> np.ndarray:
    """Whose status each message is: (messages,), sums of Status, from (messages, GROUPS)."""
    named = {status.name.lower(): status for status in Status if status.name}
    of_group = np.array([int(named.get(group, 0)) for group in GROUPS], np.int64)
    return np.bitwise_or.reduce(np.where(groups != 0, of_group, 0), axis=1)
