"""Noise without a generator: every value is a function of seed, channel and time.

So it is the same however a run is cut into pieces, and a sensor that a fault silences
leaves the noise of all the others untouched. The arithmetic stays below 2**62, so that it
is the same with and without the compiler.
"""

from __future__ import annotations

import math
from typing import Final

from tianyuan.control.kernels import inlined, kernel

_MASK: Final = 0xFFFF_FFFF
_FACTOR: Final = 0x45D9_F3B
_UNIT: Final = 1.0 / 4294967296.0


@inlined
def mix(value):
    """Thirty-two bits well stirred (Mueller's integer hash; one to one)."""
    value = (((value >> 16) ^ value) * _FACTOR) & _MASK
    value = (((value >> 16) ^ value) * _FACTOR) & _MASK
    return (value >> 16) ^ value


@kernel
def _key(seed, channel, count):
    """A key of all three; ``count`` may be any 62-bit number."""
    key = mix((seed & _MASK) ^ 0x2545_F491)
    key = mix(key ^ ((seed >> 32) & _MASK))
    key = mix(key ^ (channel & _MASK))
    key = mix(key ^ (count & _MASK))
    return mix(key ^ ((count >> 32) & _MASK))


@kernel
def uniform(seed, channel, count):
    """A value between 0 and 1 for (seed, channel, count)."""
    return (_key(seed, channel, count) + 0.5) * _UNIT


@inlined
def _polar(seed, channel, count):
    """Radius and angle of a point of the normal plane, by Box and Muller."""
    key = _key(seed, channel, count)
    first = (mix(key ^ 0x3C6E_F372) + 0.5) * _UNIT
    turn = 2.0 * math.pi * (mix(key ^ 0x5A82_7999) + 0.5) * _UNIT
    return math.sqrt(-2.0 * math.log(first)), turn


@kernel
def gauss(seed, channel, count):
    """A standard normal value for (seed, channel, count): the first of its pair."""
    radius, turn = _polar(seed, channel, count)
    return radius * math.cos(turn)


@kernel
def pair(seed, channel, count):
    """Two independent standard normal values for (seed, channel, count)."""
    radius, turn = _polar(seed, channel, count)
    return radius * math.cos(turn), radius * math.sin(turn)
