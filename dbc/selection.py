"""Which groups of multiplexed signals a frame holds."""

from __future__ import annotations

from tianyuan.control.kernels import kernel
from tianyuan.dbc.bits import extract
from tianyuan.dbc.records import NO_PARENT


@kernel
def selected(codec, g, words, base):
    """Tell whether the multiplexors in the frame select group ``g`` and those above it."""
    while g != NO_PARENT:
        group = codec.groups[g]
        raw = extract(codec.signals[group.selector], words, base)
        r = group.ranges_first
        while r < group.ranges_end and not codec.ranges[r].low <= raw <= codec.ranges[r].high:
            r += 1
        if r == group.ranges_end:
            return False
        g = group.parent
    return True
