"""Faults of the wire: frames made wrong, or kept back, between encoding and the bus."""

from __future__ import annotations

import numpy as np

from tianyuan.control.kernels import kernel
from tianyuan.dbc.encoding import counter_of, put_raw, reseal
from tianyuan.dbc.frame import EXTENDED as EXTENDED_BIT
from tianyuan.dbc.frame import FDF, WORDS
from tianyuan.firmware.timing import NS_PER_MS
from tianyuan.hil.faults.records import TAPE, Effect
from tianyuan.hil.noise import uniform

SILENCE = int(Effect.SILENCE)
RAW = int(Effect.RAW)
LENGTH = int(Effect.LENGTH)
FD = int(Effect.FD)
WRONG_CRC = int(Effect.WRONG_CRC)
HOLD_COUNTER = int(Effect.HOLD_COUNTER)
DELAY = int(Effect.DELAY)
DOUBLE = int(Effect.DOUBLE)
REORDER = int(Effect.REORDER)
REPLAY_BESIDE = int(Effect.REPLAY_BESIDE)
REPLAY_INSTEAD = int(Effect.REPLAY_INSTEAD)
EXTENDED = int(Effect.EXTENDED)
STEP_NS = NS_PER_MS  # of the rig
HIGH_BITS = 0x155 << 11  # of an extended identifier, above those that a standard one has


@kernel
def copy(source, i, target, j):
    """Copy frame ``i`` of one array to ``j`` of another, or of the same."""
    from_, to = source.view(np.int64), target.view(np.int64)
    for word in range(WORDS):
        to[j * WORDS + word] = from_[i * WORDS + word]


@kernel
def silent(faults, state, message):
    """Whether a message's sender says nothing now."""
    for r in range(faults.size):
        row = faults[r]
        if row.effect == SILENCE and state[r].active != 0 and row.message in (-1, message):
            state[r].count += 1
            return True
    return False


@kernel
def _next(codec, message, counter):
    """The counter after one."""
    row = codec.messages[message]
    return row.first_count if counter >= row.last_count else counter + 1


@kernel
def _spoil(row, codec, message, frames, i, t_ns):
    """Change some bits of the CRC; without one, of the first byte."""
    place = 0
    if codec.messages[message].counter >= 0:
        place = max(codec.protected[codec.messages[message].protected].crc_byte, 0)
    bits = 1 + int(255.0 * uniform(row.seed, row.draws, t_ns))
    frames.view(np.int64)[i * WORDS + 1 + (place >> 3)] ^= np.int64(bits) << ((place & 7) * 8)


@kernel
def _hold(held, counts, frames, i, until_ns):
    """Keep a copy of a frame until then; one that finds no room is lost."""
    if counts[0] < held.size:
        copy(frames, i, held, counts[0])
        held[counts[0]].t_ns = until_ns
        counts[0] += 1


@kernel
def _play(row, s, tape, r, held, counts, frames, n, t_ns):
    """Play the next frame of the recording: in place of the last one, or a millisecond after it.

    Not at once: a control unit has one mailbox a message, in which the newer one would win.
    """
    if s.taped == 0:
        return
    kept = min(s.taped, TAPE)
    place = r * TAPE + (s.taped - kept + s.played % kept) % TAPE
    s.played += 1
    if row.effect == REPLAY_INSTEAD:
        copy(tape, place, frames, n - 1)
    else:
        _hold(held, counts, tape, place, t_ns + STEP_NS)


@kernel
def _beside(row, codec, message, frames, n):
    """What sends another frame beside the one that is at ``n`` - 1."""
    if n >= frames.size:
        return n
    copy(frames, n - 1, frames, n)
    if row.effect == EXTENDED:
        frames[n].can_id |= np.uint32(EXTENDED_BIT | HIGH_BITS)
        reseal(
            codec, message, _next(codec, message, counter_of(codec, message, frames, n)), frames, n
        )
    return n + 1


@kernel
def _bend(row, s, codec, message, frames, i, t_ns):
    """Change frame ``i`` itself."""
    if row.effect == RAW:
        put_raw(codec, message, row.signal, row.raw, frames, i)
    elif row.effect == LENGTH:
        frames[i].length = int(row.amount)
    elif row.effect == FD:
        frames[i]["flags"] |= np.uint8(FDF)
    elif row.effect == WRONG_CRC:
        _spoil(row, codec, message, frames, i, t_ns)
    elif row.effect == HOLD_COUNTER:
        reseal(codec, message, int(s.kept), frames, i)


@kernel
def _watch(row, s, codec, message, tape, r, frames, i):
    """Before a fault begins: what it will need of the frames so far."""
    if row.effect == HOLD_COUNTER:
        s.kept = counter_of(codec, message, frames, i)
    elif row.effect in (REPLAY_BESIDE, REPLAY_INSTEAD) and s.began_ns == 0:
        copy(frames, i, tape, r * TAPE + s.taped % TAPE)
        s.taped += 1


@kernel
def _reorder(swapped, message, active, frames, n):
    """Keep every other frame of a message until the next one has gone; an open pair is closed."""
    if swapped[message].t_ns != 0:
        if n < frames.size:
            copy(swapped, message, frames, n)
            n += 1
        swapped[message].t_ns = 0
        return n
    if not active:
        return n
    copy(frames, n - 1, swapped, message)
    return n - 1


@kernel
def on_frame(faults, state, held, swapped, tape, counts, codec, message, frames, n, t_ns):
    """Do to frame ``n`` - 1, of ``message``, what is wrong now; returns how many frames there are.

    ``held``, ``swapped``, ``tape`` and ``counts`` as in Faulted.
    """
    for r in range(faults.size):
        row, s = faults[r], state[r]
        if row.effect <= SILENCE or row.effect > EXTENDED or row.message not in (-1, message):
            continue
        if row.effect == REORDER:
            before = n
            n = _reorder(swapped, message, s.active != 0, frames, n)
            if n < before:
                s.count += 1
                return n
            continue
        if s.active == 0:
            _watch(row, s, codec, message, tape, r, frames, n - 1)
            continue
        s.count += 1
        if row.effect == DELAY:
            _hold(held, counts, frames, n - 1, t_ns + row.every_ns)
            return n - 1
        if row.effect in (DOUBLE, EXTENDED):
            n = _beside(row, codec, message, frames, n)
        elif row.effect in (REPLAY_BESIDE, REPLAY_INSTEAD):
            _play(row, s, tape, r, held, counts, frames, n, t_ns)
        else:
            _bend(row, s, codec, message, frames, n - 1, t_ns)
    return n


@kernel
def release(held, counts, frames, n, t_ns):
    """Send the frames that have been delayed for long enough; returns how many there are."""
    kept = 0
    for h in range(counts[0]):
        if held[h].t_ns <= t_ns and n < frames.size:
            copy(held, h, frames, n)
            frames[n].t_ns = t_ns
            n += 1
        else:
            copy(held, h, held, kept)
            kept += 1
    counts[0] = kept
    return n
