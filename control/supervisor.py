"""What the car may do, and why it may no longer.

    OFF --ready conditions--> READY --go, after the dwell--> DRIVING
     ^                          |                               |
     |<------condition lost-----+          +--------------------+--------------------+
     |                                     v                                         v
     +<--standing, go released-- CONTROLLED_STOP --worse cause--> EMERGENCY_STOP ----+
     +<-----------------------------standing, go released----------------------------+

The first cause of a stop is latched until the car is disarmed; a worse one may turn a
controlled stop into an emergency stop. Nothing resumes by itself: after a stop the car must
stand, and race control must release go and give it again.
"""

from __future__ import annotations

from tianyuan.control import estimator
from tianyuan.control.kernels import kernel
from tianyuan.control.records import GROUPS, Cause, Flag, Mode, Permit

OFF = int(Mode.OFF)
READY = int(Mode.READY)
DRIVING = int(Mode.DRIVING)
CONTROLLED_STOP = int(Mode.CONTROLLED_STOP)
EMERGENCY_STOP = int(Mode.EMERGENCY_STOP)

NONE = int(Cause.NONE)
WAITING_FOR_SENSORS = int(Cause.WAITING_FOR_SENSORS)
WAITING_FOR_STANDSTILL = int(Cause.WAITING_FOR_STANDSTILL)
WAITING_FOR_CAR_ON_LINE = int(Cause.WAITING_FOR_CAR_ON_LINE)
WAITING_FOR_PERMIT = int(Cause.WAITING_FOR_PERMIT)
POSITION_LOST = int(Cause.POSITION_LOST)
VELOCITY_LOST = int(Cause.VELOCITY_LOST)
IMU_LOST = int(Cause.IMU_LOST)
WHEELS_LOST = int(Cause.WHEELS_LOST)
STEERING_LOST = int(Cause.STEERING_LOST)
BRAKE_LOST = int(Cause.BRAKE_LOST)
POWERTRAIN_LOST = int(Cause.POWERTRAIN_LOST)
RACE_CONTROL_LOST = int(Cause.RACE_CONTROL_LOST)
ESTOP_LOST = int(Cause.ESTOP_LOST)
PERMIT_LOST = int(Cause.PERMIT_LOST)
STEERING_FAULT = int(Cause.STEERING_FAULT)
BRAKE_FAULT = int(Cause.BRAKE_FAULT)
POWERTRAIN_FAULT = int(Cause.POWERTRAIN_FAULT)
OFF_LINE = int(Cause.OFF_LINE)
NOT_FINITE = int(Cause.NOT_FINITE)
OVERRUNS = int(Cause.OVERRUNS)
FLAG_STOP = int(Cause.FLAG_STOP)
CHEQUERED_FLAG = int(Cause.CHEQUERED_FLAG)
SHUTDOWN = int(Cause.SHUTDOWN)
REMOTE_ESTOP = int(Cause.REMOTE_ESTOP)
PERMIT_WITHDRAWN = int(Cause.PERMIT_WITHDRAWN)

NO_FLAG = int(Flag.NONE)
GREEN = int(Flag.GREEN)
YELLOW = int(Flag.YELLOW)
CHEQUERED = int(Flag.CHEQUERED)

PERMIT_WAITING = int(Permit.WAITING)
PERMIT_GRANTED = int(Permit.GRANTED)

POSITION = GROUPS.index("position")
VELOCITY = GROUPS.index("velocity")
IMU = GROUPS.index("imu")
WHEELS = GROUPS.index("wheels")
STEERING = GROUPS.index("steering")
BRAKE = GROUPS.index("brake")
POWERTRAIN = GROUPS.index("powertrain")
RACE = GROUPS.index("race")
ESTOP = GROUPS.index("estop")
PERMIT = GROUPS.index("permit")

STANDSTILL_MPS = 0.3
OVERRUNS_IN_A_ROW = 3


@kernel
def _stale(stamp_ns, t_ns, limit_s):
    # A stamp from the future would never grow old: time went back.
    return stamp_ns <= 0 or abs(t_ns - stamp_ns) > limit_s * 1e9


@kernel
def emergency_cause(params, sensors, state, t_ns):
    """Cause of an emergency stop, or NONE."""
    p, m, s = params[0], sensors[0], state[0]
    # Only an explicit "run" lets the car run: "error" and "not available" do not.
    if m.estop_t_ns > 0 and m.estop != 0.0:
        return REMOTE_ESTOP
    if s.bus_fault != NONE:  # before what is lost: it may be why
        return s.bus_fault
    if _stale(m.estop_t_ns, t_ns, p.stale_s[ESTOP]):
        return ESTOP_LOST
    if s.mode in (DRIVING, CONTROLLED_STOP) and abs(s.cross_track_m) > p.supervisor_off_line_m:
        return OFF_LINE
    if not estimator.finite(state):
        return NOT_FINITE
    return NONE


@kernel
def permit_cause(params, sensors, state, t_ns):
    """Cause of an emergency stop for want of the guard's permit, or NONE.

    A guard that waits has not heard us for some milliseconds, as after a stall of ours, and
    will grant again; the actuators bear that as long as the last grant is fresh. So do we, and
    for less long than they: they brake till the car stands, and we must not drive on then.
    """
    m, s = sensors[0], state[0]
    if m.permit == PERMIT_GRANTED:
        s.granted_ns = m.permit_t_ns
    elif m.permit != PERMIT_WAITING:
        return PERMIT_WITHDRAWN
    if _stale(s.granted_ns, t_ns, params[0].stale_s[PERMIT]):
        return PERMIT_LOST
    return NONE


