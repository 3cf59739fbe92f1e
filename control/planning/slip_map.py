"""The axles' slip angles in steady cornering, from the tyre curve turned round.

F_y = D sin(C atan(B alpha)) with D = friction * F_z (Pacejka, Tyre and Vehicle Dynamics),
so alpha = tan(asin(F_y / D) / C) / B up to the peak. In steady cornering on a level road
each axle carries lateral force in the same share as load, so F_y / D = a_y / (friction g)
on both; what tells them apart is their stiffness and shape.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tianyuan.control.grip import GRAVITY_MPS2
from tianyuan.control.parameters import TABLE

Array = NDArray[np.float64]
PEAK_SHARE: Final = 0.97  # of the peak, at the table's end: at the peak the slope is infinite


def fill_slip_map(params: np.recarray) -> None:
    """Fill PARAMS' slip tables: magnitude in rad over lateral acceleration, from zero."""
    p = params[0]
    axle = {"front": p.wheelbase_m - p.front_axle_m, "rear": p.front_axle_m}
    step = PEAK_SHARE * p.friction * GRAVITY_MPS2 / (TABLE - 1)
    ay = np.arange(TABLE) * step
    params[0].slip_ay_step_mps2 = step
    for name, lever in axle.items():
        share = lever / p.wheelbase_m
        force, load = p.mass_kg * ay * share, p.mass_kg * GRAVITY_MPS2 * share
        slip = slip_angle(force, p.friction * load, p[f"tyre_b_{name}"], p[f"tyre_c_{name}"])
        params[0][f"slip_{name}_rad"] = slip


def slip_angle(force_n: Array, peak_n: float, stiffness: float, shape: float) -> Array:
    """Slip angle magnitudes in rad below the peak of D sin(C atan(B alpha))."""
    return np.tan(np.arcsin(force_n / peak_n) / shape) / stiffness
