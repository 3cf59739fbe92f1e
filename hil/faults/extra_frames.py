"""Frames that nobody of the car sends: strange identifiers, floods, forgeries, stragglers."""

from __future__ import annotations

import numpy as np

from tianyuan.control.kernels import kernel
from tianyuan.dbc.codec import decode, encode
from tianyuan.dbc.frame import WORDS
from tianyuan.firmware.host_record import HOST_CHANNEL
from tianyuan.firmware.timing import NS_PER_MS
from tianyuan.hil.faults.active import finish
from tianyuan.hil.faults.on_frames import copy
from tianyuan.hil.faults.records import Effect
from tianyuan.hil.noise import uniform

UNDECLARED = int(Effect.UNDECLARED)
FLOOD = int(Effect.FLOOD)
BURST = int(Effect.BURST)
FORGED = int(Effect.FORGED)
HOST_BUS = int(Effect.HOST_BUS)
LATE_STOP = int(Effect.LATE_STOP)
LENGTH_SHIFT = 32  # of a frame's header


@kernel
def _put(frames, n, header, payload, t_ns):
    """A frame of one word."""
    words = frames.view(np.int64)
    for word in range(WORDS):
        words[n * WORDS + word] = 0
    words[n * WORDS], words[n * WORDS + 1] = header, payload
    frames[n].t_ns = t_ns


@kernel
def _due(row, s, t_ns):
    """Whether the next frames are to come now; at once when the fault has just begun.

    Forged ones come between the host's, whose milliseconds are even: two nodes that begin the same
    identifier at once spoil both frames, and neither gets through.
    """
    if t_ns < s.next_ns or (row.effect == FORGED and (t_ns // NS_PER_MS) % 2 == 0):
        return False
    s.next_ns = t_ns + row.every_ns
    return True


@kernel
def _strange(row, s, codec, frames, n, t_ns):
    """Frames that no node of the car would send."""
    random = int(uniform(row.seed, row.draws, t_ns) * 4294967296.0) << 24
    if row.effect == UNDECLARED:
        header = row.raw | (8 << LENGTH_SHIFT)
    elif row.effect == FLOOD:
        header, random = 8 << LENGTH_SHIFT, 0
    else:  # of an identifier that the host hears, and without a payload
        first = codec.initial[max(row.message, 0) * WORDS]
        header, random = first & ~(0xFF << LENGTH_SHIFT), 0
    for _ in range(max(row.count, 1)):
        if n < frames.size:
            _put(frames, n, header, random, t_ns)
            n += 1
            s.count += 1
    return n


@kernel
def _after(codec, message, counter, steps):
    """The counter so many steps after one; steps may be negative."""
    row = codec.messages[message]
    span = row.last_count - row.first_count + 1
    return row.first_count + (counter - row.first_count + steps) % span


@kernel
def _forge(row, s, codec, received, command, forged, sent, frames, n, t_ns):
    """A command of ours with a value of somebody else's, protected as it should be."""
    own, theirs = command.view(np.int64), forged.view(np.int64)
    for word in range(own.size):
        theirs[word] = own[word]
    forged[0].steer_enable, forged[0].throttle_enable, forged[0].brake_enable = 1.0, 1.0, 1.0
    values = forged.view(np.float64)
    values[row.channel] = row.amount
    m = row.message
    if codec.messages[m].counter >= 0:
        sent[m].counter = _after(codec, m, received[m].counter, 1)
    if encode(codec, m, sent, values, frames, n) < 0:
        return n
    frames[n].t_ns = t_ns
    if row.effect == HOST_BUS:
        frames[n].channel = HOST_CHANNEL
    s.count += 1
    return n + 1


@kernel
def _sent_now(frames, n, header):
    """Whether a frame of this identifier is among those that are to be sent."""
    for i in range(n):
        if frames[i].can_id == (header & 0xFFFF_FFFF):
            return True
    return False


@kernel
def _straggle(row, s, codec, sent, own_sent, sensors, frames, n, t_ns):
    """One emergency stop that was sent some frames ago and comes only now."""
    m = row.message
    if _sent_now(frames, n, codec.initial[m * WORDS]):
        return n  # in the next millisecond: one mailbox a message
    if codec.messages[m].counter >= 0:
        own_sent[m].counter = _after(codec, m, sent[m].counter, -1 - row.count)
    now = sensors[0].estop
    sensors[0].estop = 1.0
    made = encode(codec, m, own_sent, sensors.view(np.float64), frames, n)
    sensors[0].estop = now
    s.count += 1
    finish(s, t_ns)
    if made < 0:
        return n
    frames[n].t_ns = t_ns
    return n + 1


@kernel
def _overhear(outside, counts, frames, n):
    """Have the actuators hear a frame, too: they do not hear the rig, which they are part of."""
    if counts[1] < outside.size:
        copy(frames, n, outside, counts[1])
        counts[1] += 1


@kernel
def add(
    faults, state, outside, counts, forged, own_sent, forged_sent,
    codec, sent, sensors, commands, received, command, frames, n, t_ns,
):  # fmt: skip
    """Add the frames of others that come now; returns how many there are.

    The first of each line are of Faulted and of the rig, which says ``sensors`` by ``codec``
    and hears ``command`` by ``commands``.
    """
    for r in range(faults.size):
        row, s = faults[r], state[r]
        if row.effect < UNDECLARED or row.effect > LATE_STOP or s.active == 0:
            continue
        if n >= frames.size or not _due(row, s, t_ns):
            continue
        if row.effect in (FORGED, HOST_BUS):
            before = n
            n = _forge(row, s, commands, received, command, forged, forged_sent, frames, n, t_ns)
            if row.effect == FORGED and n > before:
                _overhear(outside, counts, frames, before)
        elif row.effect == LATE_STOP:
            n = _straggle(row, s, codec, sent, own_sent, sensors, frames, n, t_ns)
        else:
            n = _strange(row, s, codec, frames, n, t_ns)
    return n


@kernel
def hear(outside, counts, commands, received, command):
    """The actuators take the frames of others as they would anybody's."""
    for i in range(counts[1]):
        decode(commands, outside, i, received, command.view(np.float64))
    counts[1] = 0
