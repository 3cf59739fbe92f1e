"""Traffic that is not the car's: a flood of identifier 0, and a load up to a share of the bus."""

from __future__ import annotations

from typing import Final

from tianyuan.control.kernels import kernel
from tianyuan.dbc.frame import WORDS
from tianyuan.hil.bus.queues import push
from tianyuan.hil.bus.records import INTRUDER, MAIN, NEVER
from tianyuan.hil.noise import mix

UNUSED_NS: Final = 5_000_000  # of a share that was not used so much is made up for later
_LENGTH = 8 << 32


@kernel
def extra_ns(bus):
    """When the intruder would like to start a frame of its own accord; NEVER for not at all."""
    f, wire = bus.faults[0], bus.wires[MAIN]
    if f.flood_id0 != 0:
        return max(wire.free_ns, wire.now_ns)
    if f.load_share > 0.0:
        return max(wire.free_ns, wire.paid_ns, wire.now_ns)
    return NEVER


@kernel
def make_extra(bus, t_ns):
    """Queue such a frame: eight bytes that nobody foresees, or of the flood zeros."""
    f, words = bus.faults[0], bus.scratch
    for w in range(1, WORDS):
        words[w] = 0
    words[0] = _LENGTH
    if f.flood_id0 == 0:
        words[0] |= f.load_id & 0xFFFF_FFFF
        words[1] = mix(t_ns & 0xFFFF_FFFF) | (mix((t_ns >> 8) & 0xFFFF_FFFF) >> 1) << 32
    push(bus, INTRUDER, t_ns)


@kernel
def pay(bus, start_ns, took_ns):
    """Take what any frame took of the bus off the share that extra traffic fills it up to."""
    wire, share = bus.wires[MAIN], min(bus.faults[0].load_share, 1.0)
    if share > 0.0:
        wire.paid_ns = max(wire.paid_ns, start_ns - UNUSED_NS) + int(took_ns / share)
