"""From a car file to what the guard reads and remembers.

The guard knows the car file and the wire, and nothing of how the driver thinks.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from cantools.database.can import Message

from tianyuan.control.records import CHANNELS, COMMAND, COMMAND_NAMES, record
from tianyuan.dbc.codec import RECEIVED, SENT, Codec, records
from tianyuan.dbc.records import Kind
from tianyuan.firmware.car_shape import Car
from tianyuan.firmware.guard.records import (
    BOOKS,
    CHANGE,
    CHANGES,
    GUARD,
    GUARD_NAMES,
    LIMITS,
    SAID,
    SLEW,
)
from tianyuan.firmware.timing import NS_PER_MS, cycles_ns
from tianyuan.firmware.wiring import bind, codec_of, command_wiring, messages_of

WHEELS = CHANNELS["wheels"]
SILENT_CYCLES = 3
SILENT_NS = 6 * NS_PER_MS  # no message is missed sooner
FLOAT_STEP = 1e-6  # of a command that the wire carries as a float


class Tables(NamedTuple):
    """What the guard's tick reads and never writes."""

    commands: Codec  # the host's messages, to the channels of COMMAND
    wheels: Codec  # the wheel speeds, by their place among the channels of the group
    permit: Codec  # the guard's own message, from SAID; of no message for a car without a guard
    silent_ns: np.ndarray  # (command messages,) heard no later than this
    carrier: np.ndarray  # (channels of COMMAND,) the message that carries each, -1 for none
    limits: np.recarray  # LIMITS


class Memory(NamedTuple):
    """All of the guard that changes."""

    command: np.recarray  # COMMAND as the host last sent it
    wheel_mps: np.ndarray  # (4,)
    heard: np.recarray  # RECEIVED, one record a command message
    turned: np.recarray  # RECEIVED, one record a wheel message
    errors: np.ndarray  # (command messages,) refused frames already taken note of
    bad: np.ndarray  # (command messages,) refused frames in a row
    spoilt: np.ndarray  # (command messages,) 1 if the last of them was no whole frame
    slew: np.recarray  # SLEW, by STEERING, THROTTLE and BRAKE
    guard: np.recarray  # GUARD
    said: np.recarray  # SAID
    sent: np.recarray  # SENT
    books: np.recarray  # BOOKS
    changes: np.recarray  # (CHANGES,) CHANGE, of the permit or its cause, in a ring


class Guard(NamedTuple):
    """A guard ready to tick."""

    tables: Tables
    memory: Memory


def _only(car: Car, channels: tuple[str, ...]) -> Car:
    """The car with no other sensors than these channels."""
    kept = {name: signal for name, signal in car.sensors.items() if name in channels}
    return car.model_copy(update={"sensors": kept})


def _step(commands: Codec, channel: str) -> float:
    """What the wire rounds a command to, at the coarsest."""
    rows = commands.signals[commands.signals.slot == COMMAND_NAMES.index(channel)]
    steps = np.where(rows.kind < Kind.FLOAT_16, np.abs(rows.scale), FLOAT_STEP)
    return float(steps.max(initial=0.0))


def _limits(car: Car, commands: Codec) -> np.recarray:
    limits = record(LIMITS)
    of_car = car.parameters["limits"]
    for name in ("steer_rad", "steer_rate_radps", "throttle_rate_1ps", "brake_bar"):
        limits[name][0] = of_car[name]
    limits.brake_rate_barps[0] = of_car["brake_rate_barps"]
    limits.steer_step_rad[0] = _step(commands, "steer_rad")
    limits.throttle_step[0] = _step(commands, "throttle")
    limits.brake_step_bar[0] = _step(commands, "brake_bar")
    return limits


def _carrier(car: Car, sent: tuple[Message, ...]) -> np.ndarray:
    order = [message.name for message in sent]
    table = np.full(len(COMMAND_NAMES), -1, np.int64)
    for channel, wired in car.commands.items():
        table[COMMAND_NAMES.index(channel)] = order.index(wired[0].message)
    return table


def tables(car: Car, host_period_ns: int) -> Tables:
    """What the guard of a car reads, whose host ticks once in ``host_period_ns``.

    A host that ticks less often than a message's cycle sends the message every tick. Raises
    InputError for what the car's DBC files do not hold.
    """
    messages = messages_of(car)
    commands, sent = codec_of(car, command_wiring(car, messages), messages)
    only_wheels = bind(_only(car, WHEELS), "sensors", messages, WHEELS)
    wheels, _ = codec_of(car, only_wheels, messages)
    permit, _ = codec_of(car, bind(car, "guard", messages, GUARD_NAMES), messages)
    ticks = -(-cycles_ns(sent, car) // host_period_ns)
    return Tables(
        commands,
        wheels,
        permit,
        np.maximum(SILENT_CYCLES * ticks * host_period_ns, SILENT_NS),
        _carrier(car, sent),
        _limits(car, commands),
    )


def memory(plan: Tables) -> Memory:
    """A guard that has heard nothing yet, and waits."""
    messages = plan.commands.messages.size
    command = record(COMMAND)
    # What has no signal to switch it off is on.
    command.steer_enable[0] = command.throttle_enable[0] = command.brake_enable[0] = 1.0
    return Memory(
        command,
        np.zeros(len(WHEELS)),
        records(plan.commands, RECEIVED),
        records(plan.wheels, RECEIVED),
        np.zeros(messages, np.int64),
        np.zeros(messages, np.int64),
        np.zeros(messages, np.int64),
        np.zeros(3, SLEW).view(np.recarray),
        record(GUARD),
        record(SAID),
        records(plan.permit, SENT),
        record(BOOKS),
        np.zeros(CHANGES, CHANGE).view(np.recarray),
    )


def make_guard(car: Car, host_period_ns: int) -> Guard:
    """A guard that has heard nothing yet; see ``tables``."""
    plan = tables(car, host_period_ns)
    return Guard(plan, memory(plan))
