"""One step of the driver, in the order in which it thinks.

estimator -> path projection -> supervisor -> lateral law -> speed law -> limits
"""

from __future__ import annotations

from tianyuan.control import (
    estimator,
    gearbox,
    lateral,
    limits,
    projection,
    slip,
    speed,
    supervisor,
)
from tianyuan.control.kernels import kernel
from tianyuan.control.records import Mode

OFF = int(Mode.OFF)
READY = int(Mode.READY)
LONGEST_STEP_S = 0.02  # a step after a stall: no command jumps for the time that was lost


@kernel
def step(params, path, t_ns, sensors, state, command):
    """Read SENSORS, advance STATE to the instant ``t_ns``, write COMMAND."""
    s = state[0]
    dt_s = min(max((t_ns - s.t_ns) * 1e-9, 0.0), LONGEST_STEP_S) if s.t_ns > 0 else 0.0
    estimator.update(params, sensors, state, t_ns)
    if s.initialised != 0:
        if s.mode in (OFF, READY):
            projection.scan(path, state)
        projection.update(params, path, state)
    supervisor.update(params, sensors, state, t_ns)
    line_rad = slip.steering(params, s.speed_mps, s.curvature_1pm, s.ax_mps2)
    if s.mode in (OFF, READY):
        # The wheel stays where it is and the brake holds: no motor works at a standing car.
        steer_rad, throttle, brake_bar = sensors[0].steer_rad, 0.0, params[0].supervisor_hold_bar
        s.integral_mps2 = 0.0
    else:
        steer_rad = lateral.update(params, path, sensors, state)
        throttle, brake_bar = speed.update(params, path, sensors, state, dt_s)
    gearbox.update(params, state, t_ns)
    limits.update(params, state, command, steer_rad, line_rad, throttle, brake_bar, dt_s)
    s.t_ns = t_ns
