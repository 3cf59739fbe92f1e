"""The guard listens: what the host commands, checked frame by frame against the car's limits."""

from __future__ import annotations

from tianyuan.control.kernels import inlined, kernel
from tianyuan.dbc.codec import Status, decode
from tianyuan.firmware.guard.records import STEERING, THROTTLE, GuardCause
from tianyuan.firmware.guard.slew import AHEAD_S, spend

BAD_IN_A_ROW = 3
NONE = int(GuardCause.NONE)
PROTECTION_FAILED = int(GuardCause.PROTECTION_FAILED)
NOT_FINITE = int(GuardCause.NOT_FINITE)
STEERING_RANGE = int(GuardCause.STEERING_RANGE)
STEERING_SLEW = int(GuardCause.STEERING_SLEW)
THROTTLE_RANGE = int(GuardCause.THROTTLE_RANGE)
THROTTLE_SLEW = int(GuardCause.THROTTLE_SLEW)
BRAKE_RANGE = int(GuardCause.BRAKE_RANGE)
BRAKE_SLEW = int(GuardCause.BRAKE_SLEW)
WRONG_LENGTH = int(Status.WRONG_LENGTH)
WRONG_CRC = int(Status.WRONG_CRC)
REPEATED = int(Status.REPEATED)
WRONG_SEQUENCE = int(Status.WRONG_SEQUENCE)
NOT_FINITE_FRAME = int(Status.NOT_FINITE)


@inlined
def _object(memory, cause):
    """Take note of a fault in the frames of this tick; the first one counts."""
    if memory.guard[0].wrong == NONE:
        memory.guard[0].wrong = cause


@inlined
def _too_fast(tables, memory, w, value, moved, rate, t_ns):
    """Whether a command that ``moved`` since its last frame did so faster than its rate allows.

    Where the guard itself woke late it stamped frames as new that were old, and those of one batch
    share what the wait for them earned.
    """
    most_s = AHEAD_S + memory.guard[0].late_ns * 1e-9
    silent_ns = tables.silent_ns[tables.watched[w].message]
    return spend(memory.slew[w], value, moved, rate, most_s, silent_ns, t_ns)


@inlined
def _check_steering(tables, memory, w, steer_rad, t_ns):
    c, limits = memory.command[0], tables.limits[0]
    moved = abs(steer_rad - memory.slew[w].value) - limits.steer_step_rad
    too_fast = _too_fast(tables, memory, w, steer_rad, moved, limits.steer_rate_radps, t_ns)
    if abs(steer_rad) > limits.steer_rad + limits.steer_step_rad:
        _object(memory, STEERING_RANGE)
    elif too_fast and c.steer_enable != 0.0:
        _object(memory, STEERING_SLEW)


@inlined
def _check_throttle(tables, memory, w, throttle, t_ns):
    c, limits = memory.command[0], tables.limits[0]
    moved = throttle - memory.slew[w].value - limits.throttle_step
    too_fast = _too_fast(tables, memory, w, throttle, moved, limits.throttle_rate_1ps, t_ns)
    if not -limits.throttle_step <= throttle <= 1.0 + limits.throttle_step:
        _object(memory, THROTTLE_RANGE)
    elif too_fast and c.throttle_enable != 0.0:
        _object(memory, THROTTLE_SLEW)


@inlined
def _check_brake(tables, memory, w, brake_bar, t_ns):
    c, limits = memory.command[0], tables.limits[0]
    moved = brake_bar - memory.slew[w].value - limits.brake_step_bar
    too_fast = _too_fast(tables, memory, w, brake_bar, moved, limits.brake_rate_barps, t_ns)
    if not -limits.brake_step_bar <= brake_bar <= limits.brake_bar + limits.brake_step_bar:
        _object(memory, BRAKE_RANGE)
    elif too_fast and c.brake_enable != 0.0:
        _object(memory, BRAKE_SLEW)


@inlined
def _take(tables, memory, m, t_ns):
    """Check what a good frame of message ``m`` commands."""
    memory.bad[m] = memory.spoilt[m] = 0
    for w in range(tables.watched.size):
        watched = tables.watched[w]
        if watched.message != m:
            continue
        value = memory.values[watched.slot]
        if watched.kind == STEERING:
            _check_steering(tables, memory, w, value, t_ns)
        elif watched.kind == THROTTLE:
            _check_throttle(tables, memory, w, value, t_ns)
        else:
            _check_brake(tables, memory, w, value, t_ns)


@inlined
def _count(books, status):
    if status == WRONG_CRC:
        books.wrong_crc += 1
    elif status in (REPEATED, WRONG_SEQUENCE):
        books.wrong_counter += 1
    elif status == WRONG_LENGTH:
        books.wrong_length += 1
    elif status == NOT_FINITE_FRAME:
        books.not_finite += 1


@kernel
def _refuse(memory, status):
    """Count a bad frame of the host's against the message it claims to be."""
    _count(memory.books[0], status)
    if status == NOT_FINITE_FRAME:
        _object(memory, NOT_FINITE)
    for m in range(memory.heard.size):
        if memory.heard[m].errors == memory.errors[m]:
            continue
        memory.errors[m] = memory.heard[m].errors
        # After a frame spoilt on its way the counter jumps once, through no fault of the host.
        if status != WRONG_SEQUENCE or memory.spoilt[m] == 0:
            memory.bad[m] += 1
        memory.spoilt[m] = int(status in (WRONG_CRC, WRONG_LENGTH))
        if memory.bad[m] >= BAD_IN_A_ROW:
            _object(memory, PROTECTION_FAILED)


@inlined
def listen(tables, memory, frames_in, n_in, t_ns):
    """Take the host's commands and the wheels' speeds off the bus."""
    memory.guard[0].wrong = NONE
    memory.books[0].frames += n_in
    for i in range(n_in):
        m = decode(tables.commands, frames_in, i, memory.heard, memory.values)
        if m >= 0:
            _take(tables, memory, m, t_ns)
        elif m <= WRONG_LENGTH:
            _refuse(memory, m)
        else:
            decode(tables.wheels, frames_in, i, memory.turned, memory.wheel_mps)
