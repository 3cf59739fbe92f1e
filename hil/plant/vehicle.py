"""The car on the road: a dynamic single-track model, one step at a time.

Semi-implicit: loads, tyres from the velocities now, wheels and body from the
forces, the place from the new velocities. The carcass is implicit and the wheels' dry
friction exact, so a millisecond is stable from standstill to any speed. Rajamani, Vehicle
Dynamics and Control, ch. 2 and 4, with combined slip.
"""

from __future__ import annotations

import math

from tianyuan.control.kernels import kernel
from tianyuan.hil.plant.brakes import friction_torque, spin
from tianyuan.hil.plant.load import GRAVITY_MPS2, axle_loads, transfer
from tianyuan.hil.plant.powertrain import drive, shift
from tianyuan.hil.plant.tyre import roll


@kernel
def _front(p, s, cos_steer, sin_steer, friction, dt_s):
    """Advance the front tyre: its slip, and its force in the wheel's frame."""
    across = s.vy_mps + p.chassis_front_axle_m * s.yaw_rate_radps
    vx = s.vx_mps * cos_steer + across * sin_steer
    vy = across * cos_steer - s.vx_mps * sin_steer
    slip_mps = s.front_radps * p.tyre_radius_m - vx
    s.front_ux_m, s.front_uy_m, s.front_fx_n, s.front_fy_n = roll(
        p, s.front_ux_m, s.front_uy_m, vx, vy, slip_mps, s.front_load_n,
        p.tyre_stiffness_y_1prad * p.tyre_front_factor, friction, dt_s,
    )  # fmt: skip
    s.front_slip = s.front_ux_m / p.tyre_relaxation_x_m
    s.front_slip_angle_rad = s.front_uy_m / p.tyre_relaxation_y_m


@kernel
def _rear(p, s, friction, dt_s):
    """Advance the rear tyre: its slip, and its force in the car's frame."""
    rear_axle_m = p.chassis_wheelbase_m - p.chassis_front_axle_m
    vy = s.vy_mps - rear_axle_m * s.yaw_rate_radps
    slip_mps = s.rear_radps * p.tyre_radius_m - s.vx_mps
    s.rear_ux_m, s.rear_uy_m, s.rear_fx_n, s.rear_fy_n = roll(
        p, s.rear_ux_m, s.rear_uy_m, s.vx_mps, vy, slip_mps, s.rear_load_n,
        p.tyre_stiffness_y_1prad * p.tyre_rear_factor, friction, dt_s,
    )  # fmt: skip
    s.rear_slip = s.rear_ux_m / p.tyre_relaxation_x_m
    s.rear_slip_angle_rad = s.rear_uy_m / p.tyre_relaxation_y_m


@kernel
def _wheels(p, s, c, dt_s):
    """Advance gearbox, engine and both wheels under the tyres' forces."""
    rear = p.gearbox_rear_share
    axle_radps = rear * s.rear_radps + (1.0 - rear) * s.front_radps
    shift(p, s, c.gear, axle_radps, dt_s)
    drive_nm, engine_kgm2 = drive(p, s, c.throttle, axle_radps, dt_s)
    front_nm, rear_nm = friction_torque(p, s, c, s.front_load_n, s.rear_load_n)
    front_kgm2 = p.tyre_axle_inertia_kgm2 + (1.0 - rear) * engine_kgm2
    rear_kgm2 = p.tyre_axle_inertia_kgm2 + rear * engine_kgm2
    radius = p.tyre_radius_m
    torque = (1.0 - rear) * drive_nm - s.front_fx_n * radius
    s.front_radps = spin(s.front_radps, torque, front_nm, front_kgm2, dt_s)
    torque = rear * drive_nm - s.rear_fx_n * radius
    s.rear_radps = spin(s.rear_radps, torque, rear_nm, rear_kgm2, dt_s)


@kernel
def _body(p, s, cos_steer, sin_steer, slope_rad, dt_s):
    """Advance velocities, place and the transferred load under the tyres' forces."""
    front_x = s.front_fx_n * cos_steer - s.front_fy_n * sin_steer
    front_y = s.front_fx_n * sin_steer + s.front_fy_n * cos_steer
    tyres_x = front_x + s.rear_fx_n
    rear_axle_m = p.chassis_wheelbase_m - p.chassis_front_axle_m
    turning_nm = p.chassis_front_axle_m * front_y - rear_axle_m * s.rear_fy_n
    drag_n = p.aero_drag_n_per_mps2 * s.vx_mps * abs(s.vx_mps)
    s.ax_mps2 = (tyres_x - drag_n) / p.chassis_mass_kg
    s.ay_mps2 = (front_y + s.rear_fy_n) / p.chassis_mass_kg
    yaw = s.yaw_rate_radps
    vx = s.vx_mps + dt_s * (s.ax_mps2 - GRAVITY_MPS2 * math.sin(slope_rad) + yaw * s.vy_mps)
    # With the new vx here: both turns explicit would feed the car energy in every spin.
    s.vy_mps += dt_s * (s.ay_mps2 - yaw * vx)
    s.vx_mps = vx
    s.yaw_rate_radps = yaw + dt_s * turning_nm / p.chassis_yaw_inertia_kgm2
    middle = s.heading_rad + 0.5 * dt_s * s.yaw_rate_radps
    cos_heading, sin_heading = math.cos(middle), math.sin(middle)
    s.x_m += dt_s * (vx * cos_heading - s.vy_mps * sin_heading)
    s.y_m += dt_s * (vx * sin_heading + s.vy_mps * cos_heading)
    s.heading_rad += dt_s * s.yaw_rate_radps
    transfer(p, s, tyres_x, dt_s)


@kernel
def step(plant, state, controls, slope_rad, friction, dt_s):
    """Advance the car by ``dt_s`` (0.1 to 1 ms) under ``controls``, in place.

    ``plant``, ``state`` and ``controls`` are PLANT, PLANT_STATE and CONTROLS, one element
    each. ``slope_rad`` is the road's along the car, positive uphill; ``friction`` the road's
    factor on the tyres' peaks, 1 when dry.
    """
    p, s, c = plant[0], state[0], controls[0]
    s.front_load_n, s.rear_load_n = axle_loads(p, s, slope_rad)
    cos_steer, sin_steer = math.cos(c.steer_rad), math.sin(c.steer_rad)
    _front(p, s, cos_steer, sin_steer, friction, dt_s)
    _rear(p, s, friction, dt_s)
    s.align_nm = -s.front_fy_n * p.steering_trail_m
    _wheels(p, s, c, dt_s)
    _body(p, s, cos_steer, sin_steer, slope_rad, dt_s)


@kernel
def advance(plant, state, controls, slope_rad, friction, dt_s, steps):
    """``steps`` steps with nothing changing from outside."""
    for _ in range(steps):
        step(plant, state, controls, slope_rad, friction, dt_s)
