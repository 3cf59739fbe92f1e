"""Engine, clutch and gearbox: torque at the driven axles, and the inertia that goes with it.

The clutch is locked above the launch speed and slips below it, passing on what the engine
gives at its own speed, as a launch control or a torque converter does: the engine never
stalls. While shifting, and in neutral, it is open. A motor whose launch speed is zero has no
clutch: it is locked at every speed forward.
"""

from __future__ import annotations

from tianyuan.control.kernels import kernel

LIMITER_BAND_RADPS = 15.0  # full torque to none over this, below the limit


@kernel
def engine_torque(p, engine_radps, throttle):
    """Torque in Nm: a blend of drag and full load by the throttle, cut at the limiter.

    A throttle that asks for more than full load gives full load.
    """
    place = max(0.0, engine_radps) / p.engine_step_radps
    low = min(int(place), p.engine_torque_nm.shape[0] - 2)
    part = min(place - low, 1.0)
    full, drag = p.engine_torque_nm, p.engine_drag_nm
    full_nm = full[low] + part * (full[low + 1] - full[low])
    drag_nm = drag[low] + part * (drag[low + 1] - drag[low])
    room = (p.engine_limit_radps - engine_radps) / LIMITER_BAND_RADPS
    span_nm = full_nm + drag_nm
    asked_nm = min(throttle * (max(full_nm, p.engine_request_nm) + drag_nm), span_nm)
    return asked_nm * min(1.0, max(0.0, room)) - drag_nm


@kernel
def shift(p, s, wanted, axle_radps, dt_s):
    """Advance the shift under way, or begin the one that is wanted.

    A gear that is not there, or would take the engine past its limit, is not engaged.
    """
    if s.shift_s > 0.0:
        s.shift_s -= dt_s
        if s.shift_s <= 0.5 * dt_s:
            s.shift_s = 0.0
            s.gear = s.gear_target
        return
    if not -0.5 < wanted < p.gearbox_overall.shape[0] - 0.5:
        return
    gear = int(wanted + 0.5)
    overall = p.gearbox_overall[gear]
    absent = gear > 0 and overall <= 0.0
    if gear == int(s.gear) or absent or axle_radps * overall > p.engine_limit_radps:
        return
    s.gear_target = gear
    s.shift_s = p.gearbox_shift_s
    if s.shift_s <= 0.0:
        s.gear = s.gear_target


@kernel
def _rev(p, s, target_radps, dt_s):
    """Let the engine's speed approach ``target_radps``; the torque that this takes in Nm."""
    rate = (target_radps - s.engine_radps) / (p.gearbox_clutch_lag_s + dt_s)
    s.engine_radps += rate * dt_s
    return p.engine_inertia_kgm2 * rate


@kernel
def _turn_free(p, s, throttle, axle_radps, dt_s):
    """Clutch open: rev with the throttle in neutral, match the coming gear in a shift."""
    idle, limit = p.engine_idle_radps, p.engine_limit_radps
    target = idle + throttle * (limit - idle)
    if s.shift_s > 0.0:
        target = min(limit, max(idle, axle_radps * p.gearbox_overall[int(s.gear_target)]))
    s.engine_nm = _rev(p, s, target, dt_s)
    s.clutch_nm = 0.0


@kernel
def _slip(p, s, throttle, launch_radps, dt_s):
    """Clutch slipping: it passes on what the engine has left after its own speed.

    Below that the engine's governor keeps the engine running and the clutch lets go.
    """
    given_nm = engine_torque(p, s.engine_radps, throttle)
    own_nm = _rev(p, s, launch_radps, dt_s)
    s.engine_nm = max(given_nm, own_nm)
    s.clutch_nm = s.engine_nm - own_nm


@kernel
def drive(p, s, throttle, axle_radps, dt_s):
    """Torque in Nm at the driven axles together, and the engine's inertia in kg*m^2 there."""
    overall = p.gearbox_overall[int(s.gear)]
    if s.shift_s > 0.0 or overall <= 0.0:
        _turn_free(p, s, throttle, axle_radps, dt_s)
        return 0.0, 0.0
    clutch_radps = axle_radps * overall
    idle = p.engine_idle_radps
    launch = idle + throttle * (p.engine_launch_radps - idle)
    if clutch_radps < launch:
        _slip(p, s, throttle, launch, dt_s)
        return s.clutch_nm * overall * p.gearbox_efficiency, 0.0
    s.engine_radps = clutch_radps
    s.engine_nm = engine_torque(p, clutch_radps, throttle)
    s.clutch_nm = s.engine_nm
    inertia = p.engine_inertia_kgm2 * overall * overall
    if s.engine_nm < 0.0:
        return s.engine_nm * overall / p.gearbox_efficiency, inertia
    return s.engine_nm * overall * p.gearbox_efficiency, inertia
