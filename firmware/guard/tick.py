"""The guard's rules: who may move the car, from nothing but what is on the bus.

    WAITING --all heard, host OFF or READY--> GRANTED <--all heard again-- WAITING
                                                 |  --a message silent-->  (stalled)
                                                 |                            |
                                                 | a rule is broken           | for 200 ms
                                                 v                            |
        GRANTED <--host OFF, car stands, 1 s-- WITHDRAWN <--------------------+

The actuators move the car only while they hear the permit. It ends by itself when the guard
dies, and within a few milliseconds of the host's last word: a host that is killed or stopped
cannot keep it.
"""

from __future__ import annotations

import numpy as np

from tianyuan.control.kernels import inlined, kernel
from tianyuan.control.records import COMMAND_NAMES, Mode, Permit
from tianyuan.dbc.codec import encode
from tianyuan.firmware.guard.listen import listen
from tianyuan.firmware.guard.records import BRAKE, CHANGES, THROTTLE, GuardCause

PERIOD_NS = 10_000_000  # of the permit
TICK_NS = 2_000_000
SLACK_NS = TICK_NS // 2  # a tick that woke late must not leave the permit to the one after
LOST_NS = 200_000_000
RELEASE_NS = 1_000_000_000
PEDALS_NS = 50_000_000
STANDSTILL_MPS = 0.3
# Below these a pedal is not clearly on.
PEDAL = 0.05
PEDAL_BAR = 2.0
WAITING = int(Permit.WAITING)
GRANTED = int(Permit.GRANTED)
WITHDRAWN = int(Permit.WITHDRAWN)
OFF = int(Mode.OFF)
READY = int(Mode.READY)
EMERGENCY_STOP = int(Mode.EMERGENCY_STOP)
NONE = int(GuardCause.NONE)
WAITING_FOR_COMMANDS = int(GuardCause.WAITING_FOR_COMMANDS)
WAITING_FOR_HOST_DISARMED = int(GuardCause.WAITING_FOR_HOST_DISARMED)
HOST_STALLED = int(GuardCause.HOST_STALLED)
COMMANDS_LOST = int(GuardCause.COMMANDS_LOST)
HEARTBEAT_LOST = int(GuardCause.HEARTBEAT_LOST)
BOTH_PEDALS = int(GuardCause.BOTH_PEDALS)
HOST_EMERGENCY = int(GuardCause.HOST_EMERGENCY)
GUARD_ENDED = int(GuardCause.GUARD_ENDED)
BEATS = COMMAND_NAMES.index("mode")


@inlined
def _silent(tables, memory, t_ns):
    """A message unheard for too long, the heartbeat only if all else is heard; -1 for none."""
    found, heartbeat = -1, tables.carrier[BEATS]
    for m in range(tables.silent_ns.size):
        heard = memory.heard[m]
        unheard = heard.count == 0 or t_ns - heard.t_ns > tables.silent_ns[m]
        if unheard and (found < 0 or found == heartbeat):
            found = m
    return found


@inlined
def _lost(tables, memory, t_ns):
    """Whether a message that was heard before has been silent for longer than any stall."""
    for m in range(tables.silent_ns.size):
        if t_ns - memory.heard[m].t_ns > max(LOST_NS, tables.silent_ns[m]):
            return True
    return False


@inlined
def _stands(tables, memory, t_ns):
    """Whether every wheel is known to stand."""
    for m in range(memory.turned.size):
        if memory.turned[m].count == 0 or t_ns - memory.turned[m].t_ns > tables.wheels_ns[m]:
            return False
    for w in range(memory.wheel_mps.size):
        if not abs(memory.wheel_mps[w]) < STANDSTILL_MPS:
            return False
    return True


@inlined
def _most(tables, memory, kind):
    """The largest command of a kind, which several signals may carry."""
    most = 0.0
    for w in range(tables.watched.size):
        if tables.watched[w].kind == kind:
            most = max(most, memory.values[tables.watched[w].slot])
    return most


@inlined
def _both_pedals(tables, memory, silent, t_ns):
    """Whether throttle and brake are on together for longer than two frames can disagree."""
    c, g = memory.command[0], memory.guard[0]
    opened = c.throttle_enable != 0.0 and _most(tables, memory, THROTTLE) > PEDAL
    pressed = c.brake_enable != 0.0 and _most(tables, memory, BRAKE) > PEDAL_BAR
    if silent >= 0 or not (opened and pressed):
        g.pedals_ns = 0
        return False
    if g.pedals_ns == 0:
        g.pedals_ns = t_ns
    return t_ns - g.pedals_ns > PEDALS_NS


