"""Rows of FAULTS for what is wrong with frames, with the bus, and with the host's ticks."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import numpy as np

from tianyuan.control.errors import InputError
from tianyuan.control.records import COMMAND_NAMES
from tianyuan.hil.actuators.state import ACTUATOR_FAULTS
from tianyuan.hil.bus.faults import BUS_FAULTS
from tianyuan.hil.faults.entry import FaultEntry
from tianyuan.hil.faults.records import Effect, Where
from tianyuan.hil.faults.targets import Rows, Targets, ns

ALL: Final = -1
HALF: Final = 0.5  # of the frames are held back, so that the others overtake them
INTRUDER_RAD: Final = 0.3  # what somebody on the host's bus steers


def frames(effect: Effect, car: Targets, entry: FaultEntry, **more: Any) -> Rows:
    """An effect on each frame of some messages."""
    chosen = car.messages(entry)
    if effect in (Effect.WRONG_CRC, Effect.HOLD_COUNTER):
        for message in chosen:
            if car.wire.sensors.messages[message].counter < 0:
                raise InputError(
                    f"{entry.fault}.message: {car.names[message]} has no protection to get wrong"
                )
    for message in [ALL] if len(chosen) == len(car.names) else chosen:
        yield {"effect": effect, "message": message, **more}


def length(car: Targets, entry: FaultEntry) -> Rows:
    """Frames of another length."""
    return frames(Effect.LENGTH, car, entry, amount=entry.parameters["length"])


def delayed(car: Targets, entry: FaultEntry) -> Rows:
    """Frames that come late."""
    return frames(Effect.DELAY, car, entry, every_ns=ns(entry.parameters["delay_ms"]))


def disordered(car: Targets, entry: FaultEntry) -> Rows:
    """Frames twice, or every pair the wrong way round."""
    doubled = entry.parameters["how"] == "doubled"
    yield of_bus("duplicate" if doubled else "reorder", 1.0 if doubled else HALF)
    effect = Effect.DOUBLE if doubled else Effect.REORDER
    yield from frames(effect, car, entry, where=Where.NOT_MODELLED)


def replayed(car: Targets, entry: FaultEntry) -> Rows:
    """Frames of the time before the fault, beside the present ones or in their place."""
    beside = entry.parameters["how"] == "beside"
    for message in car.messages(entry):  # each has a recording of its own
        yield {
            "effect": Effect.REPLAY_BESIDE if beside else Effect.REPLAY_INSTEAD,
            "message": message,
        }


def forged(car: Targets, entry: FaultEntry) -> Rows:
    """Our own commands from outside."""
    told = entry.parameters
    yield {
        "effect": Effect.FORGED,
        "message": car.commanding(entry, str(told["command"])),
        "channel": COMMAND_NAMES.index(str(told["command"])),
        "amount": told["value"],
        "every_ns": ns(told["every_ms"]),
    }


def intruding(car: Targets, entry: FaultEntry) -> Rows:
    """Commands on the bus on which the host only speaks."""
    every_ns = ns(entry.parameters["every_ms"])
    if entry.parameters["how"] == "commands":
        message = car.commanding(entry, "steer_rad")
        yield {
            "effect": Effect.HOST_BUS,
            "message": message,
            "channel": COMMAND_NAMES.index("steer_rad"),
            "amount": INTRUDER_RAD,
            "every_ns": every_ns,
        }
    else:  # somebody who does not read is nobody in virtual time
        yield {"effect": Effect.NOTHING}


def late(car: Targets, entry: FaultEntry) -> Rows:
    """An emergency stop that comes when it is long over."""
    message, _ = car.carrier(entry, "estop")
    count = int(entry.parameters["frames_old"])
    yield {"effect": Effect.LATE_STOP, "message": message, "count": count}


def undeclared(car: Targets, entry: FaultEntry) -> Rows:
    """An identifier that no DBC file has."""
    identifier = int(entry.parameters["id"])
    every_ns = ns(entry.parameters["every_ms"])
    yield {"effect": Effect.UNDECLARED, "raw": identifier, "every_ns": every_ns}


def flood(car: Targets, entry: FaultEntry) -> Rows:
    """Identifier 0, which goes before all others."""
    count = int(entry.parameters["frames_per_ms"])
    yield {"effect": Effect.FLOOD, "count": count, "every_ns": 1, "where": Where.NOT_MODELLED}
    yield of_bus("flood_id0", 1.0)


def overflow(car: Targets, entry: FaultEntry) -> Rows:
    """More frames than a queue has room for."""
    told = entry.parameters
    yield {
        "effect": Effect.BURST,
        "count": int(told["frames"]),
        "every_ns": ns(told["every_ms"]),
        "where": Where.NOT_MODELLED,
    }
    yield of_bus("receive_room", float(told["room"]))


def of_record(record: np.dtype, effect: Effect, field: str, amount: float) -> dict[str, Any]:
    """A field of BUS_FAULTS or of ACTUATOR_FAULTS."""
    place = (record.names or ()).index(field)
    real = record[place].kind == "f"
    return {"effect": effect, "channel": place, "amount": amount, "more": float(real)}


def of_bus(field: str, amount: float) -> dict[str, Any]:
    """A field of BUS_FAULTS, which the model of the buses makes of it what it is."""
    return of_record(BUS_FAULTS, Effect.BUS, field, amount) | {"where": Where.MODELLED}


of_actuators = partial(of_record, ACTUATOR_FAULTS, Effect.ACTUATOR)


def bus(field: str, car: Targets, entry: FaultEntry) -> Rows:
    """A field of the bus set."""
    yield of_bus(field, 1.0)


def cable(car: Targets, entry: FaultEntry) -> Rows:
    """A cable pulled, or nobody left at its other end."""
    yield of_bus(str(entry.parameters["how"]), 1.0)


def load(car: Targets, entry: FaultEntry) -> Rows:
    """A bus filled up by somebody who gives way to all others."""
    yield of_bus("load_share", float(entry.parameters["share"]))
    yield of_bus("load_id", 0x7FF)


def steering(car: Targets, entry: FaultEntry) -> Rows:
    """A steering motor that stays where it is, or has no torque."""
    yield of_actuators(f"steer_{entry.parameters['how']}", 1.0)


def runaway(car: Targets, entry: FaultEntry) -> Rows:
    """A steering motor that turns by itself."""
    yield of_actuators("steer_runaway_radps", float(entry.parameters["rate_radps"]))


def brake(car: Targets, entry: FaultEntry) -> Rows:
    """A brake circuit without pressure, or both."""
    circuit = entry.parameters["circuit"]
    for each in ("1", "2") if circuit == "both" else (circuit,):
        yield of_actuators(f"brake_circuit_{each}_dead", 1.0)


def throttle(car: Targets, entry: FaultEntry) -> Rows:
    """A throttle that stays as open as it is."""
    yield of_actuators("throttle_stuck", 1.0)


def overrun(car: Targets, entry: FaultEntry) -> Rows:
    """Ticks that take too long."""
    yield {"effect": Effect.OVERRUN, "count": int(entry.parameters["ticks"])}


def sole(effect: Effect, car: Targets, entry: FaultEntry) -> Rows:
    """An effect without parameters."""
    yield {"effect": effect}
