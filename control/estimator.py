"""Where the car is and how it moves: dead reckoning, corrected by what satellites say.

Between positions the pose runs on the gyroscope, the accelerometer and the speed. A
position or heading is compared with the pose of the instant it was valid for, so that its
delay is no error at 70 m/s. Sideslip comes from the slip tables: too small a motion to
measure with one antenna pair, too large to leave out (a degree at 50 m/s is 0.9 m/s
sideways).

Where the gyroscope and accelerometer fall silent, their last values would turn the car off
the track while it is being stopped. Alpha-beta filters on the headings and speeds that still
come then give yaw rate and acceleration, and the steering angle through the slip tables what
the yaw rate tends to. The wheels' differences do not: in a braked bend the inner wheels, which
bear less, slip by more than the bend makes.
"""

from __future__ import annotations

import math

from tianyuan.control import slip
from tianyuan.control.geometry import clamp, wrap
from tianyuan.control.kernels import kernel

LONGEST_STEP_S = 0.1
SLOW_MPS = 1.0  # below this the slip tables say nothing
SILENT_NS = 25_000_000  # some missed IMU frames
# Critically damped, at the 10 ms of a satellite receiver: alpha^2 = beta (2 - alpha).
ALPHA = 0.3
BETA = 0.053
SHORTEST_S = 0.005
TURNING_S = 0.3  # towards the yaw rate that the steering angle makes: slower than the headings
STEEPEST_RAD = 1.0


@kernel
def _antenna(params, x_m, y_m, heading_rad):
    p = params[0]
    c, s = math.cos(heading_rad), math.sin(heading_rad)
    return (
        x_m + c * p.antenna_x_m - s * p.antenna_y_m,
        y_m + s * p.antenna_x_m + c * p.antenna_y_m,
    )


@kernel
def _start(params, sensors, state):
    m, s = sensors[0], state[0]
    s.heading_rad = wrap(m.gnss_heading_rad)
    x_m, y_m = _antenna(params, 0.0, 0.0, s.heading_rad)
    s.x_m = m.gnss_x_m - x_m
    s.y_m = m.gnss_y_m - y_m
    s.speed_mps = m.gnss_speed_mps
    s.yaw_rate_radps, s.ax_mps2, s.ay_mps2 = m.imu_yaw_rate_radps, m.imu_ax_mps2, m.imu_ay_mps2
    s.lateral_mps = s.yaw_bias_radps = 0.0
    s.position_seen_ns = m.position_t_ns
    s.velocity_seen_ns = m.velocity_t_ns
    s.initialised = 1


@kernel
def _turning_radps(params, sensors, state):
    """Yaw rate of a steady bend at the measured steering angle and the present slip angles."""
    p, s = params[0], state[0]
    angle = sensors[0].steer_rad
    if s.speed_mps > SLOW_MPS:
        ay = s.yaw_rate_radps * s.speed_mps
        angle -= slip.front(params, s.speed_mps, ay, s.ax_mps2)
        angle += slip.rear(params, s.speed_mps, ay, s.ax_mps2)
    return s.speed_mps * math.tan(clamp(angle, -STEEPEST_RAD, STEEPEST_RAD)) / p.wheelbase_m


@kernel
def _predict(params, sensors, state, dt_s, silent):
    m, s = sensors[0], state[0]
    if silent:
        turning = _turning_radps(params, sensors, state)
        s.yaw_rate_radps += (turning - s.yaw_rate_radps) * min(dt_s / TURNING_S, 1.0)
        s.ay_mps2 = s.yaw_rate_radps * s.speed_mps
    else:
        s.yaw_rate_radps = m.imu_yaw_rate_radps - s.yaw_bias_radps
        s.ax_mps2 = m.imu_ax_mps2
        s.ay_mps2 = m.imu_ay_mps2
    middle = wrap(s.heading_rad + 0.5 * s.yaw_rate_radps * dt_s)
    c, sn = math.cos(middle), math.sin(middle)
    s.x_m += (c * s.speed_mps - sn * s.lateral_mps) * dt_s
    s.y_m += (sn * s.speed_mps + c * s.lateral_mps) * dt_s
    s.heading_rad = wrap(s.heading_rad + s.yaw_rate_radps * dt_s)
    s.speed_mps = max(s.speed_mps + (s.ax_mps2 + s.yaw_rate_radps * s.lateral_mps) * dt_s, 0.0)
    s.lateral_mps = _lateral_speed(params, s.speed_mps, s.yaw_rate_radps, s.ax_mps2)


