"""Loads of the wheels: weight and down-force, and what acceleration and roll move about.

Along the car the load that moves follows the tyres' force with a lag, as a body does that
pitches on its springs. Across it the body rolls about the roll axis on springs and dampers:
Milliken, Race Car Vehicle Dynamics, ch. 18, made dynamic.
"""

from __future__ import annotations

from typing import Final

from tianyuan.control.kernels import kernel

GRAVITY_MPS2: Final = 9.81


@kernel
def axle_loads(p, s, normal_mps2, air_mps):
    """Loads (front, rear) in N, never negative: an axle that lifts leaves all to the other.

    ``normal_mps2`` presses the car onto the road, ``air_mps`` comes from ahead.
    """
    weight_n = p.chassis_mass_kg * max(0.0, normal_mps2)
    front_share = 1.0 - p.chassis_front_axle_m / p.chassis_wheelbase_m
    down_n = p.aero_downforce_n_per_mps2 * air_mps * abs(air_mps)
    total_n = max(0.0, weight_n + down_n)
    front_n = weight_n * front_share + down_n * p.aero_front_share - s.transfer_n
    front_n = min(total_n, max(0.0, front_n))
    return front_n, total_n - front_n


@kernel
def wheel_loads(s, front_n, rear_n, front_track_m, rear_track_m):
    """Share the axles' loads between left and right; a wheel that lifts bears nothing."""
    half = 0.5 * front_n
    moved = min(half, max(-half, s.front_roll_nm / front_track_m))
    s.wheel_load_n[0], s.wheel_load_n[1] = half - moved, half + moved
    half = 0.5 * rear_n
    moved = min(half, max(-half, s.rear_roll_nm / rear_track_m))
    s.wheel_load_n[2], s.wheel_load_n[3] = half - moved, half + moved


@kernel
def transfer(p, s, tyres_n, dt_s):
    """Let the transferred load follow the tyres' longitudinal force through the springs.

    The balance of moments about the centre of gravity, where drag and gravity act and
    have no arm: ``transfer = h / L * sum(Fx)``.
    """
    target_n = p.chassis_cg_height_m / p.chassis_wheelbase_m * tyres_n
    s.transfer_n += (target_n - s.transfer_n) * dt_s / (p.chassis_transfer_lag_s + dt_s)


@kernel
def roll(p, s, front_n, rear_n, felt_mps2, normal_mps2, dt_s):
    """Roll the body one step on; returns what its swing adds to the car's acceleration.

    ``front_n`` and ``rear_n`` are the axles' lateral forces, ``felt_mps2`` their sum over
    the mass. With the body's mass M at the height h above the roll axis, on the whole car's
    mass m, Newton's laws for both and the roll axis between them:

        (I + M h^2 - M^2 h^2 / m) roll'' = M h felt + M g h roll - K roll - C roll'
        m (vy' + r vx) = sum(Fy) + M h roll''

    The damping is implicit. What the links carry acts at the roll centres at once, and the
    axles' own mass at the wheels' centres.
    """
    body_kg, arm_m = p.suspension_body_kg, p.suspension_roll_arm_m
    swing = body_kg * arm_m
    inertia = p.suspension_roll_inertia_kgm2 + swing * arm_m - swing * swing / p.chassis_mass_kg
    stiffness = p.suspension_front_roll_nm_per_rad + p.suspension_rear_roll_nm_per_rad
    damping = p.suspension_front_roll_damping_nms + p.suspension_rear_roll_damping_nms
    before = s.roll_rate_radps
    turning_nm = swing * (felt_mps2 + normal_mps2 * s.roll_rad) - stiffness * s.roll_rad
    rate = (before + dt_s * turning_nm / inertia) / (1.0 + dt_s * damping / inertia)
    s.roll_rate_radps = rate
    s.roll_rad += dt_s * rate
    front_kg, rear_kg = p.suspension_front_unsprung_kg, p.suspension_rear_unsprung_kg
    s.front_roll_nm = (
        p.suspension_front_roll_nm_per_rad * s.roll_rad
        + p.suspension_front_roll_damping_nms * rate
        + (front_n - front_kg * felt_mps2) * p.suspension_front_roll_centre_m
        + front_kg * felt_mps2 * p.tyre_radius_m
    )
    s.rear_roll_nm = (
        p.suspension_rear_roll_nm_per_rad * s.roll_rad
        + p.suspension_rear_roll_damping_nms * rate
        + (rear_n - rear_kg * felt_mps2) * p.suspension_rear_roll_centre_m
        + rear_kg * felt_mps2 * p.tyre_radius_m
    )
    return swing / p.chassis_mass_kg * (rate - before) / dt_s


@kernel
def hung_out(p, s):
    """How far to the right in m a rolled body puts the car's centre of gravity, and how fast.

    In the car's axes the centre's own acceleration then has, to the first order in the way
    out e, the parts ``e yaw'' + 2 e' yaw'`` along and ``yaw'^2 e`` across, and the tyres' force
    along turns the car by ``-e Fx``.
    """
    per_rad = p.suspension_body_kg * p.suspension_roll_arm_m / p.chassis_mass_kg
    return per_rad * s.roll_rad, per_rad * s.roll_rate_radps
