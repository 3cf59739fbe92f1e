"""Speed: feed-forward of everything known, a PI loop for the rest, one pedal at a time.

``F = m a_ref + c_0 + c_1 v + c_2 v^2 + m g sin(slope) + cornering drag + m PI``

The wanted force goes to the engine as long as it lies above the engine's own braking, and
to the brakes below it, with a dead band between, so that throttle and brake never fight.
The integral is held within what the proportional part and the tyres leave of the force.
"""

from __future__ import annotations

import math

from tianyuan.control import engine, grip, projection, slip
from tianyuan.control.geometry import clamp
from tianyuan.control.kernels import kernel
from tianyuan.control.records import Controller, Flag, Mode

DRIVING = int(Mode.DRIVING)
CONTROLLED_STOP = int(Mode.CONTROLLED_STOP)
YELLOW = int(Flag.YELLOW)
PURE_PURSUIT = int(Controller.PURE_PURSUIT)
PEDAL_GRIP = 0.92  # share of the friction circle that the pedals may ask for
TURN_GRIP = 0.9  # of the tyres, up to which the drag of a turn is reckoned with
STANDSTILL_MPS = 0.3
SETTLED_MPS = 1.5


@kernel
def reference(params, path, sensors, state):
    """Wanted ``(speed_mps, accel_mps2, slope_rad)`` where the car will be after the preview."""
    p, s = params[0], state[0]
    station = s.station_m + s.speed_mps * p.speed_preview_s
    index, share = projection.locate(path, p.path_spacing_m, station)
    speed, accel, slope = projection.speed_at(path, index, share)
    if p.controller == PURE_PURSUIT:
        trusted = p.pure_pursuit_speed_share
        speed, accel = trusted * speed, trusted * trusted * accel
    cap = p.limits_speed_mps
    if sensors[0].race_flag == YELLOW:
        cap = min(cap, p.limits_speed_yellow_mps)
    if speed > cap:
        return cap, min(accel, 0.0), slope
    return speed, accel, slope


@kernel
def resistance_n(params, speed_mps, slope_rad, ay_mps2):
    """Force that only holds the speed: rolling, drag, slope, the front tyres' drag in a turn.

    A turn counts up to most of what the tyres can hold: a gyroscope at its stop means no drag of
    20 kN, and near the peak the slip angle, and with it the drag, grows without bound.
    """
    p = params[0]
    most_mps2 = TURN_GRIP * p.friction * grip.load_n(params, speed_mps) / p.mass_kg
    ay_mps2 = min(abs(ay_mps2), most_mps2)
    rolling = p.rolling_n + p.rolling_n_per_mps * speed_mps
    drag = p.drag_n_per_mps2 * speed_mps * speed_mps
    weight = p.mass_kg * grip.GRAVITY_MPS2 * math.sin(slope_rad)
    front_share = (p.wheelbase_m - p.front_axle_m) / p.wheelbase_m
    cornering = (
        p.mass_kg * front_share * ay_mps2 * math.sin(slip.front(params, speed_mps, ay_mps2, 0.0))
    )
    return rolling + drag + weight + cornering


@kernel
def _feedback(params, state, error_mps, low_mps2, high_mps2, dt_s):
    """PI in acceleration; the integral keeps within what the proportional part leaves.

    It is there for what the model does not know, so it only learns near the profile, not on
    the way to it, and never holds more than ``integral_max_mps2``.
    """
    p, s = params[0], state[0]
    proportional = clamp(p.speed_kp_1ps * error_mps, low_mps2, high_mps2)
    if abs(error_mps) < SETTLED_MPS:
        s.integral_mps2 += p.speed_ki_1ps2 * error_mps * dt_s
    most = p.speed_integral_max_mps2
    low = max(low_mps2 - proportional, -most)
    s.integral_mps2 = clamp(s.integral_mps2, low, min(high_mps2 - proportional, most))
    return proportional + s.integral_mps2


@kernel
def _pedals(params, state, force_n):
    """``(throttle, brake_bar)`` for a force at the wheels."""
    p, s = params[0], state[0]
    closed_n, _ = engine.force_range_n(params, s.gear, s.speed_mps)
    if s.braking == 0 and force_n < closed_n - p.speed_deadband_n:
        s.braking = 1
    elif s.braking == 1 and force_n > closed_n:
        s.braking = 0
    if s.braking == 1:
        return 0.0, max(closed_n - force_n, 0.0) / p.brake_n_per_bar
    return engine.throttle_for(params, s.gear, s.speed_mps, force_n), 0.0


@kernel
def _effective_kg(params):
    """Mass that a force at the wheels accelerates, wheels and engine turning with it."""
    return params[0].mass_kg * params[0].rotating_mass_factor


@kernel
def _reach(params, state, held_n, ay_mps2):
    """Accelerations ``(low, high)`` that grip and engine can give on top of the held force."""
    s = state[0]
    _, open_n = engine.force_range_n(params, s.gear, s.speed_mps)
    driving_n = min(open_n, PEDAL_GRIP * grip.traction_n(params, s.speed_mps, ay_mps2))
    low = -PEDAL_GRIP * grip.braking_mps2(params, s.speed_mps, ay_mps2)
    return low, max((driving_n - held_n) / _effective_kg(params), low)


@kernel
def follow(params, path, sensors, state, dt_s):
    """Pedals that hold the profile: ``(throttle, brake_bar)``."""
    s = state[0]
    target, accel, slope = reference(params, path, sensors, state)
    s.target_mps = target
    ay = s.speed_mps * s.yaw_rate_radps
    held_n = resistance_n(params, s.speed_mps, slope, ay)
    low, high = _reach(params, state, held_n, ay)
    feedback = _feedback(params, state, target - s.speed_mps, low - accel, high - accel, dt_s)
    wanted = clamp(accel + feedback, low, high)
    return _pedals(params, state, held_n + _effective_kg(params) * wanted)


@kernel
def stop(params, path, sensors, state, decel_mps2):
    """Pedals that slow the car within its grip, and hold it: ``(throttle, brake_bar)``.

    A controlled stop still brakes as hard as the profile does where a corner comes up.
    """
    p, s = params[0], state[0]
    s.target_mps = 0.0
    s.integral_mps2 = 0.0
    s.braking = 1
    if s.speed_mps < STANDSTILL_MPS:
        return 0.0, p.supervisor_hold_bar
    speed, accel, slope = reference(params, path, sensors, state)
    catch_up = p.speed_kp_1ps * max(s.speed_mps - speed, 0.0)
    ay = s.speed_mps * s.yaw_rate_radps
    wanted = max(decel_mps2, -accel + catch_up)
    decel = min(wanted, PEDAL_GRIP * grip.braking_mps2(params, s.speed_mps, ay))
    closed_n, _ = engine.force_range_n(params, s.gear, s.speed_mps)
    force = resistance_n(params, s.speed_mps, slope, ay) - _effective_kg(params) * decel
    return 0.0, max(closed_n - force, 0.0) / p.brake_n_per_bar


@kernel
def update(params, path, sensors, state, dt_s):
    """``(throttle, brake_bar)`` for the supervisor's mode."""
    p, s = params[0], state[0]
    if s.mode == DRIVING:
        return follow(params, path, sensors, state, dt_s)
    if s.mode == CONTROLLED_STOP:
        return stop(params, path, sensors, state, p.supervisor_stop_decel_mps2)
    return stop(params, path, sensors, state, p.supervisor_emergency_decel_mps2)
