"""Rows of FAULTS for what is wrong with a channel: of the sensors, and of race control."""

from __future__ import annotations

import math
from typing import Any, Final

from tianyuan.control.errors import InputError
from tianyuan.control.records import CHANNEL_NAMES, CHANNELS
from tianyuan.dbc.records import Kind
from tianyuan.hil.faults.entry import FaultEntry
from tianyuan.hil.faults.records import Effect
from tianyuan.hil.faults.targets import Rows, Targets, ns, signals_of
from tianyuan.hil.noise import uniform

ANGLE: Final = 1 << 20  # noise channel of what a fault draws once
NOT_THE_SENSORS: Final = ("race", "estop", "permit")
# Bit patterns of what is no number, and of infinity.
NOT_FINITE: Final = {
    Kind.FLOAT_16: (0x7E00, 0x7C00),
    Kind.FLOAT_32: (0x7FC0_0000, 0x7F80_0000),
    Kind.FLOAT_64: (0x7FF8 << 48, 0x7FF0 << 48),
}


def of_channel(car: Targets, entry: FaultEntry, channel: str, effect: Effect, **more: Any) -> Any:
    """A row for a channel of SENSORS that this car has."""
    car.carrier(entry, channel)
    group = next(place for place, names in enumerate(CHANNELS.values()) if channel in names)
    return {"effect": effect, "channel": CHANNEL_NAMES.index(channel), "group": group, **more}


def frozen(car: Targets, entry: FaultEntry) -> Rows:
    """A receiver that says again and again where it was."""
    for channel in ("gnss_x_m", "gnss_y_m"):
        yield of_channel(car, entry, channel, Effect.HOLD)


def jump(car: Targets, entry: FaultEntry) -> Rows:
    """Somewhere, that the seed draws."""
    told, seed = entry.parameters, car.seed_of(entry)
    angle = 2.0 * math.pi * float(uniform(seed, ANGLE, 0))
    for channel, share in (("gnss_x_m", math.cos(angle)), ("gnss_y_m", math.sin(angle))):
        amount = float(told["offset_m"]) * share
        yield of_channel(car, entry, channel, Effect.ADD, amount=amount, count=int(told["frames"]))


def invalid(car: Targets, entry: FaultEntry) -> Rows:
    """A raw value that is none: not available, no number, infinite."""
    channel, how = str(entry.parameters["channel"]), entry.parameters["how"]
    message, s = car.carrier(entry, channel)
    row, name = car.wire.sensors.signals[s], car.names[message]
    kind = Kind(int(row.kind))
    if kind in NOT_FINITE:
        raw = NOT_FINITE[kind][how == "inf"]
    elif how != "not_available":
        raise InputError(
            f"{entry.fault}.how = {how!r}: {channel} is a whole number in {name}, which cannot "
            "be that; say not_available"
        )
    else:
        # All ones, or of a signed signal the lowest: what no measurement is.
        raw = -1 if row.mask != -1 else -(1 << (63 - int(row.spare)))
    yield {"effect": Effect.RAW, "message": message, "signal": s, "raw": raw}


def flipped(car: Targets, entry: FaultEntry) -> Rows:
    """Both antennas taken for each other."""
    yield of_channel(car, entry, "gnss_heading_rad", Effect.TURN)


def wheel(car: Targets, entry: FaultEntry) -> Rows:
    """One wheel that stays as it is, or at zero."""
    channel = f"wheel_{entry.parameters['wheel']}_mps"
    held = entry.parameters["how"] == "held"
    yield of_channel(car, entry, channel, Effect.HOLD if held else Effect.SET)


def saturated(car: Targets, entry: FaultEntry) -> Rows:
    """An IMU at the end of its range."""
    told = entry.parameters
    for channel in ("imu_ax_mps2", "imu_ay_mps2"):
        yield of_channel(car, entry, channel, Effect.CLAMP, amount=told["limit_mps2"])
    yield of_channel(car, entry, "imu_yaw_rate_radps", Effect.CLAMP, amount=told["limit_radps"])


def drifting(car: Targets, entry: FaultEntry) -> Rows:
    """A gyroscope whose bias grows."""
    rate = entry.parameters["rate_radps2"]
    yield of_channel(car, entry, "imu_yaw_rate_radps", Effect.DRIFT, amount=rate)


def poor(car: Targets, entry: FaultEntry) -> Rows:
    """A solution of low quality, and noise to go with it."""
    told = entry.parameters
    yield of_channel(car, entry, "gnss_quality", Effect.SET, amount=told["quality"])
    for channel in ("gnss_x_m", "gnss_y_m"):
        yield of_channel(car, entry, channel, Effect.NOISE, amount=told["noise_m"])


def random(car: Targets, entry: FaultEntry) -> Rows:
    """Every channel of the messages anywhere within what its signal can say."""
    codec, named = car.wire.sensors, set(car.messages(entry))
    for group, channels in CHANNELS.items():
        for channel in channels:
            found = next(signals_of(codec, CHANNEL_NAMES.index(channel)), None)
            if found is None or found[0] not in named or group in NOT_THE_SENSORS:
                continue
            row = codec.signals[found[1]]
            low, high = sorted(
                float(row.scale) * float(end) + float(row.offset) for end in (row.low, row.high)
            )
            yield of_channel(car, entry, channel, Effect.RANDOM, amount=low, more=high)


def implausible(car: Targets, entry: FaultEntry) -> Rows:
    """A value that is off and whose frame is right."""
    channel, offset = str(entry.parameters["channel"]), entry.parameters["offset"]
    yield of_channel(car, entry, channel, Effect.ADD, amount=offset)


def said(car: Targets, entry: FaultEntry, channel: str, effect: Effect, amount: float) -> Any:
    """What race control says."""
    return of_channel(car, entry, channel, effect, amount=amount)


def flag(car: Targets, entry: FaultEntry) -> Rows:
    """A flag shown all the time."""
    yield said(car, entry, "race_flag", Effect.SET, float(entry.parameters["flag"]))


def flicker(car: Targets, entry: FaultEntry) -> Rows:
    """A flag shown every other half of a period."""
    row = said(car, entry, "race_flag", Effect.FLICKER, float(entry.parameters["flag"]))
    yield row | {"every_ns": ns(entry.parameters["period_ms"]) // 2}


def go(car: Targets, entry: FaultEntry) -> Rows:
    """The word to go, whether the car is ready or not."""
    yield said(car, entry, "race_go", Effect.SET, 1.0)


def stop(car: Targets, entry: FaultEntry) -> Rows:
    """The remote emergency stop."""
    yield said(car, entry, "estop", Effect.SET, 1.0)


def no_race_control(car: Targets, entry: FaultEntry) -> Rows:
    """Race control gone, or its frames without its mind."""
    if entry.parameters["how"] == "silent":
        yield {"effect": Effect.SILENCE, "message": car.carrier(entry, "race_flag")[0]}
    else:
        yield of_channel(car, entry, "race_heartbeat", Effect.HOLD)
