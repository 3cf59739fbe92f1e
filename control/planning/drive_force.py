"""What the engine can push with at each speed, in the best gear."""

from __future__ import annotations

from typing import Final

import numpy as np

from tianyuan.control import engine
from tianyuan.control.planning.curve import Array

FORCE_STEP_MPS: Final = 0.25  # spacing of the table over speed


def force_table(params: np.recarray) -> Array:
    """Force at the wheels in N over speed, from 0 in steps of FORCE_STEP_MPS, full throttle.

    The best of all gears whose engine turns no faster than the upshift, or in the last gear
    than the torque table reaches; zero beyond. Below the table's first engine speed the
    clutch slips, at that speed's torque.
    """
    p = params[0]
    gears = range(1, 1 + int(np.count_nonzero(p.gear_ratio)))
    fastest = dict.fromkeys(gears, min(p.limits_upshift_radps, p.engine_speed_radps.max()))
    fastest[gears[-1]] = p.engine_speed_radps.max()
    speeds = np.arange(int(p.limits_speed_mps / FORCE_STEP_MPS) + 3) * FORCE_STEP_MPS
    force = np.zeros(len(speeds))
    for i, speed in enumerate(speeds):
        for gear in gears:
            if engine.speed_radps(params, gear, speed) <= fastest[gear]:
                force[i] = max(force[i], engine.force_range_n(params, gear, speed)[1])
    return force
