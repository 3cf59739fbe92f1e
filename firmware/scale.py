"""From a signal's physical value to its channel's: unit, ratio, offset, and what comes round."""

from __future__ import annotations

import math

from cantools.database.can import Signal as DbcSignal

from tianyuan.control.errors import InputError
from tianyuan.dbc import layout
from tianyuan.dbc.units import channel_unit, conversion
from tianyuan.firmware.car_shape import Signal


def scale(channel: str, wired: Signal, signal: DbcSignal) -> tuple[float, float]:
    """Factor and offset that make a physical value of the wire one of the channel."""
    factor, offset = _conversion(channel, wired, signal)
    return factor / wired.ratio, offset / wired.ratio + wired.offset


def _conversion(channel: str, wired: Signal, signal: DbcSignal) -> tuple[float, float]:
    """Factor and offset from the wire's unit to the channel's, before ``ratio``."""
    if wired.unit == "" and wired.radius_m is None:
        return 1.0, 0.0  # a bare number: what it means is the ratio's to say
    written = signal.unit if wired.unit is None else wired.unit
    target = channel_unit(channel)
    if wired.radius_m is None:
        try:
            return conversion(written, target, channel)
        except InputError as error:
            remedy = ', or say unit = "…" in the entry'
            remedy += ", or radius_m of the wheel" if target == "m/s" else ""
            raise InputError(f"{error}{remedy}") from None
    if target != "m/s":
        raise InputError(f"radius_m: channel {channel} is no speed; leave it out")
    factor, _ = conversion(written, "rad/s", channel)
    return factor * wired.radius_m, 0.0


def period_of(channel: str, signal: DbcSignal, factor: float, offset: float) -> float:
    """A full turn for a heading whose signal counts from elsewhere than 0 to it, else 0.

    A heading is sent from 0 to a full turn; a signal from minus a half turn to plus one, or a
    compass, would otherwise be sent at the end of its range for half of all headings.
    """
    if not channel.endswith("heading_rad"):
        return 0.0
    step = signal.scale * factor
    ends = [raw * step + signal.offset * factor + offset for raw in layout.limits(signal)]
    within = min(ends) <= abs(step) and max(ends) >= math.tau - 1.5 * abs(step)
    return 0.0 if within else math.tau