@kernel
def lost_cause(params, sensors, t_ns):
    """Cause of a controlled stop for a group of sensors unheard, or NONE."""
    m, limits_s = sensors[0], params[0].stale_s
    if _stale(m.position_t_ns, t_ns, limits_s[POSITION]):
        return POSITION_LOST
    if _stale(m.velocity_t_ns, t_ns, limits_s[VELOCITY]):
        return VELOCITY_LOST
    if _stale(m.imu_t_ns, t_ns, limits_s[IMU]):
        return IMU_LOST
    if _stale(m.wheels_t_ns, t_ns, limits_s[WHEELS]):
        return WHEELS_LOST
    if _stale(m.steering_t_ns, t_ns, limits_s[STEERING]):
        return STEERING_LOST
    if _stale(m.brake_t_ns, t_ns, limits_s[BRAKE]):
        return BRAKE_LOST
    if _stale(m.powertrain_t_ns, t_ns, limits_s[POWERTRAIN]):
        return POWERTRAIN_LOST
    if _stale(m.race_t_ns, t_ns, limits_s[RACE]):
        return RACE_CONTROL_LOST
    return NONE


@kernel
def fault_cause(sensors):
    """Cause of a controlled stop for an actuator or a receiver that reports a fault, or NONE."""
    m = sensors[0]
    if m.gnss_quality == 0.0:
        return POSITION_LOST
    if m.gnss_heading_quality == 0.0:
        return VELOCITY_LOST
    if m.steer_fault != 0.0:
        return STEERING_FAULT
    if m.brake_fault != 0.0:
        return BRAKE_FAULT
    if m.powertrain_fault != 0.0:
        return POWERTRAIN_FAULT
    return NONE


@kernel
def order_cause(sensors, state):
    """Cause of a controlled stop that somebody ordered, or NONE."""
    s, flag = state[0], sensors[0].race_flag
    if s.shutdown != 0:
        return SHUTDOWN
    if s.overruns >= OVERRUNS_IN_A_ROW:
        return OVERRUNS
    if flag == CHEQUERED:
        return CHEQUERED_FLAG
    # A flag nobody knows is taken as the most restrictive.
    if flag not in (NO_FLAG, GREEN, YELLOW):
        return FLAG_STOP
    return NONE


@kernel
def _controlled_cause(params, sensors, state, t_ns):
    cause = lost_cause(params, sensors, t_ns)
    if cause == NONE:
        cause = fault_cause(sensors)
    if cause == NONE:
        cause = order_cause(sensors, state)
    return cause


@kernel
def _waiting_cause(params, sensors, state, t_ns):
    """What an unarmed car still waits for, or NONE."""
    p, s = params[0], state[0]
    if s.initialised == 0:
        return WAITING_FOR_SENSORS
    if s.speed_mps > STANDSTILL_MPS:
        return WAITING_FOR_STANDSTILL
    cause = emergency_cause(params, sensors, state, t_ns)
    if cause != NONE:
        return cause
    # Before the faults: an actuator without a permit reports one.
    if permit_cause(params, sensors, state, t_ns) != NONE:
        return WAITING_FOR_PERMIT
    cause = _controlled_cause(params, sensors, state, t_ns)
    if cause != NONE:
        return cause
    on_line = abs(s.cross_track_m) < p.supervisor_arm_cross_track_m
    along_line = abs(s.heading_error_rad) < p.supervisor_arm_heading_rad
    return NONE if on_line and along_line else WAITING_FOR_CAR_ON_LINE


@kernel
def _ready_long_enough(params, state, t_ns):
    return t_ns - state[0].ready_ns >= params[0].supervisor_ready_dwell_s * 1e9


@kernel
def _unarmed(params, sensors, state, t_ns):
    s = state[0]
    # Neither pressed nor released is not released: a flicker makes no new press.
    go = 0 if sensors[0].race_go == 0.0 else 1
    s.cause = _waiting_cause(params, sensors, state, t_ns)
    if s.cause != NONE:
        s.mode = OFF
    elif s.mode == OFF:
        # Go must be seen released before it counts: a restart never finds it pressed.
        if go == 0:
            s.mode, s.ready_ns = READY, t_ns
    elif sensors[0].race_go == 1.0 and s.go == 0 and _ready_long_enough(params, state, t_ns):
        s.mode = DRIVING
        s.laps = 0
    s.go = go


@kernel
def _armed(params, sensors, state, t_ns):
    s = state[0]
    cause = emergency_cause(params, sensors, state, t_ns)
    if cause == NONE:
        cause = permit_cause(params, sensors, state, t_ns)
    if cause != NONE:
        s.mode = EMERGENCY_STOP
    elif s.mode == DRIVING:
        cause = _controlled_cause(params, sensors, state, t_ns)
        if cause != NONE:
            s.mode = CONTROLLED_STOP
    if s.cause == NONE:
        s.cause = cause
    if s.mode != DRIVING and s.speed_mps < STANDSTILL_MPS and sensors[0].race_go == 0.0:
        s.mode = OFF


@kernel
def update(params, sensors, state, t_ns):
    """Advance STATE's mode and cause by one step."""
    if state[0].mode in (OFF, READY):
        _unarmed(params, sensors, state, t_ns)
    else:
        _armed(params, sensors, state, t_ns)
