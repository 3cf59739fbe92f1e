"""What a run leaves behind for people: one row every few ticks, and a summary of each lap."""

from __future__ import annotations

from typing import Final

import numpy as np

# Truth comes from the plant, the rest from the bus and the host's records.
TELEMETRY: Final = np.dtype(
    [
        ("t_s", "f8"),  # since the run began
        ("lap", "i8"),  # 1 is the lap from standstill, 0 before the start
        ("station_m", "f8"),  # truth, on the racing line
        ("x_m", "f8"),
        ("y_m", "f8"),
        ("heading_rad", "f8"),
        ("speed_mps", "f8"),
        ("target_mps", "f8"),
        ("ax_mps2", "f8"),
        ("ay_mps2", "f8"),
        ("cross_track_m", "f8"),  # truth, centre of gravity, left of the line positive
        ("heading_error_rad", "f8"),
        ("edge_margin_m", "f8"),  # nearest wheel's outside to its edge of the track
        ("position_error_m", "f8"),  # estimate against truth
        ("steer_command_rad", "f8"),
        ("steer_rad", "f8"),
        ("throttle_command", "f8"),
        ("throttle", "f8"),
        ("brake_command_bar", "f8"),
        ("brake_bar", "f8"),
        ("gear", "f8"),
        ("engine_speed_radps", "f8"),
        ("mode", "i8"),
        ("cause", "i8"),
        ("circuit", "i8"),  # 1 while the emergency circuit brakes by itself
    ]
)
