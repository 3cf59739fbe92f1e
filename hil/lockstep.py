"""Host, guard and rig in virtual time: as fast as the machine goes, and the same every time.

Each millisecond the rig advances; each period of the host its tick takes the frames that
have come since; the guard's tick follows, on what both have sent. With a model of the buses
(``hil/bus/``) a frame arrives when the wire has carried it. Without one, what host and guard say
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
from tianyuan.hil.bus.carry import carry
from tianyuan.hil.bus.injection import inject
from tianyuan.hil.bus.port import ask, send, send_plain
from tianyuan.hil.bus.records import GUARD, HOST, RIG, Ears
from tianyuan.hil.faults.inject import host_ticks, set_buses

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
def _from_rig(net, ears, guarded, frames, n, t_ns):
    """The rig's frames go to host and guard."""
    if net.buses.size > 0:
        inject(net, t_ns)
        send_plain(net, RIG, frames, n, t_ns)
        return
    ears.waiting[HOST] = _append(ears.host, ears.waiting[HOST], frames, n, t_ns)
    if guarded:
        ears.waiting[GUARD] = _append(ears.guard, ears.waiting[GUARD], frames, n, t_ns)


@inlined
def _from_host(net, ears, guarded, frames, n, t_ns):
    """The host's frames go to rig and guard; those of its own bus arrive at once."""
    car, next_ns = for_the_car(frames, n), t_ns + rig.STEP_NS
    if net.buses.size > 0:
        send(net, HOST, net.host, frames, car, t_ns)
        ears.waiting[RIG] = _append(ears.rig, ears.waiting[RIG], frames[car:n], n - car, next_ns)
        return
    ears.waiting[RIG] = _append(ears.rig, ears.waiting[RIG], frames, n, next_ns)
    if guarded:
        ears.waiting[GUARD] = _append(ears.guard, ears.waiting[GUARD], frames, car, t_ns)


@inlined
def _from_guard(net, ears, frames, n, t_ns):
    """The guard's frames go to host and rig."""
    if net.buses.size > 0:
        send(net, GUARD, net.guard, frames, n, t_ns)
        return
    ears.waiting[HOST] = _append(ears.host, ears.waiting[HOST], frames, n, t_ns)
    ears.waiting[RIG] = _append(ears.rig, ears.waiting[RIG], frames, n, t_ns + rig.STEP_NS)


@inlined
def _take(queue, waiting, who, t_ns):
    """How many frames a node takes off its queue; to it they are as old as its tick."""
    count = waiting[who]
    waiting[who] = 0
    for i in range(count):
        queue[i].t_ns = t_ns
    return count


@unlocked
def advance(
    world, life, tables, path, sensors, memory, command, guard_tables, guard_memory,
    to_host, to_rig, out, waiting, to_guard, net, first_ns, steps, host_every,
):  # fmt: skip
    """``steps`` milliseconds from ``first_ns``; ends early when the run has finished.

    Returns the instant after the last step. ``host_every`` is the host's period in
    milliseconds, ``waiting`` (3,) counts the frames queued to host, rig and guard, ``net`` is
    the model of the buses (``bus/make.py``).
    """
    t_ns = first_ns
    ears = Ears(to_host, to_rig, to_guard, waiting)
    life.faults.host[0].modelled = net.buses.size
    guarded = guard_tables.permit.messages.size > 0
    for _ in range(steps):
        if net.buses.size > 0:
            carry(net, ears, t_ns)
        n_rig = rig.tick(world, life, to_rig, waiting[RIG], t_ns, out)
        waiting[RIG] = 0
        set_buses(world, life, net.faults)
        _from_rig(net, ears, guarded, out, n_rig, t_ns)
        if (t_ns // rig.STEP_NS) % host_every == 0 and host_ticks(world, life, memory, t_ns):
            if net.buses.size > 0:
                ask(net, memory.host, t_ns)
            n_in = _take(to_host, waiting, HOST, t_ns)
            n_host = tick(tables, path, to_host, n_in, t_ns, sensors, memory, command, out)
            _from_host(net, ears, guarded, out, n_host, t_ns)
        if guarded and (t_ns // rig.STEP_NS) % GUARD_EVERY == 0:
            n_in = _take(to_guard, waiting, GUARD, t_ns)
            n_guard = guard.tick(guard_tables, guard_memory, to_guard, n_in, t_ns, out)
            _from_guard(net, ears, out, n_guard, t_ns)
        t_ns += rig.STEP_NS
        if life.race[0].finished != 0:
            break
    return t_ns
