"""What a car can do at each point of a line, at and about the speed that it has there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from tianyuan.control.kernels import kernel
from tianyuan.control.planning.curve import Array
from tianyuan.control.planning.speed_profile import (
    engine_accel_mps2,
    load_mps2,
    resistance_mps2,
    traction_share,
)

_PROBE: Final = 0.01  # relative change of squared speed in the differences


@dataclass(frozen=True)
class Abilities:
    """Accelerations (n,) at each point and, ``_by_square``, per squared speed in 1/m.

    The load on the tyres over mass, the resistance, and what the engine gives less the
    resistance; shares of the load that the tyres turn into force, friction included.
    """

    load_mps2: Array
    load_by_square: Array
    resistance_mps2: Array
    resistance_by_square: Array
    engine_mps2: Array
    engine_by_square: Array
    lateral_share: float
    drive_share: float
    brake_share: float


def abilities(params: np.recarray, force: Array, road: np.recarray, square: Array) -> Abilities:
    """The Abilities at squared speeds (n,) along a ROAD."""
    p = params[0]
    at = np.zeros((3, len(square)))
    faster, slower = np.zeros_like(at), np.zeros_like(at)
    _fill(params, force, road, square, at)
    _fill(params, force, road, square * (1 + _PROBE), faster)
    _fill(params, force, road, square * (1 - _PROBE), slower)
    slope = (faster - slower) / (2 * _PROBE * square)
    return Abilities(
        at[0], slope[0], at[1], slope[1], at[2], slope[2],
        lateral_share=float(p.friction * p.planning_lateral_share),
        drive_share=float(traction_share(params)),
        brake_share=float(p.friction * p.planning_brake_share),
    )  # fmt: skip


@kernel
def _fill(params, force, road, square, out):
    for i in range(square.shape[0]):
        out[0, i] = load_mps2(params, road, i, square[i])
        out[1, i] = resistance_mps2(params, road, i, square[i])
        out[2, i] = engine_accel_mps2(params, force, road, i, square[i])
