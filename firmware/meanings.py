"""The names of a channel's values, and which of them is the most restrictive."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from tianyuan.control.records import Cause, Flag, Mode, Permit
from tianyuan.firmware.guard.records import GuardCause


class Estop(IntEnum):
    """The remote stop: only RUN lets the car run."""

    RUN = 0
    STOP = 1


class Go(IntEnum):
    """Race control's go; NEITHER arms no car and disarms none."""

    RELEASED = 0
    PRESSED = 1
    NEITHER = 2


class Fault(IntEnum):
    """What a part says of itself; any number but 0 is a fault."""

    OK = 0
    FAULT = 1


class Quality(IntEnum):
    """Of a satellite solution, as NMEA counts it; 0 stops the car."""

    NONE = 0
    SINGLE = 1
    DIFFERENTIAL = 2
    RTK_FIXED = 4
    RTK_FLOAT = 5


class Switch(IntEnum):
    """Whether an actuator is to act on its command."""

    OFF = 0
    ON = 1


KINDS: Final[dict[str, type[IntEnum]]] = {
    "sensors.race_flag": Flag,
    "sensors.race_go": Go,
    "sensors.estop": Estop,
    "sensors.permit": Permit,
    "sensors.gnss_quality": Quality,
    "sensors.gnss_heading_quality": Quality,
    "sensors.steer_fault": Fault,
    "sensors.brake_fault": Fault,
    "sensors.powertrain_fault": Fault,
    "commands.mode": Mode,
    "commands.cause": Cause,
    "commands.steer_enable": Switch,
    "commands.throttle_enable": Switch,
    "commands.brake_enable": Switch,
    "guard.permit": Permit,
    "guard.cause": GuardCause,
}
# For a raw value that the list of a sensor does not have. A channel that is not here has
# none: the frame is refused, and its group grows old.
MOST_RESTRICTIVE: Final[dict[str, int]] = {
    "sensors.race_flag": Flag.RED,
    "sensors.race_go": Go.NEITHER,
    "sensors.estop": Estop.STOP,
    "sensors.permit": Permit.WITHDRAWN,
    "sensors.gnss_quality": Quality.NONE,
    "sensors.gnss_heading_quality": Quality.NONE,
    "sensors.steer_fault": Fault.FAULT,
    "sensors.brake_fault": Fault.FAULT,
    "sensors.powertrain_fault": Fault.FAULT,
}


def needed(key: str, gears: int) -> dict[float, str]:
    """The values that a command's list must have, or its ``default``, by name."""
    if key == "commands.gear":
        return {float(gear): str(gear) for gear in range(1, gears + 1)}
    if key.startswith(("commands.", "guard.")) and key in KINDS:
        return {float(member): member.name for member in KINDS[key]}
    return {}
