"""CONTROLS: what the actuators do to the car, the plant's only input beside the road."""

from __future__ import annotations

from typing import Final

import numpy as np

CONTROLS: Final = np.dtype(
    [
        ("steer_rad", "f8"),  # mean angle of the front wheels
        ("steer_rate_radps", "f8"),
        ("throttle", "f8"),  # 0 to 1
        ("brake_front_bar", "f8"),  # pressures of the two circuits
        ("brake_rear_bar", "f8"),
        ("gear", "f8"),  # wanted; 0 neutral
    ]
)