@inlined
def _broken(tables, memory, silent, t_ns):
    """The rule that the host breaks now, or NONE."""
    g = memory.guard[0]
    both = _both_pedals(tables, memory, silent, t_ns)
    if g.wrong != NONE:
        return g.wrong
    if both:
        return BOTH_PEDALS
    if memory.heard[tables.carrier[BEATS]].count > 0 and memory.command[0].mode == EMERGENCY_STOP:
        return HOST_EMERGENCY
    if g.stalled != 0 and _lost(tables, memory, t_ns):
        return HEARTBEAT_LOST if silent == tables.carrier[BEATS] else COMMANDS_LOST
    return NONE


@inlined
def _grant(memory):
    g = memory.guard[0]
    g.permit, g.cause, g.stalled = GRANTED, NONE, 0
    memory.books[0].grants += 1


@kernel
def withdraw(memory, cause):
    """Withdraw the permit, for good but for the release; the first cause stays."""
    g = memory.guard[0]
    g.good_ns, g.stalled = 0, 0
    if g.permit != WITHDRAWN:
        g.permit, g.cause = WITHDRAWN, cause
        memory.books[0].withdrawals += 1


@inlined
def _wait(memory, silent):
    """Without a permit yet, or with one that a silent host has lost for a moment."""
    g, mode = memory.guard[0], memory.command[0].mode
    if silent >= 0:
        g.cause = HOST_STALLED if g.stalled != 0 else WAITING_FOR_COMMANDS
    elif g.stalled != 0 or mode in (OFF, READY):
        _grant(memory)
    else:
        g.cause = WAITING_FOR_HOST_DISARMED


@inlined
def _release(tables, memory, silent, t_ns):
    """Grant again once the host has said for a second that it is off, and the car stands."""
    g = memory.guard[0]
    if silent >= 0 or memory.command[0].mode != OFF or not _stands(tables, memory, t_ns):
        g.good_ns = 0
    elif g.good_ns == 0:
        g.good_ns = t_ns
    elif t_ns - g.good_ns >= RELEASE_NS:
        _grant(memory)


@inlined
def _decide(tables, memory, t_ns):
    g = memory.guard[0]
    silent = _silent(tables, memory, t_ns)
    broken = _broken(tables, memory, silent, t_ns)
    if broken != NONE:
        withdraw(memory, broken)
    elif g.permit == WITHDRAWN:
        _release(tables, memory, silent, t_ns)
    elif g.permit == GRANTED:
        if silent >= 0:
            g.permit, g.cause, g.stalled = WAITING, HOST_STALLED, 1
            memory.books[0].stalls += 1
    else:
        _wait(memory, silent)


@kernel
def _note(memory, t_ns):
    """Keep a change of mind for whoever prints it."""
    g, books = memory.guard[0], memory.books[0]
    change = memory.changes[books.changes % CHANGES]
    change.t_ns, change.permit, change.cause = t_ns, g.permit, g.cause
    books.changes += 1
    g.sent_permit, g.sent_cause = g.permit, g.cause


@inlined
def say(tables, memory, t_ns, frames_out):
    """Make the permit's frame when it is due or has changed; returns how many frames, 0 or 1."""
    g, said = memory.guard[0], memory.said[0]
    changed = g.permit != g.sent_permit or g.cause != g.sent_cause or g.sent_ns == 0
    if not changed and t_ns - g.sent_ns < PERIOD_NS - SLACK_NS:
        return 0
    said.permit, said.cause = g.permit, g.cause
    values = memory.said.view(np.float64)
    if frames_out.size == 0 or encode(tables.permit, 0, memory.sent, values, frames_out, 0) < 0:
        return 0
    if changed:
        _note(memory, t_ns)
    frames_out[0].t_ns = t_ns
    g.sent_ns = t_ns
    memory.books[0].published += 1
    return 1


@inlined
def _note_lateness(g, t_ns):
    """How late this tick is; what is left of an earlier lateness fades as time passes."""
    gap_ns = t_ns - g.tick_ns if g.tick_ns > 0 else 0
    g.late_ns = max(g.late_ns - gap_ns, gap_ns - TICK_NS, 0)
    g.tick_ns = t_ns


@inlined
def tick(tables, memory, frames_in, n_in, t_ns, frames_out):
    """Judge the ``n_in`` frames read at ``t_ns``; returns how many frames to send, 0 or 1.

    ``tables`` and ``memory`` are those of ``tables.py``, of a car with a guard.
    """
    memory.books[0].ticks += 1
    _note_lateness(memory.guard[0], t_ns)
    listen(tables, memory, frames_in, n_in, t_ns)
    _decide(tables, memory, t_ns)
    return say(tables, memory, t_ns, frames_out)


@inlined
def end(tables, memory, t_ns, frames_out):
    """Withdraw the permit since the guard ends; returns how many frames to send, 0 or 1."""
    g = memory.guard[0]
    withdraw(memory, GUARD_ENDED)
    g.cause, g.sent_ns = GUARD_ENDED, 0
    return say(tables, memory, t_ns, frames_out)
