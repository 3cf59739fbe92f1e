"""The two wheels of an axle: what spins them, what holds them, and the differential between.

Mean and half the difference of the two speeds are independent: the drive turns the mean,
with the engine's inertia J, the differential's friction works on the difference. In

    left  = mean + spread        2 I + J on the mean
    right = mean - spread        2 I     on the spread

an impulse at one wheel moves it by ``own`` and the other by ``cross``. Friction of brakes
and differential is dry: each step it takes what stops the motion, and no more than it can.
"""

from __future__ import annotations

from tianyuan.control.kernels import kernel


@kernel
def sign(value):
    """1 or -1."""
    return -1.0 if value < 0.0 else 1.0


@kernel
def _both_slide(left, right, left_way, right_way, left_most, right_most, own, cross):
    """Speeds under both whole impulses, and whether each wheel goes the way that it would."""
    pull_left, pull_right = left_way * left_most, right_way * right_most
    after_left = left - own * pull_left - cross * pull_right
    after_right = right - own * pull_right - cross * pull_left
    return after_left, after_right, after_left * left_way >= 0.0 and after_right * right_way >= 0.0


@kernel
def _one_slides(sliding, held, way, most, held_most, own, cross):
    """Speed of a wheel under its whole impulse beside one that stands, and whether that can be."""
    need = (held - cross * way * most) / own
    after = sliding - own * way * most - cross * need
    return after, abs(need) <= held_most and after * way >= 0.0


@kernel
def hold(left, right, left_most, right_most, own, cross):
    """Speeds after dry friction whose impulses are at most ``left_most`` and ``right_most``.

    The one solution of both wheels' conditions: a wheel that turns has the whole impulse
    against it, one that stands has what keeps it standing. The likely cases come first.
    """
    a, b = sign(left), sign(right)
    one, other, so = _both_slide(left, right, a, b, left_most, right_most, own, cross)
    if so:
        return one, other
    scale = 1.0 / (own * own - cross * cross)
    need_left = scale * (own * left - cross * right)
    need_right = scale * (own * right - cross * left)
    if abs(need_left) <= left_most and abs(need_right) <= right_most:
        return 0.0, 0.0
    for way in (1.0, -1.0):
        one, so = _one_slides(left, right, way * a, left_most, right_most, own, cross)
        if so:
            return one, 0.0
        other, so = _one_slides(right, left, way * b, right_most, left_most, own, cross)
        if so:
            return 0.0, other
    for way in (1.0, -1.0):
        one, other, so = _both_slide(
            left, right, way * a, -way * b, left_most, right_most, own, cross
        )
        if so:
            return one, other
    return 0.0, 0.0


@kernel
def spin(
    left_radps, right_radps, drive_nm, left_tyre_nm, right_tyre_nm, left_held_nm, right_held_nm,
    lock_nm, wheel_kgm2, engine_kgm2, dt_s,
):  # fmt: skip
    """Speeds (left, right) one step on.

    ``drive_nm`` and ``engine_kgm2`` turn the differential's cage; the tyres' torques are
    against the wheels; brakes and rolling resistance hold with at most ``left_held_nm`` and
    ``right_held_nm``; up to ``lock_nm`` goes over from the faster wheel to the slower.
    """
    both = dt_s / (2.0 * wheel_kgm2 + engine_kgm2)
    each = dt_s / (2.0 * wheel_kgm2)
    mean = 0.5 * (left_radps + right_radps) + both * (drive_nm - (left_tyre_nm + right_tyre_nm))
    spread = 0.5 * (left_radps - right_radps) - each * (left_tyre_nm - right_tyre_nm)
    left, right = hold(
        mean + spread, mean - spread, left_held_nm, right_held_nm, both + each, both - each
    )
    spread = 0.5 * (left - right)
    mean = 0.5 * (left + right)
    spread -= sign(spread) * min(abs(spread), each * lock_nm)
    return mean + spread, mean - spread


@kernel
def lock(preload_nm, drive_lock, coast_lock, drive_nm):
    """Torque in Nm that the differential can hold between its wheels under ``drive_nm``."""
    return preload_nm + (drive_lock * drive_nm if drive_nm > 0.0 else -coast_lock * drive_nm)
