"""Faults of the buses themselves: what their controllers say, and what the loop has found out.

Controllers speak in error frames, which come in among the others. What the loop knows beside
frames (an interface that is down, frames that find no room) reaches the tick through HOST.
Any of it stops the car: commands that may not arrive are none.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from tianyuan.control.kernels import kernel
from tianyuan.control.records import Cause
from tianyuan.drivers.error_frames import (
    BUS_OFF,
    ERROR_ACTIVE,
    ERROR_PASSIVE,
    ERROR_WARNING,
    NO_ACKNOWLEDGE,
    RESTARTED,
    classes_of,
)

# One for each of the car's buses.
BUS: Final = np.dtype(
    [
        ("off", "i8"),  # 1 from bus-off until the controller is back
        ("off_ns", "i8"),
        ("unheard_ns", "i8"),  # since when nobody acknowledges, 0 for never
        ("told_ns", "i8"),  # when the controller last said so
    ]
)

UNACKNOWLEDGED_NS: Final = 20_000_000  # one frame spoilt on its way is none of these
GAP_NS: Final = 50_000_000  # after which it is another time that nobody acknowledges
UNSENT_IN_A_ROW: Final = 3
MOST: Final = 65535  # that the counters go up to on the wire
NONE = int(Cause.NONE)
CAUSE_INTERFACE_DOWN = int(Cause.INTERFACE_DOWN)
CAUSE_BUS_OFF = int(Cause.BUS_OFF)
CAUSE_NO_ACKNOWLEDGE = int(Cause.NO_ACKNOWLEDGE)
CAUSE_NOT_SENT = int(Cause.NOT_SENT)


@kernel
def _count(host, found):
    """Count what a controller said, for the host's own bus."""
    h = host[0]
    if found & BUS_OFF:
        h.bus_off = min(h.bus_off + 1.0, MOST)
    if found & NO_ACKNOWLEDGE:
        h.no_acknowledge = min(h.no_acknowledge + 1.0, MOST)
    if found & ERROR_PASSIVE:
        h.error_passive = min(h.error_passive + 1.0, MOST)
    if found & ERROR_WARNING:
        h.error_warning = min(h.error_warning + 1.0, MOST)


@kernel
def back(buses, channel, t_ns):
    """The controller of a bus takes part again; what it said in this tick still counts."""
    if channel < buses.size and buses[channel].off != 0 and t_ns > buses[channel].off_ns:
        buses[channel].off = 0


@kernel
def note(buses, host, frame, t_ns):
    """Take note of an error frame."""
    found = classes_of(frame)
    _count(host, found)
    channel = frame["channel"]
    if channel >= buses.size:
        return
    bus = buses[channel]
    if found & BUS_OFF:
        bus.off, bus.off_ns = 1, t_ns
    elif found & (RESTARTED | ERROR_ACTIVE):
        back(buses, channel, t_ns)
    if found & NO_ACKNOWLEDGE:
        if bus.unheard_ns == 0 or t_ns - bus.told_ns > GAP_NS:
            bus.unheard_ns = t_ns
        bus.told_ns = t_ns


@kernel
def fault(buses, host, t_ns):
    """Cause of an emergency stop that the buses are, or NONE.

    A queue that is full because nobody acknowledges, which it may be before that has lasted, is
    put down to that.
    """
    if host[0].interface_down != 0.0:
        return CAUSE_INTERFACE_DOWN
    unsent = host[0].unsent_in_a_row >= UNSENT_IN_A_ROW
    for k in range(buses.size):
        bus = buses[k]
        if bus.off != 0:
            return CAUSE_BUS_OFF
        lasting = unsent or bus.told_ns - bus.unheard_ns >= UNACKNOWLEDGED_NS
        if bus.unheard_ns > 0 and lasting and t_ns - bus.told_ns <= GAP_NS:
            return CAUSE_NO_ACKNOWLEDGE
    return CAUSE_NOT_SENT if unsent else NONE
