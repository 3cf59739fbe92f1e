"""The last gate: every command finite, within its range and within its slew, whatever came in.

Nothing touches a command after this. A value that is not finite becomes the defined safe
one, never the last one: steering along the line, throttle closed, brake on.
"""

from __future__ import annotations

import math

from tianyuan.control.geometry import approach, clamp
from tianyuan.control.kernels import kernel
from tianyuan.control.records import Mission, Mode

OFF = int(Mode.OFF)
READY = int(Mode.READY)
DRIVING = int(Mode.DRIVING)
EMERGENCY_STOP = int(Mode.EMERGENCY_STOP)
NO_MISSION = int(Mission.NONE)
SELECTED = int(Mission.SELECTED)
RUNNING = int(Mission.RUNNING)
FINISHED = int(Mission.FINISHED)
# A car's controller may take 10 rpm of a small wheel, 0.27 m/s, for motion.
STOPPED_MPS = 0.2


@kernel
def _steering(params, state, steer_rad, line_rad, dt_s):
    p = params[0]
    wanted = steer_rad if math.isfinite(steer_rad) else line_rad
    if not math.isfinite(wanted):
        wanted = 0.0
    wanted = clamp(wanted, -p.limits_steer_rad, p.limits_steer_rad)
    return approach(state[0].steer_rad, wanted, p.limits_steer_rate_radps * dt_s)


@kernel
def _pedals(params, state, throttle, brake_bar, dt_s):
    p, s = params[0], state[0]
    if not math.isfinite(throttle + brake_bar):
        throttle, brake_bar = 0.0, p.supervisor_hold_bar
    # Opening and pressing have a slew; letting go never waits.
    most = min(1.0, s.throttle + p.limits_throttle_rate_1ps * dt_s)
    hardest = min(p.limits_brake_bar, s.brake_bar + p.limits_brake_rate_barps * dt_s)
    # Whoever asks for the brake gets no throttle, even where the slew leaves no brake yet.
    throttle = 0.0 if brake_bar > 0.0 else clamp(throttle, 0.0, most)
    return throttle, clamp(brake_bar, 0.0, hardest)


@kernel
def _mission(state):
    s = state[0]
    if s.mode == OFF:
        return NO_MISSION
    if s.mode == READY:
        return SELECTED
    stopped = s.mode != DRIVING and s.speed_mps < STOPPED_MPS
    return FINISHED if stopped else RUNNING


@kernel
def update(params, state, command, steer_rad, line_rad, throttle, brake_bar, dt_s):
    """Write COMMAND, and into STATE what was commanded, for the next step's slew.

    ``line_rad`` is the feed-forward steering of the line, used where ``steer_rad`` is not
    finite.
    """
    s, c = state[0], command[0]
    s.steer_rad = _steering(params, state, steer_rad, line_rad, dt_s)
    s.throttle, s.brake_bar = _pedals(params, state, throttle, brake_bar, dt_s)
    c.steer_rad = s.steer_rad
    c.throttle = s.throttle
    c.brake_bar = s.brake_bar
    c.gear = s.gear
    # A car that is off leaves wheel and throttle to whoever sits in it, and keeps the brake.
    c.steer_enable = c.throttle_enable = 0.0 if s.mode == OFF else 1.0
    c.brake_enable = 1.0
    c.mode = s.mode
    c.cause = s.cause
    c.mission = _mission(state)
    c.estop = 1.0 if s.mode == EMERGENCY_STOP else 0.0
