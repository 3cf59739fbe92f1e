"""Centre lines given by their curvature: integrated, and closed with the least change."""

from __future__ import annotations

import numpy as np
from scipy.integrate import cumulative_simpson

from tianyuan.control.errors import InputError
from tianyuan.control.planning.curve import Array

_STEP_M = 0.25
_WIDEST_GAP = 1e-3  # of the lap, between its end and its start
_WIDEST_TURN_RAD = np.radians(1.0)
_ROUNDS = 4  # of Newton's method; three bring a gap of a metre below a micrometre


def closed_layout(
    name: str, station_m: Array, curvature_1pm: Array, start: tuple[float, float, float]
) -> tuple[Array, Array, Array]:
    """Stations, x and y of a closed centre line whose curvature is linear between knots.

    ``station_m`` rises from 0 to the length of the lap; ``start`` is x, y and heading in
    rad. A lap that nearly closes is closed by the change of curvature that is least in the
    sum of squares, so that nothing bends at any one place: the multipliers of the three
    conditions (heading, x, y) make it linear in x and y along the lap. The length stays.
    Raises InputError where the gap is too large for a matter of rounding.
    """
    count = int(np.ceil(station_m[-1] / _STEP_M))
    s = np.linspace(0.0, station_m[-1], count + 1)
    curvature = np.interp(s, station_m, curvature_1pm)
    # Trapezes miss a knot inside a step by far less than what is closed below.
    turned = np.sum((curvature[1:] + curvature[:-1]) / 2) * s[1]
    laps = 2 * np.pi * np.sign(turned)
    change = np.zeros_like(s)
    for done in range(_ROUNDS):
        heading, x, y = _integrated(s, curvature + change, start)
        gap = np.array([laps - (heading[-1] - heading[0]), x[0] - x[-1], y[0] - y[-1]])
        if done == 0:
            _check_gap(name, gap, s[-1])
        influence = np.vstack((np.ones_like(s), y - y[-1], x[-1] - x))
        change += np.linalg.solve(influence @ influence.T * s[1], gap) @ influence
    return s[:-1], x[:-1], y[:-1]


def _integrated(
    s: Array, curvature: Array, start: tuple[float, float, float]
) -> tuple[Array, Array, Array]:
    heading = start[2] + cumulative_simpson(curvature, x=s, initial=0)
    x = start[0] + cumulative_simpson(np.cos(heading), x=s, initial=0)
    y = start[1] + cumulative_simpson(np.sin(heading), x=s, initial=0)
    return heading, x, y


def _check_gap(name: str, gap: Array, length_m: float) -> None:
    turn, away = abs(gap[0]), float(np.hypot(gap[1], gap[2]))
    if turn > _WIDEST_TURN_RAD or away > _WIDEST_GAP * length_m:
        raise InputError(
            f"{name}: curvature: open loop: the lap ends {away:.1f} m and {np.degrees(turn):.2f} "
            f"degrees from its start, above {_WIDEST_GAP * length_m:.1f} m or "
            f"{np.degrees(_WIDEST_TURN_RAD):.0f} degree; correct the stations or curvatures"
        )
