"""What the engine can push with at each speed, in the best gear."""

from __future__ import annotations

from typing import Final

import numpy as np

from tianyuan.control import engine
from tianyuan.control.kernels import kernel
from tianyuan.control.planning.curve import Array

FORCE_STEP_MPS: Final = 0.25  # spacing of the table over speed


def force_table(params: np.recarray) -> Array:
    """Force at the wheels in N over speed, from 0 in steps of FORCE_STEP_MPS, full throttle.

    The best of all gears whose engine turns no faster than the upshift, or in the last gear
    than the torque table reaches; zero beyond. Below the table's first engine speed the
    clutch slips, at that speed's torque.
    """
    p = params[0]
    gears = int(np.count_nonzero(p.gear_ratio))
    fastest = np.full(gears, min(p.limits_upshift_radps, p.engine_speed_radps.max()))
    fastest[-1] = p.engine_speed_radps.max()
    force = np.zeros(int(p.limits_speed_mps / FORCE_STEP_MPS) + 3)
    _fill(params, fastest, force)
    return force


@kernel
def _fill(params, fastest_radps, force_n):
    for i in range(force_n.size):
        speed_mps = i * FORCE_STEP_MPS
        for k in range(fastest_radps.size):
            if engine.speed_radps(params, k + 1, speed_mps) <= fastest_radps[k]:
                full = engine.force_range_n(params, k + 1, speed_mps)[1]
                force_n[i] = max(force_n[i], full)
