"""What the fields of BUS_FAULTS do to the host's controller and interface when they change."""

from __future__ import annotations

import errno
from typing import Final

from tianyuan.control.kernels import inlined, kernel
from tianyuan.drivers.interface import note_loss
from tianyuan.hil.bus.controller import reset, restart, settle
from tianyuan.hil.bus.queues import abort, flush
from tianyuan.hil.bus.records import HOST

_ENETDOWN: Final = errno.ENETDOWN
_PASSIVE_TEC: Final = 128
_OFF_TEC: Final = 256


@kernel
def _force_off(bus, wanted, t_ns):
    node = bus.nodes[HOST]
    if wanted == node.forced_off:
        return
    node.forced_off = wanted
    if wanted != 0:
        node.tec = _OFF_TEC
        settle(bus, HOST, t_ns)
    else:
        restart(bus, HOST, t_ns)


@kernel
def _take_down(bus, port, wanted):
    """The interface goes down, or comes up with a controller as it starts."""
    node = bus.nodes[HOST]
    if wanted == node.down:
        return
    node.down = wanted
    if wanted != 0:
        flush(bus, HOST)
        note_loss(port, _ENETDOWN)
    elif node.forced_off == 0:
        reset(bus, HOST)


@kernel
def _pull(bus, wanted, t_ns):
    """The host's cable is pulled or plugged: what was just being sent is spoilt."""
    node = bus.nodes[HOST]
    if wanted != node.unplugged:
        abort(bus, HOST)
        node.unplugged = wanted
        node.ready_ns = max(node.ready_ns, t_ns)


@kernel
def _stick(bus, wanted, t_ns):
    """The host's controller starts no frame any more, or does again."""
    node = bus.nodes[HOST]
    if wanted != node.stuck:
        node.stuck = wanted
        node.ready_ns = max(node.ready_ns, t_ns)


@kernel
def _hold_passive(bus, wanted, t_ns):
    node = bus.nodes[HOST]
    node.least_tec = _PASSIVE_TEC if wanted != 0 else 0
    if node.tec < node.least_tec:
        node.tec = node.least_tec
        settle(bus, HOST, t_ns)


@inlined
def inject(net, t_ns):
    """Bring the host's controllers and interfaces into line with BUS_FAULTS, at ``t_ns``."""
    for k in range(net.buses.size):
        bus, f = net.buses[k], net.faults[k]
        bus.faults[0] = f
        _take_down(bus, net.host[k : k + 1], int(f.host_down != 0))
        _pull(bus, int(f.host_unplugged != 0), t_ns)
        _force_off(bus, int(f.host_bus_off != 0), t_ns)
        _hold_passive(bus, f.error_passive, t_ns)
        _stick(bus, int(f.host_stuck != 0), t_ns)
