"""ROAD: what is under the car and about it, as the plant meets it."""

from __future__ import annotations

from typing import Final

import numpy as np

ROAD: Final = np.dtype(
    [
        ("slope_rad", "f8"),  # along the car, positive uphill
        ("bank_rad", "f8"),  # across the car, positive when the left is the higher side
        ("hollow_1pm", "f8"),  # curvature of the surface along the car: a hollow is positive
        ("wind_x_mps", "f8"),  # of the air over the ground, in the map's frame
        ("wind_y_mps", "f8"),
        ("friction", "f8", (4,)),  # factor on the tyres' peaks by wheel, 1 when dry
    ]
)


def flat(friction: float = 1.0) -> np.recarray:
    """A level road in still air, equally slippery everywhere; one ROAD."""
    road = np.zeros(1, ROAD).view(np.recarray)
    road.friction[:] = friction
    return road
