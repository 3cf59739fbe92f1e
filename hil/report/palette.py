"""Colours: one perceptually uniform map for speed, from which the accents are taken."""

from __future__ import annotations

from typing import Final

import numpy as np
from plotly.colors import hex_to_rgb, sequential

# Plasma without its yellow reads on white, without its indigo on black.
ON_LIGHT: Final = (0.0, 0.84)
ON_DARK: Final = (0.3, 1.0)


def speed_colours(count: int, part: tuple[float, float]) -> list[str]:
    """Return ``count`` colours from slow to fast, equal steps of ``part`` of the map."""
    stops = np.array([hex_to_rgb(colour) for colour in sequential.Plasma], float)
    at = np.linspace(part[0], part[1], count) * (len(stops) - 1)
    mixed = [np.interp(at, np.arange(len(stops)), stops[:, k]) for k in range(3)]
    return ["#" + "".join(f"{round(v):02x}" for v in rgb) for rgb in zip(*mixed, strict=True)]
