"""The car on the road: a double-track model with a body that rolls, one step at a time.

Eight degrees of freedom: motion in the road's plane, roll, four wheels; load moves along
the car with a lag. Semi-implicit: loads, tyres from the velocities now, wheels and body from
the forces, the place from the new velocities. The carcass is implicit and the wheels' dry
friction exact, so a millisecond is stable from standstill to any speed. Rajamani, Vehicle
Dynamics and Control, ch. 2 and 4; Milliken, Race Car Vehicle Dynamics, ch. 18.
"""

from __future__ import annotations

import math

from tianyuan.control.kernels import kernel
from tianyuan.hil.plant.axle import lock, spin
from tianyuan.hil.plant.brakes import brake_torque, rolling_torque
from tianyuan.hil.plant.load import GRAVITY_MPS2, axle_loads, hung_out, roll, transfer, wheel_loads
from tianyuan.hil.plant.powertrain import drive, shift
from tianyuan.hil.plant.tyre import roll as roll_tyre
from tianyuan.hil.plant.tyre import trail


@kernel
def _front(p, s, i, tan_steer, half_m, friction, dt_s):
    """Advance a front tyre; its force (Fx, Fy) in the car's frame.

    ``tan_steer`` is the tangent of its own angle, ``half_m`` how far left of the middle it
    is. Books its moment about the steering axis.
    """
    cos_steer = 1.0 / math.sqrt(1.0 + tan_steer * tan_steer)
    sin_steer = tan_steer * cos_steer
    along = s.vx_mps - half_m * s.yaw_rate_radps
    across = s.vy_mps + p.chassis_front_axle_m * s.yaw_rate_radps
    vx = along * cos_steer + across * sin_steer
    vy = across * cos_steer - along * sin_steer
    stiffness = p.tyre_stiffness_y_1prad * p.tyre_front_factor
    length = roll_tyre(p, s, i, vx, vy, stiffness, friction, dt_s)
    fx, fy = s.wheel_fx_n[i], s.wheel_fy_n[i]
    pneumatic_m = p.tyre_pneumatic_trail_m * s.wheel_load_n[i] / p.tyre_nominal_load_n
    s.align_nm -= fy * (p.suspension_caster_trail_m + trail(pneumatic_m, length))
    return fx * cos_steer - fy * sin_steer, fx * sin_steer + fy * cos_steer


@kernel
def _rear(p, s, i, half_m, friction, dt_s):
    """Advance a rear tyre, ``half_m`` left of the middle."""
    along = s.vx_mps - half_m * s.yaw_rate_radps
    rear_axle_m = p.chassis_wheelbase_m - p.chassis_front_axle_m
    across = s.vy_mps - rear_axle_m * s.yaw_rate_radps
    stiffness = p.tyre_stiffness_y_1prad * p.tyre_rear_factor
    roll_tyre(p, s, i, along, across, stiffness, friction, dt_s)


@kernel
def _tyres(p, s, c, r, dt_s):
    """Advance the four tyres; sums (Fx, Fy in front, Fy behind) and the turning moment.

    The front wheels' angles differ by the share of Ackermann's law in the steering:
    ``cot(delta) = cot(mean) -+ share * track / (2 wheelbase)``.
    """
    front_m, rear_m = 0.5 * p.chassis_front_track_m, 0.5 * p.chassis_rear_track_m
    tan_mean = math.tan(c.steer_rad)
    apart = p.suspension_ackermann * front_m / p.chassis_wheelbase_m * tan_mean
    s.align_nm = 0.0
    fx0, fy0 = _front(p, s, 0, tan_mean / (1.0 - apart), front_m, r.friction[0], dt_s)
    fx1, fy1 = _front(p, s, 1, tan_mean / (1.0 + apart), -front_m, r.friction[1], dt_s)
    _rear(p, s, 2, rear_m, r.friction[2], dt_s)
    _rear(p, s, 3, -rear_m, r.friction[3], dt_s)
    front_y, rear_y = fy0 + fy1, s.wheel_fy_n[2] + s.wheel_fy_n[3]
    turning_nm = p.chassis_front_axle_m * front_y
    turning_nm -= (p.chassis_wheelbase_m - p.chassis_front_axle_m) * rear_y
    turning_nm += front_m * (fx1 - fx0) + rear_m * (s.wheel_fx_n[3] - s.wheel_fx_n[2])
    along_n = (fx0 + fx1) + (s.wheel_fx_n[2] + s.wheel_fx_n[3])
    return along_n, front_y, rear_y, turning_nm


@kernel
def _held(p, s, i, nm_per_bar, bar, disc_j_per_k, dt_s):
    """Torque in Nm of the dry friction at wheel ``i``."""
    held_nm = brake_torque(p, s, i, nm_per_bar, bar, disc_j_per_k, dt_s)
    return held_nm + rolling_torque(p, s.wheel_load_n[i], s.vx_mps)


