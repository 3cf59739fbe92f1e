"""All motors, one step: from the COMMAND that is obeyed to CONTROLS.

Each command first waits its delay in a ring. What is not a number leaves the command before
it in force.
"""

from __future__ import annotations

from tianyuan.control.kernels import kernel
from tianyuan.hil.actuators.brakes import brake
from tianyuan.hil.actuators.diagnosis import diagnose
from tianyuan.hil.actuators.motion import clamp, delayed, follow
from tianyuan.hil.actuators.state import RING_MASK
from tianyuan.hil.actuators.steering import steer


@kernel
def _enqueue(p, s, c):
    """Put the commands into their rings."""
    last = s.ring_head
    head = (last + 1) & RING_MASK
    stop, most = p.steering_max_rad, p.brakes_max_bar
    s.steer_ring[head] = clamp(c.steer_rad, -stop, stop, s.steer_ring[last])
    s.throttle_ring[head] = clamp(c.throttle, 0.0, 1.0, s.throttle_ring[last])
    s.brake_ring[head] = clamp(c.brake_bar, 0.0, most, s.brake_ring[last])
    s.circuit_ring[head] = min(most, s.circuit_wanted_bar)
    s.ring_head = head
    return head


@kernel
def act(plant, actuators, faults, circuit, align_nm, command, controls, dt_s):
    """Take the command in, move steering, throttle and brakes one step on, fill CONTROLS.

    ``plant``, ``actuators``, ``faults``, ``circuit``, ``command`` and ``controls`` are PLANT,
    ACTUATOR_STATE, ACTUATOR_FAULTS, CIRCUIT, COMMAND and CONTROLS, one element each;
    ``align_nm`` is what the plant gave back last.
    """
    p, s, f, out = plant[0], actuators[0], faults[0], controls[0]
    head, rate_hz = _enqueue(p, s, command[0]), 1.0 / dt_s
    target = delayed(s.steer_ring, head, p.steering_delay_s, rate_hz)
    opening = delayed(s.throttle_ring, head, p.throttle_delay_s, rate_hz)
    pressure = delayed(s.brake_ring, head, p.brake_actuator_delay_s, rate_hz)
    steer(p, s, f, target, align_nm, dt_s)
    if f.throttle_stuck == 0.0:
        s.throttle = follow(s.throttle, opening, p.throttle_lag_s, p.throttle_max_1ps, dt_s)
    brake(p, s, f, pressure, delayed(s.circuit_ring, head, p.emergency_delay_s, rate_hz), dt_s)
    diagnose(p, s, f, target, opening, pressure, circuit[0].tripped, dt_s)
    out.steer_rad, out.steer_rate_radps = s.steer_rad, s.steer_rate_radps
    out.throttle, out.gear = s.throttle, command[0].gear
    out.brake_front_bar, out.brake_rear_bar = s.brake_front_bar, s.brake_rear_bar
