"""Faults of the host in virtual time: ticks that it misses, and what its loop says of them.

As ``firmware/loop.py`` does it: a tick that ends after the next one's deadline is an overrun,
the ticks missed meanwhile are skipped, and the next one hears of it.
"""

from __future__ import annotations

from tianyuan.control.kernels import kernel
from tianyuan.control.records import Mode
from tianyuan.firmware.loop import STANDSTILL_MPS
from tianyuan.hil.faults.active import finish
from tianyuan.hil.faults.records import Effect

STALL = int(Effect.STALL)
OVERRUN = int(Effect.OVERRUN)
TERMINATE = int(Effect.TERMINATE)
DRIVING = int(Mode.DRIVING)


@kernel
def _stalled(faults, state):
    for r in range(faults.size):
        if faults[r].effect == STALL and state[r].active != 0:
            state[r].count += 1
            return True
    return False


@kernel
def _overruns(faults, state, t_ns):
    """Whether the tick that begins now will take too long."""
    for r in range(faults.size):
        row, s = faults[r], state[r]
        if row.effect == OVERRUN and s.active != 0:
            s.count += 1
            if s.count >= row.count:
                finish(s, t_ns)
            return True
    return False


@kernel
def _terminated(faults, state):
    for r in range(faults.size):
        if faults[r].effect == TERMINATE and state[r].active != 0:
            state[r].count += 1
            return True
    return False


@kernel
def ticks(faults, state, own, host, driver, t_ns):
    """Whether the host ticks in this period of its own; tells it what its loop would.

    ``own`` is HOST_FAULTS, ``host`` and ``driver`` are HOST and STATE of the host's memory.
    A host that was asked to end does, once the car stands.
    """
    f, h = own[0], host[0]
    if f.ended != 0:
        return False
    if _stalled(faults, state):
        f.late += 1
        return False
    if f.skip != 0:
        f.skip = 0
        return False
    h.overruns_in_a_row = f.in_a_row
    f.skip = 1 if _overruns(faults, state, t_ns) else 0
    missed = f.late + f.skip
    f.in_a_row = min(f.in_a_row + 1, 255) if missed > 0 else 0
    h.overruns += missed
    f.late = 0
    if _terminated(faults, state):
        if h.shutdown != 0.0 and (driver[0].mode < DRIVING or driver[0].speed_mps < STANDSTILL_MPS):
            f.ended = 1
            return False
        h.shutdown = 1.0
    return True
