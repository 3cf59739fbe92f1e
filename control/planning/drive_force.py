"""What the engine can push with at each speed, in the best gear."""

from __future__ import annotations

from typing import Final

import numpy as np
from tianyuan.control.planning.curve import Array

FORCE_STEP_MPS: Final = 0.25  # spacing of the table over speed


def force_table(params: np.recarray) -> Array:
    """Force at the wheels in N over speed, from 0 in steps of FORCE_STEP_MPS, full throttle.

    The best of all gears whose engine speed is within the torque table and, but for the
    last gear, not above the upshift. Below the table's first engine speed the clutch slips
    at that speed's torque. Zero where no gear turns slowly enough.
    """
    p = params[0]
    gears = p.gear_ratio[p.gear_ratio > 0]
    # A table is padded with zeros: its abscissa stops rising where it ends.
    count = 1 + int(np.argmin(np.append(np.diff(p.engine_speed_radps) > 0, False)))
    engine_radps, torque_nm = p.engine_speed_radps[:count], p.engine_torque_nm[:count]
    top = np.full(len(gears), engine_radps[-1])
    top[:-1] = np.minimum(top[:-1], p.limits_upshift_radps)
    speed = np.arange(int(p.limits_speed_mps / FORCE_STEP_MPS) + 3) * FORCE_STEP_MPS
    ratio = gears[:, None] * p.final_drive
    turning = speed * ratio / p.wheel_radius_m
    torque = np.interp(turning, engine_radps, torque_nm)
    force = torque * ratio * p.driveline_efficiency / p.wheel_radius_m
    return np.where(turning <= top[:, None], force, 0.0).max(axis=0)
