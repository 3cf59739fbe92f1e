"""ACTUATOR_STATE: all of the motors that changes. Axes and signs as in ``control/records.py``."""

from __future__ import annotations

from typing import Final

import numpy as np

RING: Final = 128  # a power of two, so that an index wraps by a mask
RING_MASK: Final = RING - 1

ACTUATOR_STATE: Final = np.dtype(
    [
        ("steer_rad", "f8"),  # road wheel
        ("steer_rate_radps", "f8"),
        ("steer_nm", "f8"),  # motor on the column
        ("throttle", "f8"),
        ("brake_front_bar", "f8"),
        ("brake_rear_bar", "f8"),
        ("ring_head", "i8"),
        ("steer_ring", "f8", (RING,)),  # commands on their way to the motors
        ("throttle_ring", "f8", (RING,)),
        ("brake_ring", "f8", (RING,)),
    ]
)
