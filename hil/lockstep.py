"""Host, guard and rig in virtual time: as fast as the machine goes, and the same every time.

Each millisecond the rig advances; each period of the host its tick takes the frames that
have come since; the guard's tick follows, on what both have sent. What host and guard say
reaches the rig in the millisecond after, and each other at their next ticks.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from tianyuan.control.kernels import inlined, kernel, unlocked
from tianyuan.dbc.frame import FRAME
from tianyuan.firmware.guard import tick as guard
from tianyuan.firmware.tick import for_the_car, tick
from tianyuan.hil import rig
from tianyuan.hil.faults import inject

QUEUE: Final = 256
GUARD_EVERY: Final = guard.TICK_NS // rig.STEP_NS
EPOCH_NS: Final = 1_000_000_000  # virtual time begins here: a stamp of zero means never


def queues() -> tuple[np.recarray, np.recarray, np.recarray, np.ndarray, np.recarray]:
    """Frames to the host, to the rig, one tick's worth, how many wait for each, to the guard."""

    def empty() -> np.recarray:
        return np.zeros(QUEUE, FRAME).view(np.recarray)

    return empty(), empty(), empty(), np.zeros(3, np.int64), empty()


@kernel
def _append(queue, count, frames, n, t_ns):
    """Append frames to a queue; what finds no room is lost, as on a full receive queue."""
    words, source = queue.view(np.uint64), frames.view(np.uint64)
    stride = words.size // queue.size
    for i in range(n):
        if count >= queue.size:
            break
        for k in range(stride):
            words[count * stride + k] = source[i * stride + k]
        queue[count].t_ns = t_ns
        count += 1
    return count


@inlined
def _guard(tables, memory, to_host, to_rig, out, waiting, to_guard, t_ns):
    """One tick of the guard: on the car's bus, it hears rig and host, and both hear it."""
    for i in range(waiting[2]):
        to_guard[i].t_ns = t_ns
    n_guard = guard.tick(tables, memory, to_guard, waiting[2], t_ns, out)
    waiting[2] = 0
    waiting[0] = _append(to_host, waiting[0], out, n_guard, t_ns)
    waiting[1] = _append(to_rig, waiting[1], out, n_guard, t_ns + rig.STEP_NS)


@unlocked
def advance(
    world, life, tables, path, sensors, memory, command, guard_tables, guard_memory,
    to_host, to_rig, out, waiting, to_guard, first_ns, steps, host_every,
):  # fmt: skip
    """``steps`` milliseconds from ``first_ns``; ends early when the run has finished.

    Returns the instant after the last step. ``host_every`` is the host's period in
    milliseconds, ``waiting`` (3,) counts the frames queued to host, rig and guard.
    """
    t_ns = first_ns
    guarded = guard_tables.permit.messages.size > 0
    for _ in range(steps):
        n_rig = rig.tick(world, life, to_rig, waiting[1], t_ns, out)
        waiting[0] = _append(to_host, waiting[0], out, n_rig, t_ns)
        if guarded:
            waiting[2] = _append(to_guard, waiting[2], out, n_rig, t_ns)
        waiting[1] = 0
        if (t_ns // rig.STEP_NS) % host_every == 0 and inject.host_ticks(world, life, memory, t_ns):
            for i in range(waiting[0]):
                to_host[i].t_ns = t_ns
            n_host = tick(tables, path, to_host, waiting[0], t_ns, sensors, memory, command, out)
            waiting[0] = 0
            waiting[1] = _append(to_rig, 0, out, n_host, t_ns + rig.STEP_NS)
            if guarded:
                waiting[2] = _append(to_guard, waiting[2], out, for_the_car(out, n_host), t_ns)
        if guarded and (t_ns // rig.STEP_NS) % GUARD_EVERY == 0:
            _guard(guard_tables, guard_memory, to_host, to_rig, out, waiting, to_guard, t_ns)
        t_ns += rig.STEP_NS
        if life.race[0].finished != 0:
            break
    return t_ns
