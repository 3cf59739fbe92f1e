"""What the judge goes by: a row each millisecond, the words on the bus and the plant's truth."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

# The times are those of the newest frame of each kind, 0 before the first.
TRACE: Final = np.dtype(
    [
        ("t_ns", "i8"),
        # on the bus: commands, the host's heartbeat, the guard's permit, race control
        ("steer_ns", "i8"),
        ("throttle_ns", "i8"),
        ("brake_ns", "i8"),
        ("beat_ns", "i8"),
        ("permit_ns", "i8"),
        ("steer_command_rad", "f4"),
        ("throttle_command", "f4"),
        ("brake_command_bar", "f4"),
        ("target_mps", "f4"),  # by the host's own frames
        ("steer_enable", "i4"),
        ("mode", "i4"),
        ("cause", "i4"),
        ("permit", "i4"),
        ("guard_cause", "i4"),
        ("host_mode", "i4"),  # by the host's own bus, where it is heard when the car's is not
        ("host_cause", "i4"),
        ("flag", "i4"),
        ("lap", "i4"),  # 0 before the start
        # of the plant
        ("x_m", "f4"),
        ("y_m", "f4"),
        ("station_m", "f4"),
        ("speed_mps", "f4"),
        ("ax_mps2", "f4"),
        ("ay_mps2", "f4"),
        ("steer_rad", "f4"),
        ("throttle", "f4"),
        ("brake_bar", "f4"),
        ("cross_track_m", "f4"),
        ("edge_margin_m", "f4"),
        ("friction", "f4"),  # of the road under the car
    ]
)

Rows = Any  # a recarray of TRACE, or a slice of one, which numpy's types take for less

# What no row of a millisecond can show: whether every single command frame kept the limits.
KEPT: Final = np.dtype(
    [
        ("broken_ns", "i8"),  # when the first one broke one, 0 for never
        ("broken", "i8"),  # Limit
        ("value", "f8"),  # that it said
        ("refused", "i8"),  # frames of the host's messages with a wrong length, CRC or counter
    ]
)
# A range and a rate for each kind of command, in the order of the guard's.
LIMITS_BY_NUMBER: Final = (
    "", "steering range", "steering rate", "throttle range", "throttle rate", "brake range",
    "brake rate",
)  # fmt: skip
