"""What the motors make of what they hear: each obeys its own message while it is fresh.

The steering motor holds the wheel where it is when its message falls silent, or does not
enable it; the throttle closes, and the motor on the pedal lets go, for then the emergency
circuit presses. Beneath all that the emergency circuit watches every message and the permit.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from tianyuan.control.kernels import inlined
from tianyuan.hil.actuators import emergency

# Which command message each motor obeys, in this order; -1 for none.
OBEYED: Final = ("steer_rad", "throttle", "brake_bar")
STEERS, OPENS, BRAKES = range(len(OBEYED))


def carriers(carrier: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """Command messages (3,) of the motors, out of those of all channels of COMMAND by name."""
    return np.array([carrier[names.index(name)] for name in OBEYED], np.int64)


@inlined
def fresh(received, m, limit_s, t_ns):
    """Whether a command message, once it was heard, has not been silent for longer."""
    heard_ns = received[m].t_ns
    return heard_ns == 0 or t_ns - heard_ns <= limit_s * 1e9


@inlined
def _all_fresh(received, limit_s, t_ns):
    for m in range(received.size):
        if not fresh(received, m, limit_s, t_ns):
            return False
    return True


@inlined
def _silent(received, m, limit_s, t_ns):
    """1 where the motor's own message has timed out; a motor without one waits for none."""
    return 0 if m < 0 or fresh(received, m, limit_s, t_ns) else 1


@inlined
def obey(plant, carriers, received, command, circuit, speed_mps, actuators, obeyed, t_ns):
    """Fill ``obeyed``, a COMMAND, and what the emergency circuit wants to press."""
    p, told, acted, s = plant[0], command[0], obeyed[0], actuators[0]
    acted.gear = told.gear
    s.steer_silent = _silent(received, carriers[STEERS], p.steering_timeout_s, t_ns)
    s.throttle_silent = _silent(received, carriers[OPENS], p.throttle_timeout_s, t_ns)
    s.brake_silent = _silent(received, carriers[BRAKES], p.brake_actuator_timeout_s, t_ns)
    if carriers[STEERS] >= 0 and s.steer_silent == 0:
        acted.steer_rad = told.steer_rad if told.steer_enable != 0.0 else s.motor_rad
    opens = told.throttle_enable != 0.0 and s.throttle_silent == 0
    acted.throttle = told.throttle if opens else 0.0
    brakes = told.brake_enable != 0.0 and s.brake_silent == 0
    acted.brake_bar = told.brake_bar if brakes else 0.0
    heard = _all_fresh(received, p.emergency_commands_s, t_ns)
    emergency.update(plant, circuit, heard, speed_mps, t_ns)
    blind = _silent(received, carriers[STEERS], p.emergency_blind_s, t_ns)
    steered = carriers[STEERS] >= 0 and blind == 0
    emergency.press(plant, circuit, steered, actuators, obeyed)
