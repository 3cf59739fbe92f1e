"""From the wires to the receive queues, and what is done to frames on their way to the host."""

from __future__ import annotations

from typing import Final

import numpy as np

from tianyuan.control.kernels import kernel
from tianyuan.dbc.frame import WORDS
from tianyuan.hil.bus.records import (
    BIN_NS,
    BINS,
    GUARD,
    HOST,
    IN_LATE,
    IN_TAP,
    INTRUDER,
    RIG,
)
from tianyuan.hil.bus.wire import run
from tianyuan.hil.noise import uniform

HELD_NS: Final = 12_000_000  # longer than the cycle of most messages: these overtake themselves
_REORDER, _DUPLICATE = 0x1000, 0x2000  # channels of the noise, one a bus from here on
_ID = 0xFFFF_FFFF
_TIME = WORDS - 1


@kernel
def _put(queue, count, room, words):
    """Append a frame; returns how many there are then, as many as before without room."""
    if count >= min(room, queue.size):
        return count
    into = queue.view(np.int64)
    for w in range(WORDS):
        into[count * WORDS + w] = words[w]
    return count + 1


@kernel
def _give(node, queue, waiting, who, room, words):
    """Put a frame into a node's receive queue; 1 where it is lost for want of room, else 0."""
    before = waiting[who]
    waiting[who] = _put(queue, before, room, words)
    lost = int(waiting[who] == before)
    node.overrun += lost
    node.received += 1 - lost
    return lost


@kernel
def _give_host(net, ears, k, words):
    room = net.faults[k].receive_room
    room = room if room > 0 else ears.host.size
    node = net.buses[k].nodes[HOST]
    net.host[k].overwritten += _give(node, ears.host, ears.waiting, HOST, room, words)


@kernel
def _hold(net, k, words, until_ns):
    count = net.counts[IN_LATE]
    after = _put(net.late, count, net.late.size, words)
    if after == count:
        net.buses[k].nodes[HOST].overrun += 1
        return
    net.late_ns[count] = until_ns
    net.counts[IN_LATE] = after


@kernel
def _to_host(net, ears, k, words):
    """A frame on its last way to the host, where faults may act."""
    f, seed, t_ns = net.faults[k], net.buses[k].seed, words[_TIME]
    held_ns, copies = max(f.delay_ns, 0), 1
    if f.reorder > 0.0 and uniform(seed, _REORDER + k, t_ns) < f.reorder:
        held_ns += HELD_NS
    if f.duplicate > 0.0 and uniform(seed, _DUPLICATE + k, t_ns) < f.duplicate:
        copies = 2
    for _ in range(copies):
        if held_ns > 0:
            _hold(net, k, words, t_ns + held_ns)
        else:
            _give_host(net, ears, k, words)


@kernel
def _let_go(net, ears, t_ns):
    """Give the host what was held back until now, in the order of reception."""
    kept = 0
    words = net.late.view(np.int64)
    for i in range(net.counts[IN_LATE]):
        if net.late_ns[i] <= t_ns:
            frame = words[i * WORDS : (i + 1) * WORDS]
            _give_host(net, ears, (frame[0] >> 48) & 0xFF, frame)
            continue
        if kept != i:
            net.late[kept] = net.late[i]
            net.late_ns[kept] = net.late_ns[i]
        kept += 1
    net.counts[IN_LATE] = kept


@kernel
def _message_of(latencies, key):
    """Index of the message of a key; the last for one that is not the car's."""
    low, high = 0, latencies.size - 1
    while low < high:
        middle = (low + high) // 2
        if latencies[middle].key < key:
            low = middle + 1
        else:
            high = middle
    return low if latencies[low].key == key else latencies.size - 1


@kernel
def _book(latencies, k, words, since_ns):
    """Count how long a frame took from its queue to its reception."""
    took_ns = words[_TIME] - since_ns
    entry = latencies[_message_of(latencies, (words[0] & _ID) | k << 32)]
    entry.least_ns = took_ns if entry.frames == 0 else min(entry.least_ns, took_ns)
    entry.most_ns = max(entry.most_ns, took_ns)
    entry.frames += 1
    entry.total_ns += took_ns
    entry.bins[min(took_ns // BIN_NS, BINS - 1)] += 1


@kernel
def _hand_on(net, ears, k):
    """Hand on what came of a bus's wires."""
    bus = net.buses[k]
    nodes = bus.nodes
    for i in range(bus.logged):
        entry = bus.log[i]
        words, to = entry.words, entry.to
        if entry.said == 0:
            _book(net.latencies, k, words, entry.since_ns)
            net.counts[IN_TAP] = _put(net.tap, net.counts[IN_TAP], net.tap.size, words)
        if to & (1 << HOST) and entry.said != 0:
            _give_host(net, ears, k, words)
        elif to & (1 << HOST):
            _to_host(net, ears, k, words)
        if to & (1 << RIG) and entry.said == 0:
            _give(nodes[RIG], ears.rig, ears.waiting, RIG, ears.rig.size, words)
        if to & (1 << GUARD):
            lost = _give(nodes[GUARD], ears.guard, ears.waiting, GUARD, ears.guard.size, words)
            net.guard[k].overwritten += lost
        if to & (1 << INTRUDER) and entry.said == 0:
            nodes[INTRUDER].received += 1
    bus.logged = 0


@kernel
def carry(net, ears, until_ns):
    """Carry the frames of all buses up to ``until_ns``, into the receive queues and the tap.

    What is queued for that very instant competes with what is queued after this call.
    """
    net.counts[IN_TAP] = 0
    for k in range(net.buses.size):
        while not run(net.buses[k], until_ns):
            _hand_on(net, ears, k)
        _hand_on(net, ears, k)
    if net.counts[IN_LATE] > 0:
        _let_go(net, ears, until_ns)
