"""What the actuators say of themselves: positions, pressures, engine, and their faults."""

from __future__ import annotations

from typing import Final

from tianyuan.control.kernels import kernel
from tianyuan.hil.noise import gauss, pair
from tianyuan.hil.sensors import channels
from tianyuan.hil.sensors.history import recall, taken_ns

_ANGLE: Final = channels.noise("steering_angle")
_RATE: Final = channels.noise("steering_rate")
_BRAKE: Final = channels.noise("brake")
_ENGINE: Final = channels.noise("engine")
_STEERING_AGE: Final = channels.noise("steering_age")
_BRAKE_AGE: Final = channels.noise("brake_age")
_POWERTRAIN_AGE: Final = channels.noise("powertrain_age")


@kernel
def steering(k, history, sensing, seed, out, t_ns):
    """The motor's own angle, rate and torque: what lies behind its play, it does not see."""
    then_ns = taken_ns(seed, _STEERING_AGE, k.steering_latency_s, k.steering_jitter_s, t_ns)
    i, h = recall(history, then_ns), history[0]
    angle, torque = pair(seed, _ANGLE, t_ns)
    offset = sensing[0].steering_offset_rad
    out.steer_rad = h.steer_rad[i] + offset + k.steering_angle_rad * angle
    rate = h.steer_rate_radps[i]
    out.steer_rate_radps = rate + k.steering_rate_radps * gauss(seed, _RATE, t_ns)
    out.steer_torque_nm = h.steer_nm[i] + k.steering_torque_nm * torque
    out.steer_fault = min(k.fault_codes, h.steer_fault[i])


@kernel
def brake(k, history, sensing, seed, out, t_ns):
    """The pedal's travel, and the pressures of both circuits, never negative."""
    then_ns = taken_ns(seed, _BRAKE_AGE, k.brake_latency_s, k.brake_jitter_s, t_ns)
    i, h, m = recall(history, then_ns), history[0], sensing[0]
    front, rear = pair(seed, _BRAKE, t_ns)
    out.brake_travel = h.brake_travel[i]
    front_bar = h.brake_front_bar[i] + m.front_offset_bar
    rear_bar = h.brake_rear_bar[i] + m.rear_offset_bar
    out.brake_front_bar = max(0.0, front_bar + k.brake_bar * front)
    out.brake_rear_bar = max(0.0, rear_bar + k.brake_bar * rear)
    out.brake_fault = min(k.fault_codes, h.brake_fault[i])


@kernel
def powertrain(k, history, seed, out, t_ns):
    """Throttle, gear and engine speed, never negative."""
    then_ns = taken_ns(seed, _POWERTRAIN_AGE, k.powertrain_latency_s, k.powertrain_jitter_s, t_ns)
    i, h = recall(history, then_ns), history[0]
    engine = h.engine_radps[i] + k.powertrain_engine_radps * gauss(seed, _ENGINE, t_ns)
    out.throttle, out.gear, out.engine_speed_radps = h.throttle[i], h.gear[i], max(0.0, engine)
    out.powertrain_fault = min(k.fault_codes, h.powertrain_fault[i])
