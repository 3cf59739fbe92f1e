"""When a fault began: by the injector, and on the wire with the first frame that carries it."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from tianyuan.hil.faults.fault import Layer
from tianyuan.hil.faults.records import Effect
from tianyuan.hil.life import Life
from tianyuan.hil.world import World

# A message that is not sent is missing from its fault on; others carry theirs when they are sent.
MISSING: Final = (Effect.SILENCE, Effect.DELAY, Effect.REORDER)


def begun_ns(world: World, life: Life, entry: int, layer: Layer | None) -> int | None:
    """When the fault of an entry began, None if it has not.

    A value or a frame goes wrong between two frames of its message, and nobody can know of it
    before the next one: from that on the bounds are counted.
    """
    rows = [r for r in range(world.faults.size) if int(world.faults[r].entry) == entry]
    begun = [int(life.faults.state[r].began_ns) for r in rows]
    known = [t_ns for t_ns in begun if t_ns > 0]
    if not known:
        return None
    first_ns, row = min(known), world.faults[rows[0]]
    if int(row.effect) == Effect.OVERRUN:  # so many in a row are there with the last of them
        return int(life.faults.state[rows[0]].ended_ns) or None
    if layer not in (Layer.CHANNEL, Layer.FRAME) or int(row.effect) in MISSING:
        return first_ns
    return _next_frame_ns(world, life, _message(world, row), first_ns)


def _message(world: World, row: Any) -> int:
    """The sensor message that a row of FAULTS is of; -1 for none, or for all."""
    if int(row.effect) >= Effect.UNDECLARED:
        return -1
    if int(row.effect) >= Effect.SILENCE:
        return int(row.message)
    carriers = np.flatnonzero(world.groups[:, int(row.group)])
    return int(carriers[0]) if len(carriers) else -1


def _next_frame_ns(world: World, life: Life, message: int, t_ns: int) -> int:
    """The first time from ``t_ns`` on that a message was due: it keeps the phase of its first."""
    if not 0 <= message < world.cycle_ns.size or world.cycle_ns[message] <= 0:
        return t_ns
    cycle_ns = int(world.cycle_ns[message])
    return t_ns + (int(life.due_ns[message]) - t_ns) % cycle_ns
