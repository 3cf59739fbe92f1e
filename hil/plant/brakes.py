"""Brakes: pressure to torque, and the wheel's spin under any dry friction."""

from __future__ import annotations

from tianyuan.control.kernels import kernel


@kernel
def friction_torque(p, s, c, front_n, rear_n):
    """Dry-friction torques (front, rear) in Nm: brakes and rolling resistance.

    Rolling resistance is a torque of the wheel, so that it stops with the wheel.
    """
    arm_m = p.tyre_radius_m * (p.tyre_rolling + p.tyre_rolling_spm * abs(s.vx_mps))
    front_nm = p.brakes_front_nm_per_bar * c.brake_front_bar + front_n * arm_m
    rear_nm = p.brakes_rear_nm_per_bar * c.brake_rear_bar + rear_n * arm_m
    return front_nm, rear_nm


@kernel
def spin(wheel_radps, torque_nm, friction_nm, inertia_kgm2, dt_s):
    """The wheel's speed one step on; friction only ever takes speed away, down to rest."""
    free = wheel_radps + dt_s * torque_nm / inertia_kgm2
    taken = dt_s * friction_nm / inertia_kgm2
    if free > taken:
        return free - taken
    if free < -taken:
        return free + taken
    return 0.0
