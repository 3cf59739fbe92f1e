"""Small pieces of mathematics that several laws share."""

from __future__ import annotations

import math

import numpy as np

from tianyuan.control.kernels import kernel


@kernel
def clamp(value, low, high):
    """``value`` held between ``low`` and ``high``; a NaN comes back as ``low``."""
    if not value > low:
        return low
    return min(value, high)


@kernel
def wrap(angle_rad):
    """The same direction in [-pi, pi); NaN for what is no angle."""
    # Unlike the math module's, this floor is a float: it has a value for NaN and for 1e300.
    turns = np.floor((angle_rad + math.pi) / (2.0 * math.pi))
    return angle_rad - 2.0 * math.pi * turns


@kernel
def approach(current, target, largest_change):
    """``target``, or as near to it as one step of ``largest_change`` gets."""
    return clamp(target, current - largest_change, current + largest_change)


@kernel
def on_table(table, position):
    """Linear interpolation at a fractional index, held at both ends."""
    last = table.size - 1
    if not position > 0.0:
        return table[0]
    if position >= last:
        return table[last]
    index = int(position)
    share = position - index
    return table[index] + share * (table[index + 1] - table[index])


@kernel
def interpolate(abscissa, table, value):
    """Linear interpolation on a rising ``abscissa``, held at both ends; its unused tail is zero."""
    if not value > abscissa[0]:
        return table[0]
    for i in range(1, table.size):
        low, high = abscissa[i - 1], abscissa[i]
        if high <= low:
            return table[i - 1]
        if value < high:
            return table[i - 1] + (value - low) / (high - low) * (table[i] - table[i - 1])
    return table[table.size - 1]