@kernel
def _wheels(p, s, c, dt_s):
    """Advance gearbox, engine, brakes and the four wheels under the tyres' forces."""
    w, radius = s.wheel_radps, p.tyre_radius_m
    rear = p.gearbox_rear_share
    axle_radps = 0.5 * (rear * (w[2] + w[3]) + (1.0 - rear) * (w[0] + w[1]))
    shift(p, s, c.gear, axle_radps, dt_s)
    drive_nm, engine_kgm2 = drive(p, s, c.throttle, axle_radps, dt_s)
    front_nm, rear_nm = (1.0 - rear) * drive_nm, rear * drive_nm
    lock_nm = lock(
        p.front_differential_preload_nm, p.front_differential_drive_lock,
        p.front_differential_coast_lock, front_nm,
    )  # fmt: skip
    per_bar, bar, disc = p.brakes_front_nm_per_bar, c.brake_front_bar, p.brakes_front_disc_j_per_k
    w[0], w[1] = spin(
        w[0], w[1], front_nm, s.wheel_fx_n[0] * radius, s.wheel_fx_n[1] * radius,
        _held(p, s, 0, per_bar, bar, disc, dt_s), _held(p, s, 1, per_bar, bar, disc, dt_s),
        lock_nm, p.tyre_wheel_inertia_kgm2, (1.0 - rear) * engine_kgm2, dt_s,
    )  # fmt: skip
    lock_nm = lock(
        p.rear_differential_preload_nm, p.rear_differential_drive_lock,
        p.rear_differential_coast_lock, rear_nm,
    )  # fmt: skip
    per_bar, bar, disc = p.brakes_rear_nm_per_bar, c.brake_rear_bar, p.brakes_rear_disc_j_per_k
    w[2], w[3] = spin(
        w[2], w[3], rear_nm, s.wheel_fx_n[2] * radius, s.wheel_fx_n[3] * radius,
        _held(p, s, 2, per_bar, bar, disc, dt_s), _held(p, s, 3, per_bar, bar, disc, dt_s),
        lock_nm, p.tyre_wheel_inertia_kgm2, rear * engine_kgm2, dt_s,
    )  # fmt: skip


@kernel
def _gravity(r):
    """Gravity's parts in m/s^2: along the car, to its left, and onto the road."""
    sin_slope, sin_bank = math.sin(r.slope_rad), math.sin(r.bank_rad)
    cos_slope = math.sqrt(1.0 - sin_slope * sin_slope)
    cos_bank = math.sqrt(1.0 - sin_bank * sin_bank)
    across = cos_slope * GRAVITY_MPS2
    return -sin_slope * GRAVITY_MPS2, -sin_bank * across, cos_bank * across


@kernel
def _air(p, s, r, cos_heading, sin_heading):
    """The air's forces along and across the car in N, and its speed from ahead."""
    along = s.vx_mps - (r.wind_x_mps * cos_heading + r.wind_y_mps * sin_heading)
    across = s.vy_mps - (r.wind_y_mps * cos_heading - r.wind_x_mps * sin_heading)
    speed = math.sqrt(along * along + across * across)
    drag_n, side_n = p.aero_drag_n_per_mps2 * along, p.aero_side_n_per_mps2 * across
    return -drag_n * speed, -side_n * speed, along


@kernel
def _move(p, s, along_mps2, across_mps2, turned_radps2, cos_heading, sin_heading, dt_s):
    """Advance velocities and place."""
    yaw = s.yaw_rate_radps
    vx = s.vx_mps + dt_s * (along_mps2 + yaw * s.vy_mps)
    # With the new vx here: both turns explicit would feed the car energy in every spin.
    vy = s.vy_mps + dt_s * (across_mps2 - yaw * vx)
    yaw += dt_s * turned_radps2
    half = 0.5 * dt_s * yaw
    cos_middle, sin_middle = cos_heading - half * sin_heading, sin_heading + half * cos_heading
    s.x_m += dt_s * (vx * cos_middle - vy * sin_middle)
    s.y_m += dt_s * (vx * sin_middle + vy * cos_middle)
    s.heading_rad += dt_s * yaw
    s.vx_mps, s.vy_mps, s.yaw_rate_radps = vx, vy, yaw


@kernel
def step(plant, state, controls, road, dt_s):
    """Advance the car by ``dt_s`` (0.1 to 1 ms) under ``controls`` on ``road``, in place.

    ``plant``, ``state``, ``controls`` and ``road`` are PLANT, PLANT_STATE, CONTROLS and
    ROAD, one element each.
    """
    p, s, c, r = plant[0], state[0], controls[0], road[0]
    downhill, sideways, normal = _gravity(r)
    normal += r.hollow_1pm * s.vx_mps * s.vx_mps
    cos_heading, sin_heading = math.cos(s.heading_rad), math.sin(s.heading_rad)
    drag_n, side_n, air_mps = _air(p, s, r, cos_heading, sin_heading)
    front_n, rear_n = axle_loads(p, s, normal, air_mps)
    wheel_loads(s, front_n, rear_n, p.chassis_front_track_m, p.chassis_rear_track_m)
    tyres_n, front_y, rear_y, turning_nm = _tyres(p, s, c, r, dt_s)
    _wheels(p, s, c, dt_s)
    s.ax_mps2 = (tyres_n + drag_n) / p.chassis_mass_kg
    s.ay_mps2 = (front_y + rear_y + side_n) / p.chassis_mass_kg
    swing = roll(p, s, front_y, rear_y, s.ay_mps2, normal, dt_s)
    transfer(p, s, tyres_n, dt_s)
    out_m, out_mps = hung_out(p, s)
    turning_nm += p.aero_pressure_centre_m * side_n - out_m * tyres_n
    yaw, turned = s.yaw_rate_radps, turning_nm / p.chassis_yaw_inertia_kgm2
    along = s.ax_mps2 + downhill - 2.0 * yaw * out_mps - turned * out_m
    across = s.ay_mps2 + sideways + swing - yaw * yaw * out_m
    _move(p, s, along, across, turned, cos_heading, sin_heading, dt_s)


@kernel
def advance(plant, state, controls, road, dt_s, steps):
    """``steps`` steps with nothing changing from outside."""
    for _ in range(steps):
        step(plant, state, controls, road, dt_s)
