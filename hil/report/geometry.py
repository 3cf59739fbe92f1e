"""The plan of the track as a page shows it: edges, which way to turn it, bends."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.signal import find_peaks

from tianyuan.hil.analysis.corners import Corner

MAP_POINTS: Final = 1500
APEX_MPS: Final = 2.0  # a minimum of speed counts when it lies this far below both sides


def length_m(path: np.ndarray) -> float:
    """Return the lap's length: the first point of a PATH is not repeated."""
    return float(path["s_m"][-1] + path["s_m"][1] - path["s_m"][0])


def edges(path: np.ndarray, closed_: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Return the left and right edge, as a rule closed, as (n, 2) arrays of x, y in metres."""
    thin = path[:: max(1, len(path) // MAP_POINTS)]
    line = np.column_stack([thin["x_m"], thin["y_m"]])
    left = np.column_stack([-np.sin(thin["heading_rad"]), np.cos(thin["heading_rad"])])
    sides = (line + left * thin["left_m"][:, None], line - left * thin["right_m"][:, None])
    return (closed(sides[0]), closed(sides[1])) if closed_ else sides


def closed(points: np.ndarray) -> np.ndarray:
    """Repeat the first row at the end."""
    return np.concatenate([points, points[:1]])


def landscape_rad(path: np.ndarray) -> float:
    """Return the turn, positive to the left, that makes the track's plan least high."""
    angles = np.radians(np.arange(-90.0, 90.0, 1.0))
    heights = [np.ptp(rotate(path["x_m"], path["y_m"], angle)[1]) for angle in angles]
    return float(angles[np.argmin(heights)])


def rotate(x: np.ndarray, y: np.ndarray, angle_rad: float) -> tuple[np.ndarray, np.ndarray]:
    """Turn points about the origin, positive to the left."""
    cosine, sine = np.cos(angle_rad), np.sin(angle_rad)
    return cosine * x - sine * y, sine * x + cosine * y


def apexes(speed_mps: np.ndarray) -> np.ndarray:
    """Return the indices of the slowest points of the bends, on a closed lap of speeds."""
    start = int(np.argmax(speed_mps))  # begin on a straight, so that no bend is cut in two
    found, _ = find_peaks(-np.roll(speed_mps, -start), prominence=APEX_MPS)
    return np.sort((found + start) % len(speed_mps))


def bends_m(corners: list[Corner], length: float) -> list[tuple[float, float]]:
    """Return the stations at which corners begin and end, one that spans the start in two."""
    whole = [(c.begin_m, c.end_m) for c in corners]
    parts = [
        (max(begin + turn, 0.0), min(end + turn, length))
        for begin, end in whole
        for turn in (-length, 0.0, length)
    ]
    return sorted((begin, end) for begin, end in parts if begin < end)


def tens(speeds_kmh: np.ndarray) -> tuple[float, float]:
    """Return the ends of a scale that holds all speeds, in whole tens."""
    speeds = speeds_kmh[np.isfinite(speeds_kmh)]
    low, high = (speeds.min(), speeds.max()) if len(speeds) else (0.0, 0.0)
    return float(np.floor(low / 10.0) * 10.0), float(np.ceil(high / 10.0 + 1e-9) * 10.0)
