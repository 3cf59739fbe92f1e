"""From the wires to the receive queues, and what is done to frames on their way to the host."""

from __future__ import annotations

from typing import Final

import numpy as np

from tianyuan.control.kernels import inlined, kernel
from tianyuan.dbc.frame import WORDS
from tianyuan.hil.bus.records import (
    BIN_NS,
    BINS,
    GUARD,
    HOST,
    INTRUDER,
    LATE,
    RIG,
    TAPPED,
)
from tianyuan.hil.bus.wire import run
from tianyuan.hil.noise import uniform

HELD_NS: Final = 12_000_000  # longer than the cycle of most messages: these overtake themselves
_REORDER, _DUPLICATE = 0x1000, 0x2000  # channels of the noise, one a bus from here on
_ID = 0xFFFF_FFFF
_CHANNEL = 48
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
def _room(faults, queue):
    return faults.receive_room if faults.receive_room > 0 else queue.size


@kernel
def _hold(node, held, words, until_ns):
    if held.count >= LATE:
        node.overrun += 1
        return
    for w in range(WORDS):
        held.words[held.count, w] = words[w]
    held.until_ns[held.count] = until_ns
    held.count += 1


@kernel
def _held_ns(f, seed, k, t_ns):
    """For how long faults hold back a frame to the host that was received at ``t_ns``."""
    late_ns = max(f.delay_ns, 0)
    if f.reorder > 0.0 and uniform(seed, _REORDER + k, t_ns) < f.reorder:
        late_ns += HELD_NS
    return late_ns


@kernel
def _to_host(bus, port, held, queue, waiting, words):
    """A frame on its last way to the host, where faults may act."""
    f, node, k, t_ns = bus.faults[0], bus.nodes[HOST], bus.channel, words[_TIME]
    held_ns, copies = _held_ns(f, bus.seed, k, t_ns), 1
    if f.duplicate > 0.0 and uniform(bus.seed, _DUPLICATE + k, t_ns) < f.duplicate:
        copies = 2
    for _ in range(copies):
        if held_ns > 0:
            _hold(node, held, words, t_ns + held_ns)
        else:
            port.overwritten += _give(node, queue, waiting, HOST, _room(f, queue), words)


@inlined
def _let_go(net, ears, t_ns):
    """Give the host what was held back until now, in the order of reception."""
    held, kept = net.held[0], 0
    for i in range(held.count):
        words = held.words[i]
        if held.until_ns[i] <= t_ns:
            k = (words[0] >> _CHANNEL) & 0xFF
            room, node = _room(net.faults[k], ears.host), net.buses[k].nodes[HOST]
            net.host[k].overwritten += _give(node, ears.host, ears.waiting, HOST, room, words)
            continue
        for w in range(WORDS):
            held.words[kept, w] = words[w]
        held.until_ns[kept] = held.until_ns[i]
        kept += 1
    held.count = kept


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
def _watch(tap, words):
    if tap.count < TAPPED:
        for w in range(WORDS):
            tap.words[tap.count, w] = words[w]
        tap.count += 1


@inlined
def _hand_on(net, ears, k):
    """Hand on what came of a bus's wires."""
    bus, tap, held, port = net.buses[k], net.tap[0], net.held[0], net.host[k]
    for i in range(bus.logged):
        entry = bus.log[i]
        words, to, said = entry.words, entry.to, entry.said != 0
        if not said:
            _book(net.latencies, k, words, entry.since_ns)
            _watch(tap, words)
            bus.nodes[INTRUDER].received += (to >> INTRUDER) & 1
        if to & (1 << HOST) and said:
            room = _room(bus.faults[0], ears.host)
            node = bus.nodes[HOST]
            port.overwritten += _give(node, ears.host, ears.waiting, HOST, room, words)
        elif to & (1 << HOST):
            _to_host(bus, port, held, ears.host, ears.waiting, words)
        if to & (1 << RIG) and not said:
            _give(bus.nodes[RIG], ears.rig, ears.waiting, RIG, ears.rig.size, words)
        if to & (1 << GUARD):
            room, node = ears.guard.size, bus.nodes[GUARD]
            lost = _give(node, ears.guard, ears.waiting, GUARD, room, words)
            net.guard[k].overwritten += lost
    bus.logged = 0


@inlined
def carry(net, ears, until_ns):
    """Carry the frames of all buses up to ``until_ns``, into the receive queues and the tap.

    What is queued for that very instant competes with what is queued after this call.
    """
    net.tap[0].count = 0
    for k in range(net.buses.size):
        while True:
            done = run(net.buses[k], until_ns)
            _hand_on(net, ears, k)
            if done:
                break
    if net.held[0].count > 0:
        _let_go(net, ears, until_ns)
