"""Frames and values for the codecs to work on: one message over and over, or a car's bus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from cantools.database.can import Message, Signal

from tianyuan.dbc.codec import (
    SENT,
    Codec,
    Protection,
    build,
    encode,
    every_signal,
    records,
    slots,
)
from tianyuan.dbc.frame import frames
from tianyuan.dbc.read import read
from tianyuan.firmware.car_file import load_car
from tianyuan.firmware.tables import shipped_cars
from tianyuan.firmware.wiring import protections
from tianyuan.rooms import room

SIX_SIGNALS: Final = Path(__file__).with_name("six_signals.dbc")
CAR: Final = room("dbc") / "tianyuan.dbc"
HOST: Final = "Host"  # the node of the car's DBC file that takes sensors and gives commands
REPEATS: Final = 256
# The shortest time in which every message of the car comes a multiple of 15 times, so that
# the counters of a second pass go on from those of the first.
PASS_MS: Final = 1500


class Side(NamedTuple):
    """Messages that are all decoded, or all encoded, in the order they come on the bus."""

    messages: tuple[Message, ...]
    codec: Codec  # every signal has its slot; of protected messages all but CRC and counter
    order: np.ndarray  # (n,) i8, index of each frame's message
    frames: np.recarray  # (n,) FRAME, filled in
    values: np.ndarray  # f8 by slot


class Traffic(NamedTuple):
    """What one comparison runs on. ``guarded`` has CRC and counter made and checked."""

    name: str
    dbc: Path
    guarded: bool
    decoded: Side
    encoded: Side


def six_signals() -> Traffic:
    """One frame of eight bytes with six signals: both byte orders, with signs and without."""
    side = _side(read(SIX_SIGNALS).messages, np.zeros(REPEATS, np.int64), {})
    return Traffic("six-signals", SIX_SIGNALS, False, side, side)


def car(guarded: bool) -> Traffic:
    """The shipped car's bus: what the host takes is decoded, what it sends is encoded."""
    messages = read(CAR).messages
    inward = [message for message in messages if HOST not in message.senders]
    outward = [message for message in messages if HOST in message.senders]
    every = protections(load_car(shipped_cars()["tianyuan"]), messages) if guarded else {}
    return Traffic(
        "car-protected" if guarded else "car",
        CAR,
        guarded,
        _side(inward, _schedule(inward), every),
        _side(outward, _schedule(outward), every),
    )


def _schedule(messages: Sequence[Message]) -> np.ndarray:
    """Index of the message of each frame in a pass, each message in its cycle time."""
    cycles_ms = [message.cycle_time or PASS_MS for message in messages]
    due = [(t, m) for m, cycle_ms in enumerate(cycles_ms) for t in range(0, PASS_MS, cycle_ms)]
    return np.array([m for _, m in sorted(due)], np.int64)


def _side(messages: Sequence[Message], order: np.ndarray, known: Mapping[str, Protection]) -> Side:
    guards = {message.name: known[message.name] for message in messages if message.name in known}
    filled_in = {(name, each) for name, guard in guards.items() for each in guard[2:4]}
    bound = [each for each in every_signal(messages) if each[:2] not in filled_in]
    codec = build(messages, bound, guards)
    rng = np.random.default_rng(1)
    filled, sent = frames(order.size), records(codec, SENT)
    values = np.zeros(slots(codec))
    for i, m in enumerate(order):
        values[:] = _values(messages, rng)
        encode(codec, m, sent, values, filled, i)
    return Side(tuple(messages), codec, order, filled, values)


def _values(messages: Sequence[Message], rng: np.random.Generator) -> list[float]:
    return [_value(signal, rng) for message in messages for signal in message.signals]


def _value(signal: Signal, rng: np.random.Generator) -> float:
    """A physical value within the declared range.

    It is a quarter of a step further from zero than a raw value, which truncation, as in
    the C that cantools generates, and rounding make the same of.
    """
    low, high = float(signal.minimum or 0.0), float(signal.maximum or 0.0)
    physical = low + (high - low) * rng.uniform(0.1, 0.9)
    raw = float(np.rint((physical - signal.offset) / signal.scale))
    return (raw + 0.25 * np.sign(raw)) * signal.scale + signal.offset
