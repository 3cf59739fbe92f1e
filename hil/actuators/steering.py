"""The steering: a motor on the column that moves the rack through some play.

    motor's flanks    |<-- play -->|        tyres' moment pushes the rack to one flank;
    ------------------]    rack    [---     the motor moves it by the other when it turns back

The motor's controller knows the load and its own friction, so up to its top torque it follows
as a system of second order; beyond, it falls behind.
"""

from __future__ import annotations

from tianyuan.control.kernels import kernel
from tianyuan.hil.actuators.motion import shrunk

REST_RADPS = 1e-12  # a speed below this is rest: left to decay, it would cost as a denormal
TOUCH_RAD = 1e-9  # a flank this near is touched


@kernel
def _wanted_radps(p, s, f, target_rad, dt_s):
    """Rate of the motor a step on, as its loop would have it, or as it runs away."""
    top, w = p.steering_max_radps, p.steering_bandwidth_radps
    if f.steer_runaway_radps != 0.0:
        wanted = f.steer_runaway_radps
    else:
        before = s.motor_radps
        pull = w * w * (target_rad - s.motor_rad) - 2.0 * p.steering_damping * w * before
        wanted = before + dt_s * pull
    wanted = min(top, max(-top, wanted))
    return wanted if abs(wanted) >= REST_RADPS else 0.0


@kernel
def load_nm(p, s, align_nm):
    """What the tyres turn the column with, positive to the left; none across open play."""
    half = 0.5 * p.steering_backlash_rad - TOUCH_RAD
    behind = s.steer_rad - s.motor_rad
    if (align_nm > 0.0 and behind < half) or (align_nm < 0.0 and behind > -half):
        return 0.0
    return align_nm * (1.0 - p.steering_assistance) / p.steering_ratio


@kernel
def _motor(p, s, f, target_rad, load, dt_s):
    """Turn the motor: torque asked for, torque there is, and what dry friction leaves of it."""
    wanted, before = _wanted_radps(p, s, f, target_rad, dt_s), s.motor_radps
    ratio, friction = p.steering_ratio, p.steering_friction_nm
    mass = ratio * p.steering_column_inertia_kgm2 / dt_s  # Nm for a rad/s of the road wheels
    drag = ratio * p.steering_column_damping_nms
    rubs = friction if wanted > 0.0 else -friction if wanted < 0.0 else 0.0
    asked = mass * (wanted - before) + drag * wanted - load + rubs
    most = p.steering_max_nm if f.steer_dead == 0.0 else 0.0
    s.steer_nm = min(most, max(-most, asked))
    rate = shrunk(mass * before + s.steer_nm + load, friction) / (mass + drag)
    top, stop = p.steering_max_radps, p.steering_max_rad
    rate = min(top, max(-top, rate)) if f.steer_stuck == 0.0 else 0.0
    angle = s.motor_rad + dt_s * rate
    if angle > stop or angle < -stop:
        angle = min(stop, max(-stop, angle))
        rate = 0.0
    s.motor_rad, s.motor_radps = angle, rate


@kernel
def _rack(p, s, align_nm, dt_s):
    """Move the rack: by the tyres where it has play, by the motor's flanks at its ends."""
    half, before = 0.5 * p.steering_backlash_rad, s.steer_rad
    creep = shrunk(align_nm, p.steering_rack_friction_nm) / p.steering_rack_damping_nms
    moved = before + dt_s * creep
    s.steer_rad = min(s.motor_rad + half, max(s.motor_rad - half, moved))
    s.steer_rate_radps = (s.steer_rad - before) / dt_s


@kernel
def steer(p, s, f, target_rad, align_nm, dt_s):
    """Move motor and rack one step on towards ``target_rad``.

    ``align_nm`` is the tyres' moment about the steering axes, positive to the left.
    """
    _motor(p, s, f, target_rad, load_nm(p, s, align_nm), dt_s)
    _rack(p, s, align_nm, dt_s)
