"""From a car file to what the guard reads and remembers.

The guard knows the car file and the wire, and nothing of how the driver thinks.
"""

from __future__ import annotations

from itertools import count
from typing import NamedTuple

import numpy as np
from cantools.database.can import Message

from tianyuan.control.records import CHANNELS, COMMAND, COMMAND_NAMES, record
from tianyuan.dbc.codec import RECEIVED, SENT, Binding, Codec, records, slots
from tianyuan.dbc.records import Kind
from tianyuan.firmware.car_messages import messages_of
from tianyuan.firmware.car_shape import Car
from tianyuan.firmware.guard.records import (
    BOOKS,
    BRAKE,
    CHANGE,
    CHANGES,
    GUARD,
    GUARD_NAMES,
    LIMITS,
    SAID,
    STEERING,
    THROTTLE,
    WATCHED,
)
from tianyuan.firmware.guard.slew import SLEW
from tianyuan.firmware.timing import NS_PER_MS, cycles_ns, timeout_s
from tianyuan.firmware.wiring import bind, codec_of, command_wiring

WHEELS = CHANNELS["wheels"]
KINDS = {"steer_rad": STEERING, "throttle": THROTTLE, "brake_bar": BRAKE}
WHEELS_S = 0.1
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
    watched: np.recarray  # WATCHED, one a signal that steers, accelerates or brakes
    wheels_ns: np.ndarray  # (wheel messages,) heard no later than this
    limits: np.recarray  # LIMITS


class Memory(NamedTuple):
    """All of the guard that changes."""

    values: np.ndarray  # what the host last sent: COMMAND, then what its channels feed beside
    command: np.recarray  # COMMAND in these
    wheel_mps: np.ndarray  # (4,)
    heard: np.recarray  # RECEIVED, one record a command message
    turned: np.recarray  # RECEIVED, one record a wheel message
    errors: np.ndarray  # (command messages,) refused frames already taken note of
    bad: np.ndarray  # (command messages,) refused frames in a row
    spoilt: np.ndarray  # (command messages,) 1 if the last of them was no whole frame
    slew: np.recarray  # SLEW, one for each of WATCHED
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


def _wheels_ns(car: Car, messages: tuple[Message, ...]) -> np.ndarray:
    """For how long each message of the wheels may be silent."""
    limits_s = [max(timeout_s(car, "wheels", each.name, WHEELS_S), WHEELS_S) for each in messages]
    return np.array([round(limit_s * 1e9) for limit_s in limits_s], np.int64)


def _step(commands: Codec, slots: list[int]) -> float:
    """What the wire rounds a command to, at the coarsest."""
    rows = commands.signals[np.isin(commands.signals.slot, slots)]
    steps = np.where(rows["kind"] < Kind.FLOAT_16, np.abs(rows["scale"]), FLOAT_STEP)
    return float(steps.max(initial=0.0))


def _limits(
    car: Car, commands: Codec, bindings: list[Binding], apart: list[Binding]
) -> np.recarray:
    def step(channel: str) -> float:
        place = COMMAND_NAMES.index(channel)
        pairs = zip(bindings, apart, strict=True)
        return _step(commands, [own.slot for binding, own in pairs if binding.slot == place])

    limits = record(LIMITS)
    of_car = car.parameters["limits"]
    for name in ("steer_rad", "steer_rate_radps", "throttle_rate_1ps", "brake_bar"):
        limits[name][0] = of_car[name]
    limits.brake_rate_barps[0] = of_car["brake_rate_barps"]
    limits.steer_step_rad[0] = step("steer_rad")
    limits.throttle_step[0] = step("throttle")
    limits.brake_step_bar[0] = step("brake_bar")
    return limits


def _carrier(car: Car, sent: tuple[Message, ...]) -> np.ndarray:
    order = [message.name for message in sent]
    table = np.full(len(COMMAND_NAMES), -1, np.int64)
    for channel, wired in car.commands.items():
        table[COMMAND_NAMES.index(channel)] = order.index(wired[0].message)
    return table


def _apart(bindings: list[Binding]) -> list[Binding]:
    """Give each further signal of a channel a slot of its own, after those of COMMAND."""
    taken, free = set[int](), count(len(COMMAND.names or ()))
    made = []
    for binding in bindings:
        slot = next(free) if binding.slot in taken else binding.slot
        taken.add(slot)
        made.append(binding._replace(slot=slot))
    return made


def _watched(bindings: list[Binding], apart: list[Binding], order: list[str]) -> np.recarray:
    """What is watched: each signal of the three channels that move the car."""
    kinds = {COMMAND_NAMES.index(name): kind for name, kind in KINDS.items()}
    rows = [
        (order.index(own.message), own.slot, kinds[binding.slot])
        for binding, own in zip(bindings, apart, strict=True)
        if binding.slot in kinds
    ]
    return np.array(rows, WATCHED).view(np.recarray)


def tables(car: Car, host_period_ns: int) -> Tables:
    """What the guard of a car reads, whose host ticks once in ``host_period_ns``.

    A host that ticks less often than a message's cycle sends the message every tick. Raises
    InputError for what the car's DBC files do not hold.
    """
    messages = messages_of(car)
    wiring = command_wiring(car, messages)
    apart = _apart(wiring.bindings)
    # Frame by frame, without a window: the guard has rules of its own for bad ones.
    commands, sent = codec_of(car, wiring._replace(bindings=apart), messages, windowed=False)
    only_wheels = bind(_only(car, WHEELS), "sensors", messages, WHEELS)
    wheels, turning = codec_of(car, only_wheels, messages, windowed=False)
    permit, _ = codec_of(car, bind(car, "guard", messages, GUARD_NAMES), messages)
    ticks = -(-cycles_ns(sent, car) // host_period_ns)
    return Tables(
        commands,
        wheels,
        permit,
        np.maximum(SILENT_CYCLES * ticks * host_period_ns, SILENT_NS),
        _carrier(car, sent),
        _watched(wiring.bindings, apart, [message.name for message in sent]),
        _wheels_ns(car, turning),
        _limits(car, commands, wiring.bindings, apart),
    )


def memory(plan: Tables) -> Memory:
    """A guard that has heard nothing yet, and waits."""
    messages = plan.commands.messages.size
    values = np.zeros(max(slots(plan.commands), len(COMMAND.names or ())))
    command = values[: len(COMMAND.names or ())].view(COMMAND).view(np.recarray)
    # What has no signal to switch it off is on.
    command.steer_enable[0] = command.throttle_enable[0] = command.brake_enable[0] = 1.0
    return Memory(
        values,
        command,
        np.zeros(len(WHEELS)),
        records(plan.commands, RECEIVED),
        records(plan.wheels, RECEIVED),
        np.zeros(messages, np.int64),
        np.zeros(messages, np.int64),
        np.zeros(messages, np.int64),
        np.zeros(plan.watched.size, SLEW).view(np.recarray),
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
