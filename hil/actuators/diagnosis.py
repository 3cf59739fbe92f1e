"""What the motors find out about themselves, and say in their status.

A motor whose command falls silent, or that is without permit, says Timeout; one without power
says Power; one that has not followed for a while says Blocked. One that runs away finds
nothing wrong with itself.
"""

from __future__ import annotations

from typing import Final

from tianyuan.control.kernels import kernel
from tianyuan.hil.actuators.state import Fault, Status

NONE: Final = float(Fault.NONE)
TIMEOUT: Final = float(Fault.TIMEOUT)
POWER: Final = float(Fault.POWER)
BLOCKED: Final = float(Fault.BLOCKED)
# Status of the groups that have one, by their place in GROUPS.
STEERING, BRAKE, POWERTRAIN = int(Status.STEERING), int(Status.BRAKE), int(Status.POWERTRAIN)


@kernel
def _late(before_s, error, most, dt_s):
    """For how long the error has been too large; what is no number is."""
    return 0.0 if abs(error) <= most else before_s + dt_s


@kernel
def _said(silent, powerless, late_s, limit_s):
    if silent != 0:
        return TIMEOUT
    if powerless != 0.0:
        return POWER
    return BLOCKED if late_s >= limit_s else NONE


@kernel
def diagnose(p, s, f, target_rad, opening, pressure_bar, tripped, dt_s):
    """Set the three faults; the arguments are what each motor is to follow by now."""
    error_rad = target_rad - s.motor_rad
    s.steer_late_s = _late(s.steer_late_s, error_rad, p.steering_fault_rad, dt_s)
    s.steer_fault = _said(s.steer_silent, f.steer_dead, s.steer_late_s, p.steering_fault_s)
    error = opening - s.throttle
    s.throttle_late_s = _late(s.throttle_late_s, error, p.throttle_fault_share, dt_s)
    s.powertrain_fault = _said(s.throttle_silent, 0.0, s.throttle_late_s, p.throttle_fault_s)
    error_bar = pressure_bar - s.service_bar
    s.brake_late_s = _late(s.brake_late_s, error_bar, p.brake_actuator_fault_bar, dt_s)
    silent = 1 if tripped != 0 else s.brake_silent
    s.brake_fault = _said(silent, 0.0, s.brake_late_s, p.brake_actuator_fault_s)
