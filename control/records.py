"""The plain records that the driver's kernels read and write.

Axes and signs, for the whole project: the local frame is right-handed and level, x east,
y north, z up; headings are mathematical, zero along x and positive to the left. The car's
frame has x forward, y left, z up, its origin at the centre of gravity. Yaw, steering and
curvature are positive to the left, cross-track error is positive when the car is left of
the line, slope is positive uphill. SI units and radians; names end in their unit. Time is
integer nanoseconds on the monotonic clock.

PATH is read-only, like PARAMS (``parameters.py``). All that changes lives in SENSORS,
STATE and COMMAND, which are logged whole. Each record travels as an array of length one:
numba passes that seven times faster than a bare record.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import numpy as np

# The line to follow: a closed loop of points at equal spacing, the first not repeated.
PATH: Final = np.dtype(
    [
        ("s_m", "f8"),  # station along the line, from 0 in steps of the spacing
        ("x_m", "f8"),
        ("y_m", "f8"),
        ("heading_rad", "f8"),  # of the tangent, continuous (unwrapped) along the lap
        ("curvature_1pm", "f8"),
        ("speed_mps", "f8"),  # the speed profile
        ("accel_mps2", "f8"),  # along the line, that the profile asks for
        ("slope_rad", "f8"),
        ("bank_rad", "f8"),  # across, positive when the left is higher; the driver knows none
        ("left_m", "f8"),  # from the line to the left edge of the track, positive
        ("right_m", "f8"),  # from the line to the right edge, positive
    ]
)

# What the car's sensors say. Eight bytes a field, so that the codec can write a channel
# by its index. A value is the newest received; its group's stamp says when that was.
CHANNELS: Final[dict[str, tuple[str, ...]]] = {
    "position": ("gnss_x_m", "gnss_y_m", "gnss_quality"),
    "velocity": ("gnss_speed_mps", "gnss_heading_rad", "gnss_heading_quality"),
    "imu": ("imu_ax_mps2", "imu_ay_mps2", "imu_yaw_rate_radps"),
    "wheels": ("wheel_fl_mps", "wheel_fr_mps", "wheel_rl_mps", "wheel_rr_mps"),
    "steering": ("steer_rad", "steer_rate_radps", "steer_torque_nm", "steer_fault"),
    "brake": ("brake_travel", "brake_front_bar", "brake_rear_bar", "brake_fault"),
    "powertrain": ("throttle", "gear", "engine_speed_radps", "powertrain_fault"),
    "race": ("race_flag", "race_go", "race_heartbeat"),
    "estop": ("estop",),
    "permit": ("permit",),
}
GROUPS: Final = tuple(CHANNELS)
NO_HEARTBEAT: Final = -1.0  # of race control: this car has no such signal
CHANNEL_NAMES: Final = tuple(name for group in CHANNELS.values() for name in group)
# Signals that are sent back as they came, which the driver does not look at.
ECHOES: Final = tuple(f"echo_{place}" for place in range(8))
SENSORS: Final = np.dtype(
    [(name, "f8") for name in (*CHANNEL_NAMES, *ECHOES)]
    + [(f"{group}_t_ns", "i8") for group in GROUPS]
)

# What the driver wants. Eight bytes a field, for the same reason.
COMMAND: Final = np.dtype(
    [
        ("steer_rad", "f8"),  # road-wheel angle
        ("throttle", "f8"),  # 0 to 1
        ("brake_bar", "f8"),  # pressure in the front circuit
        ("gear", "f8"),  # 1 to 8 forward, 0 neutral
        ("steer_enable", "f8"),  # 1: the steering motor holds the wheel
        ("throttle_enable", "f8"),
        ("brake_enable", "f8"),
        ("mode", "f8"),  # Mode, for the heartbeat
        ("cause", "f8"),  # Cause, latched
        ("mission", "f8"),  # Mission, for a car that has its own state machine
        ("estop", "f8"),  # 1: an emergency stop, that the car may make its own
        *((name, "f8") for name in ECHOES),
    ]
)
COMMAND_NAMES: Final = tuple(name for name in COMMAND.names or () if name not in ECHOES)

# What the driver remembers from one step to the next.
STATE: Final = np.dtype(
    [
        ("t_ns", "i8"),  # of the last step; 0 before the first
        # estimator.py: pose of the centre of gravity
        ("x_m", "f8"),
        ("y_m", "f8"),
        ("heading_rad", "f8"),
        ("speed_mps", "f8"),  # along the car's x axis
        ("lateral_mps", "f8"),  # along the car's y axis
        ("yaw_rate_radps", "f8"),
        ("yaw_bias_radps", "f8"),
        ("ax_mps2", "f8"),
        ("ay_mps2", "f8"),
        ("position_seen_ns", "i8"),  # stamps of the measurements already taken up
        ("velocity_seen_ns", "i8"),
        ("initialised", "i8"),
        # projection.py: the centre of gravity on the line
        ("index", "i8"),  # of the path point before the foot
        ("scanned", "i8"),  # where the next look for the line begins, while the car stands
        ("station_m", "f8"),
        ("cross_track_m", "f8"),
        ("heading_error_rad", "f8"),
        ("curvature_1pm", "f8"),
        ("laps", "i8"),  # crossings of the line's first point while driving
        # stanley.py, pure_pursuit.py
        ("steer_measured_rad", "f8"),  # at the last step
        ("lookahead_m", "f8"),
        # speed.py, gearbox.py
        ("target_mps", "f8"),
        ("integral_mps2", "f8"),
        ("braking", "i8"),
        ("gear", "i8"),
        ("shifted_ns", "i8"),
        # supervisor.py
        ("mode", "i8"),
        ("cause", "i8"),
        ("ready_ns", "i8"),  # since when; the dwell counts from here
        ("go", "i8"),  # at the last step; 0 only if it was released
        ("overruns", "i8"),  # in a row, written by the loop
        ("shutdown", "i8"),  # asked for, written by the loop
        ("bus_fault", "i8"),  # Cause, of a bus on which commands may not arrive; NONE for none
        ("granted_ns", "i8"),  # when the guard's permit was last heard
        # limits.py: the command before this one
        ("steer_rad", "f8"),
        ("throttle", "f8"),
        ("brake_bar", "f8"),
    ]
)


class Mode(IntEnum):
    """What the supervisor lets the car do."""

    OFF = 0
    READY = 1
    DRIVING = 2
    CONTROLLED_STOP = 3
    EMERGENCY_STOP = 4


class Mission(IntEnum):
    """The drive as a car's own state machine is told of it, in Formula Student's terms."""

    NONE = 0
    SELECTED = 1  # the car is ready, and stands
    RUNNING = 2
    FINISHED = 3  # the car was stopped, and stands


class Cause(IntEnum):
    """Why the mode is what it is; the first cause of a stop is latched until disarmed."""

    NONE = 0
    WAITING_FOR_SENSORS = 1
    WAITING_FOR_STANDSTILL = 2
    WAITING_FOR_CAR_ON_LINE = 3
    WAITING_FOR_PERMIT = 4
    POSITION_LOST = 10
    VELOCITY_LOST = 11
    IMU_LOST = 12
    WHEELS_LOST = 13
    STEERING_LOST = 14
    BRAKE_LOST = 15
    POWERTRAIN_LOST = 16
    RACE_CONTROL_LOST = 17
    ESTOP_LOST = 18
    PERMIT_LOST = 19
    STEERING_FAULT = 20
    BRAKE_FAULT = 21
    POWERTRAIN_FAULT = 22
    OFF_LINE = 30
    NOT_FINITE = 31
    OVERRUNS = 32
    INTERFACE_DOWN = 33
    BUS_OFF = 34
    NO_ACKNOWLEDGE = 35
    NOT_SENT = 36
    FLAG_STOP = 40
    CHEQUERED_FLAG = 41
    SHUTDOWN = 42
    REMOTE_ESTOP = 43
    PERMIT_WITHDRAWN = 44


class Flag(IntEnum):
    """Race control's flag; anything else is taken as RED."""

    NONE = 0
    GREEN = 1
    YELLOW = 2
    RED = 3
    CHEQUERED = 4


class Permit(IntEnum):
    """What the guard says of the actuators; anything else is taken as WITHDRAWN."""

    WAITING = 0
    GRANTED = 1
    WITHDRAWN = 2
    NOT_AVAILABLE = 3


class Controller(IntEnum):
    """The lateral law."""

    STANLEY = 0
    PURE_PURSUIT = 1


def record(dtype: np.dtype) -> np.recarray:
    """One zeroed record of ``dtype``, as the array of length one that kernels take."""
    return np.zeros(1, dtype).view(np.recarray)


def path(points: int) -> np.recarray:
    """A zeroed PATH of ``points`` points."""
    return np.zeros(points, PATH).view(np.recarray)
