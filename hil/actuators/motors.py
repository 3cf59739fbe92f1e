"""Motors that turn the wheel and press the pedals: from COMMAND to CONTROLS.

Each command first waits its delay in a ring, then is followed with a lag and a top rate
inside its range. What is not a number leaves the command before it in force.
"""

from __future__ import annotations

from tianyuan.control.kernels import kernel
from tianyuan.hil.actuators.state import RING_MASK

REST_RADPS = 1e-12  # a speed below this is rest: left to decay, it would cost as a denormal


@kernel
def clamp(value, low, high, otherwise):
    """``value`` within its range, ``otherwise`` when it is not a number."""
    if value < low:
        return low
    if value > high:
        return high
    return value if value == value else otherwise  # noqa: PLR0124 - only NaN differs from itself


@kernel
def delayed(ring, head, delay_s, dt_s):
    """What was written ``delay_s`` ago, whole steps, at most what the ring holds."""
    steps = min(int(delay_s / dt_s + 0.5), RING_MASK)
    return ring[(head - steps) & RING_MASK]


@kernel
def follow(value, target, lag_s, rate, dt_s):
    """First order towards ``target``, never faster than ``rate`` per second."""
    step = (target - value) / (lag_s + dt_s)
    return value + dt_s * min(rate, max(-rate, step))


@kernel
def steer(p, s, target_rad, align_nm, dt_s):
    """Second order towards ``target_rad``; the stops take the speed away.

    The motor holds against ``align_nm``, the tyres' moment about the steering axes.
    """
    w = p.steering_bandwidth_radps
    pull = w * w * (target_rad - s.steer_rad) - 2.0 * p.steering_damping * w * s.steer_rate_radps
    before = s.steer_rate_radps
    top, stop = p.steering_max_radps, p.steering_max_rad
    rate = min(top, max(-top, before + dt_s * pull))
    if abs(rate) < REST_RADPS:
        rate = 0.0
    angle = s.steer_rad + dt_s * rate
    if angle > stop or angle < -stop:
        angle = min(stop, max(-stop, angle))
        rate = 0.0
    s.steer_rad, s.steer_rate_radps = angle, rate
    tyres_nm = -align_nm * (1.0 - p.steering_assistance) / p.steering_ratio
    column_nm = p.steering_column_inertia_kgm2 * (rate - before) / dt_s
    column_nm += p.steering_column_damping_nms * rate
    s.steer_nm = tyres_nm + p.steering_ratio * column_nm


@kernel
def act(plant, actuators, align_nm, command, controls, dt_s):
    """Take the command in, move steering, throttle and brakes one step on, fill CONTROLS.

    ``plant``, ``actuators``, ``command`` and ``controls`` are PLANT, ACTUATOR_STATE, COMMAND
    and CONTROLS, one element each; ``align_nm`` is what the plant gave back last.
    """
    p, s, c, out = plant[0], actuators[0], command[0], controls[0]
    last = s.ring_head
    head = (last + 1) & RING_MASK
    stop, most = p.steering_max_rad, p.brakes_max_bar
    s.steer_ring[head] = clamp(c.steer_rad, -stop, stop, s.steer_ring[last])
    s.throttle_ring[head] = clamp(c.throttle, 0.0, 1.0, s.throttle_ring[last])
    s.brake_ring[head] = clamp(c.brake_bar, 0.0, most, s.brake_ring[last])
    s.ring_head = head
    steer(p, s, delayed(s.steer_ring, head, p.steering_delay_s, dt_s), align_nm, dt_s)
    opening = delayed(s.throttle_ring, head, p.throttle_delay_s, dt_s)
    s.throttle = follow(s.throttle, opening, p.throttle_lag_s, p.throttle_max_1ps, dt_s)
    pressure = delayed(s.brake_ring, head, p.brake_actuator_delay_s, dt_s)
    lag, rate = p.brake_actuator_lag_s, p.brake_actuator_max_barps
    s.brake_front_bar = follow(s.brake_front_bar, pressure, lag, rate, dt_s)
    s.brake_rear_bar = s.brake_front_bar * p.brakes_rear_pressure_share
    out.steer_rad, out.steer_rate_radps = s.steer_rad, s.steer_rate_radps
    out.throttle, out.gear = s.throttle, c.gear
    out.brake_front_bar, out.brake_rear_bar = s.brake_front_bar, s.brake_rear_bar
