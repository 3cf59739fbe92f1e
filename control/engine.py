"""What the engine can do at the wheels, by speed and gear, and the throttle that asks for it."""

from __future__ import annotations

from tianyuan.control.geometry import clamp, interpolate
from tianyuan.control.kernels import kernel


@kernel
def speed_radps(params, gear, speed_mps):
    """Engine speed that goes with the car's speed when no wheel slips; 0 in neutral."""
    if gear < 1:
        return 0.0
    p = params[0]
    return speed_mps / p.wheel_radius_m * p.gear_ratio[gear - 1] * p.final_drive


@kernel
def force_range_n(params, gear, speed_mps):
    """Force at the wheels ``(closed, open)`` with the throttle closed (negative) and open."""
    if gear < 1:
        return 0.0, 0.0
    p = params[0]
    engine = speed_radps(params, gear, speed_mps)
    lever = p.gear_ratio[gear - 1] * p.final_drive / p.wheel_radius_m
    full = interpolate(p.engine_speed_radps, p.engine_torque_nm, engine)
    drag = interpolate(p.engine_speed_radps, p.engine_drag_nm, engine)
    # Friction between engine and wheels takes its share of the power either way.
    return -drag * lever / p.driveline_efficiency, full * lever * p.driveline_efficiency


@kernel
def throttle_for(params, gear, speed_mps, force_n):
    """Throttle 0 to 1 for a force at the wheels; the nearest end for one out of range.

    A motor that is sent torque takes the throttle as a share of ``request_nm``, also at speeds
    where it has less than that.
    """
    if gear < 1:
        return 0.0
    p = params[0]
    closed_n, open_n = force_range_n(params, gear, speed_mps)
    lever = p.gear_ratio[gear - 1] * p.final_drive / p.wheel_radius_m
    span = max(open_n, p.request_nm * lever * p.driveline_efficiency) - closed_n
    return clamp((force_n - closed_n) / span, 0.0, 1.0) if span > 1.0 else 0.0
