"""What the guard says on the wire, why, and the records that it keeps."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import numpy as np

# Eight bytes a field, as the codec wants its channels.
SAID: Final = np.dtype([("permit", "f8"), ("cause", "f8")])
GUARD_NAMES: Final = SAID.names or ()


class GuardCause(IntEnum):
    """Why there is no permit; that of a withdrawal is latched until it is released."""

    NONE = 0
    WAITING_FOR_COMMANDS = 1
    WAITING_FOR_HOST_DISARMED = 2
    HOST_STALLED = 3
    COMMANDS_LOST = 10
    HEARTBEAT_LOST = 11
    PROTECTION_FAILED = 12
    NOT_FINITE = 13
    STEERING_RANGE = 20
    STEERING_SLEW = 21
    THROTTLE_RANGE = 22
    THROTTLE_SLEW = 23
    BRAKE_RANGE = 24
    BRAKE_SLEW = 25
    BOTH_PEDALS = 26
    HOST_EMERGENCY = 30
    GUARD_ENDED = 31


# The car file's limits, each with the step of its signal: what the wire rounds is no fault.
LIMITS: Final = np.dtype(
    [
        ("steer_rad", "f8"),
        ("steer_rate_radps", "f8"),
        ("steer_step_rad", "f8"),
        ("throttle_rate_1ps", "f8"),
        ("throttle_step", "f8"),
        ("brake_bar", "f8"),
        ("brake_rate_barps", "f8"),
        ("brake_step_bar", "f8"),
    ]
)

STEERING, THROTTLE, BRAKE = range(3)
# One for each signal that carries such a command; a channel may feed several.
WATCHED: Final = np.dtype([("message", "i8"), ("slot", "i8"), ("kind", "i8")])

GUARD: Final = np.dtype(
    [
        ("permit", "i8"),  # Permit
        ("cause", "i8"),  # GuardCause
        ("stalled", "i8"),  # 1 while waiting for a host that had the permit
        ("wrong", "i8"),  # GuardCause of the first fault in the frames of this tick
        ("good_ns", "i8"),  # since when a withdrawal could be released, 0 if it cannot
        ("pedals_ns", "i8"),  # since when both pedals are on, 0 if they are not
        ("tick_ns", "i8"),  # of the last tick
        ("late_ns", "i8"),  # by how much the guard itself may still hold frames for too new
        ("sent_ns", "i8"),  # of the last frame
        ("sent_permit", "i8"),
        ("sent_cause", "i8"),
    ]
)

# What the guard has done and seen since its start.
BOOKS: Final = np.dtype(
    [
        (name, "i8")
        for name in (
            "ticks", "frames", "published", "grants", "stalls", "withdrawals",
            "wrong_crc", "wrong_counter", "wrong_length", "not_finite", "changes",
        )
    ]
)  # fmt: skip

CHANGES: Final = 256  # the newest are kept
CHANGE: Final = np.dtype([("t_ns", "i8"), ("permit", "i8"), ("cause", "i8")])