@kernel
def _lateral_speed(params, speed_mps, yaw_rate_radps, ax_mps2):
    if speed_mps < SLOW_MPS:
        return 0.0
    return slip.sideways_mps(params, speed_mps, yaw_rate_radps, ax_mps2)


@kernel
def _correct_position(params, sensors, state):
    p, m, s = params[0], sensors[0], state[0]
    delay_s = p.estimator_gnss_delay_s
    then = s.heading_rad - s.yaw_rate_radps * delay_s
    middle = s.heading_rad - 0.5 * s.yaw_rate_radps * delay_s
    c, sn = math.cos(middle), math.sin(middle)
    back_x = (c * s.speed_mps - sn * s.lateral_mps) * delay_s
    back_y = (sn * s.speed_mps + c * s.lateral_mps) * delay_s
    x_m, y_m = _antenna(params, s.x_m - back_x, s.y_m - back_y, then)
    s.x_m += p.estimator_position_gain * (m.gnss_x_m - x_m)
    s.y_m += p.estimator_position_gain * (m.gnss_y_m - y_m)
    s.position_seen_ns = m.position_t_ns


@kernel
def _correct_velocity(params, sensors, state, silent):
    p, m, s = params[0], sensors[0], state[0]
    delay_s = p.estimator_gnss_delay_s
    then = s.heading_rad - s.yaw_rate_radps * delay_s
    innovation = wrap(m.gnss_heading_rad - then) if m.gnss_heading_quality != 0.0 else 0.0
    elapsed_s = clamp((m.velocity_t_ns - s.velocity_seen_ns) * 1e-9, 0.0, LONGEST_STEP_S)
    forward = s.speed_mps - (s.ax_mps2 + s.yaw_rate_radps * s.lateral_mps) * delay_s
    # The receiver gives the speed over ground of its antenna, sideways motion included.
    sideways = s.lateral_mps + s.yaw_rate_radps * p.antenna_x_m
    predicted = math.hypot(forward - s.yaw_rate_radps * p.antenna_y_m, sideways)
    surplus = m.gnss_speed_mps - predicted
    heading_gain, speed_gain = p.estimator_heading_gain, p.estimator_speed_gain
    if silent:
        heading_gain = speed_gain = ALPHA
        beta_1ps = BETA / max(elapsed_s, SHORTEST_S)
        s.ax_mps2 += beta_1ps * surplus
        s.yaw_rate_radps += beta_1ps * innovation
    else:
        s.yaw_bias_radps -= p.estimator_bias_gain_1ps * innovation * elapsed_s
    s.heading_rad = wrap(s.heading_rad + heading_gain * innovation)
    s.speed_mps = max(s.speed_mps + speed_gain * surplus, 0.0)
    s.velocity_seen_ns = m.velocity_t_ns


@kernel
def finite(state):
    """Whether the estimate is numbers: one that is not stays so, whatever is measured."""
    s = state[0]
    return math.isfinite(s.x_m + s.y_m + s.heading_rad + s.speed_mps + s.yaw_bias_radps)


@kernel
def update(params, sensors, state, t_ns):
    """Advance STATE's pose to ``t_ns`` and take up every measurement not yet seen.

    A position or heading that its receiver disowns, by a quality of 0, is no measurement.
    An estimate that was lost to a number that is none starts again, so that the emergency
    stop that this caused runs along the line.
    """
    m, s = sensors[0], state[0]
    if s.initialised == 0 or not finite(state):
        seen = m.position_t_ns > 0 and m.velocity_t_ns > 0 and m.imu_t_ns > 0
        if seen and m.gnss_quality != 0.0 and m.gnss_heading_quality != 0.0:
            _start(params, sensors, state)
        return
    dt_s = clamp((t_ns - s.t_ns) * 1e-9, 0.0, LONGEST_STEP_S)
    silent = t_ns - m.imu_t_ns > SILENT_NS
    _predict(params, sensors, state, dt_s, silent)
    if m.position_t_ns != s.position_seen_ns and m.gnss_quality != 0.0:
        _correct_position(params, sensors, state)
    if m.velocity_t_ns != s.velocity_seen_ns:
        _correct_velocity(params, sensors, state, silent)
