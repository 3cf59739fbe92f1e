"""How host and guard send in virtual time: as ``drivers/raw_sending.py`` does, by its own rules.

The PORT is that of a CAN interface, without descriptors: what finds no room in the transmit queue
waits there, and whether an interface was lost or frames are unsent is asked of it by the same
code as on the car.
"""

from __future__ import annotations

import numpy as np

from tianyuan.control.kernels import inlined, kernel
from tianyuan.dbc.frame import WORDS
from tianyuan.drivers.buses import any_lost, most_unsent
from tianyuan.drivers.interface import LOOK_NS
from tianyuan.drivers.port_record import DOWN, UP
from tianyuan.drivers.raw_sending import forget, keep_waiting, retire
from tianyuan.hil.bus.queues import load, push
from tianyuan.hil.bus.records import HOST

NO_WORD = np.int64(0)


@kernel
def _send_waiting(bus, who, port, t_ns):
    """Send what waits; whether none of it is left."""
    record, taken = port[0], np.int64(0)
    for i in range(record.waiting_count):
        load(bus, record.waiting[i], NO_WORD)
        if not push(bus, who, t_ns):
            break
        taken += 1
    record.sent += taken
    forget(port, taken)
    return record.waiting_count == 0


@kernel
def _send(bus, who, port, frames, start, end, t_ns):
    """Send frames ``start`` to ``end`` by one bus."""
    record, words = port[0], frames.view(np.int64)
    if record.interface != UP:
        record.dropped += end - start
        return
    room = True
    if record.waiting_count > 0:
        retire(port, words, start, end, t_ns)
        room = _send_waiting(bus, who, port, t_ns)
    at = start
    while room and at < end:
        load(bus, words, at * WORDS)
        room = push(bus, who, t_ns)
        at += int(room)
    record.sent += at - start
    if room:
        record.full_in_a_row = 0
        return
    record.full += 1
    record.full_in_a_row += 1
    for i in range(at, end):
        keep_waiting(port, words, i, t_ns)


@inlined
def send(net, who, ports, frames, n, t_ns):
    """Send the first ``n`` frames of host or guard, each by the bus of its channel, in runs."""
    first = np.int64(0)
    while first < n:
        k = np.int64(frames[first].channel)
        end = first + 1
        while end < n and frames[end].channel == k:
            end += 1
        if k < ports.size:
            _send(net.buses[k], who, ports[k : k + 1], frames, first, end, t_ns)
        first = end


@inlined
def send_plain(net, who, frames, n, t_ns):
    """Queue ``n`` frames of rig or intruder, each on its bus; returns how many found room."""
    words, taken = frames.view(np.int64), 0
    for i in range(n):
        k = np.int64(frames[i].channel)
        if k >= net.buses.size:
            continue
        bus = net.buses[k]
        load(bus, words, i * WORDS)
        if push(bus, who, t_ns):
            taken += 1
        else:
            bus.nodes[who].offered += 1
            bus.nodes[who].dropped += 1
    return taken


@inlined
def ask(net, host, t_ns):
    """Tell HOST what its loop would: an interface lost, sends in a row that found no room."""
    for k in range(net.buses.size):
        port = net.host[k]
        if port.interface == DOWN and t_ns - port.looked_ns >= LOOK_NS:
            port.looked_ns = t_ns
            if net.buses[k].nodes[HOST].down == 0:
                port.interface = UP
                port.returns += 1
    host[0].interface_down, host[0].unsent_in_a_row = any_lost(net.host), most_unsent(net.host)
