"""Faults of how the car stands before it is armed."""

from __future__ import annotations

import math

from tianyuan.hil.faults.entry import FaultEntry
from tianyuan.hil.life import Life


def place(life: Life, entry: FaultEntry) -> None:
    """Put the car beside the line, to the left of where it stands, and turn it to the left."""
    s, told = life.plant_state[0], entry.parameters
    offset_m, heading_rad = float(told["offset_m"]), float(s.heading_rad)
    s.x_m -= offset_m * math.sin(heading_rad)
    s.y_m += offset_m * math.cos(heading_rad)
    s.heading_rad += float(told["turn_rad"])
