"""The brakes' two circuits: the motor on the pedal, and the emergency circuit.

Each presses on its own; a shuttle valve lets the higher pressure through to the wheels.
"""

from __future__ import annotations

from tianyuan.control.kernels import kernel
from tianyuan.hil.actuators.motion import follow


@kernel
def _service(p, s, f, pressure_bar, dt_s):
    """Move the motor, and the pressure in its circuit after it."""
    lag, rate = p.brake_actuator_lag_s, p.brake_actuator_max_barps
    s.motor_bar = follow(s.motor_bar, pressure_bar, lag, rate, dt_s)
    wanted = s.motor_bar
    if f.brake_circuit_1_dead != 0.0:
        wanted = 0.0
    elif f.brake_stuck_bar > 0.0:
        wanted = min(p.brakes_max_bar, f.brake_stuck_bar)
    most = rate * dt_s
    s.service_bar += min(most, max(-most, wanted - s.service_bar))


@kernel
def brake(p, s, f, pressure_bar, circuit_bar, dt_s):
    """Move both circuits one step on towards what is wanted of each."""
    _service(p, s, f, pressure_bar, dt_s)
    if f.brake_circuit_2_dead != 0.0:
        circuit_bar = 0.0
    lag, rate = p.emergency_lag_s, p.emergency_max_barps
    s.circuit_bar = follow(s.circuit_bar, circuit_bar, lag, rate, dt_s)
    s.brake_travel = s.motor_bar / p.brakes_max_bar
    s.brake_front_bar = max(s.service_bar, s.circuit_bar)
    s.brake_rear_bar = s.brake_front_bar * p.brakes_rear_pressure_share
