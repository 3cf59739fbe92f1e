"""Raw values to channel values and back, saturated and rounded as cantools does."""

from __future__ import annotations

import math

import numpy as np

from tianyuan.control.kernels import inlined, kernel
from tianyuan.dbc.records import Kind

_INTEGER = int(Kind.INTEGER)
_UNSIGNED_64 = int(Kind.UNSIGNED_64)
_FLOAT_16 = int(Kind.FLOAT_16)
_FLOAT_32 = int(Kind.FLOAT_32)
_FLOAT_64 = int(Kind.FLOAT_64)
_MAX = 0x7FFF_FFFF_FFFF_FFFF
_MIN = -0x8000_0000_0000_0000
_TWO_63 = 9223372036854775808.0


@kernel
def number(kind, raw):
    """Convert any raw value to its number, rounded once where a double cannot hold it."""
    if kind == _FLOAT_32:
        return np.float64(np.int32(raw).view(np.float32))
    if kind == _FLOAT_64:
        return np.int64(raw).view(np.float64)
    if kind == _FLOAT_16:
        return _half(raw)
    if kind == _UNSIGNED_64 and raw < 0:
        # Halved, the lowest bit kept in the one above so that rounding sees it.
        return np.float64(((raw >> 1) & _MAX) | (raw & 1)) * 2.0
    return np.float64(raw)


@inlined
def to_channel(row, plain):
    """Scale a number to its channel, in two roundings as cantools does, not fused."""
    return plain * row.scale + row.offset


@kernel
def listed_value(values, row, raw):
    """Find what a raw value means in a signal that is a list."""
    for k in range(row.listed, row.listed_end):
        if values[k].raw == raw:
            return values[k].value
    return row.otherwise


@kernel
def listed_place(values, row, value):
    """Find the row of VALUE that a channel value is sent as, or -1."""
    for k in range(row.listed, row.listed_end):
        if values[k].value == value:
            return np.int64(k)
    return np.int64(-1)


@kernel
def to_raw(row, value):
    """Find the raw value nearest to a finite channel value, within the limits.

    Ties go to the even raw value. Set-up has made sure that the scale is not 0.
    """
    exact = (value - row.offset) / row.scale
    if row.kind <= _UNSIGNED_64:
        exact = np.rint(exact)
    if exact >= row.high:
        return row.raw_high
    if exact <= row.low:
        return row.raw_low
    if row.kind != _INTEGER:
        return _pattern(row.kind, exact)
    return np.int64(exact)


@kernel
def _pattern(kind, exact):
    """Pack a number into bits, of any other kind than an integer that fits a signed word."""
    if kind == _UNSIGNED_64:
        return np.int64(exact) if exact < _TWO_63 else np.int64(exact - _TWO_63) ^ _MIN
    if kind == _FLOAT_32:
        return np.int64(np.float32(exact).view(np.int32))
    if kind == _FLOAT_16:
        return _half_pattern(exact)
    return np.float64(exact).view(np.int64)


@kernel
def _half(pattern):
    """Unpack an IEEE 16-bit float."""
    exponent = (pattern >> 10) & 31
    fraction = np.float64(pattern & 1023)
    if exponent == 31:
        magnitude = np.nan if fraction > 0.0 else np.inf
    elif exponent > 0:
        magnitude = math.ldexp(1024.0 + fraction, int(exponent - 25))
    else:
        magnitude = math.ldexp(fraction, -24)
    return -magnitude if pattern & 0x8000 else magnitude


@kernel
def _half_pattern(exact):
    """Round a number that is within its range to an IEEE 16-bit float."""
    exponent = max(math.frexp(exact)[1] - 1, -14) if exact != 0.0 else -14
    # Units in the last place; the leading 1 of a normal number counts up the exponent.
    units = np.int64(np.rint(math.ldexp(abs(exact), 10 - exponent)))
    pattern = units + (np.int64(exponent + 14) << 10)
    return pattern | np.int64(0x8000) if math.copysign(1.0, exact) < 0.0 else pattern
