"""What the wire can carry of a channel, against what the car's limits ask of it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from cantools.database.can import Message, Signal

from tianyuan.dbc import layout
from tianyuan.dbc.units import channel_unit
from tianyuan.firmware.car_shape import Car
from tianyuan.firmware.scale import scale
from tianyuan.firmware.wiring import Entry

# What the driver commands at most, and what it must be able to measure: the limit's name, and
# whether it holds to both sides.
_COMMANDED: Final = {"steer_rad": ("steer_rad", True), "brake_bar": ("brake_bar", False)}
_MEASURED: Final = {
    "steer_rad": ("steer_rad", True),
    "brake_front_bar": ("brake_bar", False),
    "gnss_speed_mps": ("speed_mps", False),
    **{f"wheel_{wheel}_mps": ("speed_mps", False) for wheel in ("fl", "fr", "rl", "rr")},
}
_ROUNDING: Final = 1e-6


def wanted(car: Car, entry: Entry) -> tuple[float, float, str] | None:
    """The range that a channel needs, and the key that says so; None where there is none."""
    table = entry.key.partition(".")[0]
    if entry.wired.values is not None:
        return None
    if entry.channel == "throttle":
        return 0.0, 1.0, "0 to 1"
    if entry.channel == "gear":
        gears = len(car.parameters["vehicle"].get("gear_ratio", ()))
        return 0.0, float(gears), "vehicle.gear_ratio"
    found = (_COMMANDED if table == "commands" else _MEASURED).get(entry.channel)
    if found is None or found[0] not in car.parameters["limits"]:
        return None
    limit = car.parameters["limits"][found[0]]
    return (-limit if found[1] else 0.0), limit, f"limits.{found[0]}"


def carried(entry: Entry, signal: Signal, declared: bool) -> tuple[float, float]:
    """The smallest and largest channel value of a signal: of its bits, or within its range."""
    factor, offset = scale(entry.channel, entry.wired, signal)
    low, high = layout.limits(signal) if declared else layout.raw_range(signal)
    ends = sorted(
        (raw * signal.scale + signal.offset) * factor + offset for raw in (float(low), float(high))
    )
    return ends[0], ends[1]


def narrow(car: Car, entry: Entry, message: Message, signal: Signal) -> Iterator[str]:
    """What a signal cannot carry of its channel's range."""
    need = wanted(car, entry)
    if need is None:
        return
    low, high, key = need
    # What a command is sent as is held within the declared range, what is heard is not.
    commanded = entry.key.startswith("commands.")
    has = carried(entry, signal, declared=commanded)
    step = abs(signal.scale * scale(entry.channel, entry.wired, signal)[0]) / 2.0
    if has[0] - step <= low + _ROUNDING and has[1] + step >= high - _ROUNDING:
        return
    unit = channel_unit(entry.channel)
    of = f" {unit}" if unit else ""
    remedy = f"lower {key}" if key.startswith("limits.") else "choose another signal"
    if math.isclose(high, 0.0):
        remedy = "check the ratio"
    yield (
        f"{entry.key} = {entry.wired.signal!r}: {message.name}.{signal.name} carries "
        f"{has[0]:.4g} to {has[1]:.4g}{of}, and {key} asks for {low:g} to {high:g}; {remedy}, or "
        "correct the ratio or the signal's bits and range"
    )
