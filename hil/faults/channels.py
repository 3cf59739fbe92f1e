"""Faults of the sensors: channels of SENSORS made wrong after measuring, before encoding."""

from __future__ import annotations

import math

import numpy as np

from tianyuan.control.kernels import kernel
from tianyuan.hil.faults.active import finish
from tianyuan.hil.faults.records import Effect
from tianyuan.hil.noise import gauss, uniform

HOLD = int(Effect.HOLD)
SET = int(Effect.SET)
ADD = int(Effect.ADD)
CLAMP = int(Effect.CLAMP)
DRIFT = int(Effect.DRIFT)
NOISE = int(Effect.NOISE)
TURN = int(Effect.TURN)
FLICKER = int(Effect.FLICKER)
RANDOM = int(Effect.RANDOM)


@kernel
def _turned(heading_rad):
    """The other way, in [0, 2 pi) as receivers say it."""
    return heading_rad + math.pi if heading_rad < math.pi else heading_rad - math.pi


@kernel
def _wrong(row, s, value, t_ns):
    """What becomes of a channel's value."""
    since_ns = t_ns - s.began_ns
    if row.effect == HOLD:
        return s.kept
    if row.effect == SET:
        return row.amount
    if row.effect == ADD:
        return value + row.amount
    if row.effect == CLAMP:
        return min(row.amount, max(-row.amount, value))
    if row.effect == DRIFT:
        return value + row.amount * since_ns * 1e-9
    if row.effect == NOISE:
        return value + row.amount * gauss(row.seed, row.draws, t_ns)
    if row.effect == TURN:
        return _turned(value)
    if row.effect == FLICKER:
        return row.amount if (since_ns // row.every_ns) % 2 == 0 else value
    return row.amount + (row.more - row.amount) * uniform(row.seed, row.draws, t_ns)


@kernel
def on_channels(faults, state, groups, message, sensors, t_ns):
    """Make wrong what a message that is about to be encoded carries.

    Its groups have been measured just now, so no fault is applied twice. ``groups`` as in
    World.
    """
    values = sensors.view(np.float64)
    for r in range(faults.size):
        row, s = faults[r], state[r]
        if row.effect < HOLD or row.effect > RANDOM or groups[message, row.group] == 0:
            continue
        if s.active == 0:
            s.kept = values[row.channel]
            continue
        values[row.channel] = _wrong(row, s, values[row.channel], t_ns)
        s.count += 1
        if row.count > 0 and s.count >= row.count:
            finish(s, t_ns)
