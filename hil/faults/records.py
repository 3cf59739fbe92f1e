"""FAULTS, what is to go wrong and when, and FAULT_STATE, what has: the records kernels work on."""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NamedTuple

import numpy as np

from tianyuan.control.records import COMMAND, record
from tianyuan.dbc.codec import SENT, Codec, records
from tianyuan.dbc.frame import FRAME, frames

TAPE: Final = 64  # frames of a recording that is played back
HELD: Final = 512  # frames on their way, of those that are delayed
OUTSIDE: Final = 16  # frames of others that the actuators are to hear in the next step


class Effect(IntEnum):
    """What a row of FAULTS does."""

    NOTHING = 0  # a fault that nothing on board can notice
    # channels.py: a channel of SENSORS, after it was measured
    HOLD = 1  # as it was last sent
    SET = 2  # to ``amount``
    ADD = 3  # ``amount``
    CLAMP = 4  # to ±``amount``
    DRIFT = 5  # by ``amount`` a second
    NOISE = 6  # of standard deviation ``amount``
    TURN = 7  # by half a turn
    FLICKER = 8  # between ``amount`` and what it is, every ``every_ns``
    RANDOM = 9  # anywhere from ``amount`` to ``more``
    # on_frames.py: a frame after it was encoded
    SILENCE = 20  # it is not even made
    RAW = 21  # a signal's raw value, with the right CRC
    LENGTH = 22
    FD = 23
    WRONG_CRC = 24
    HOLD_COUNTER = 25
    DELAY = 26
    DOUBLE = 27
    REORDER = 28
    REPLAY_BESIDE = 29
    REPLAY_INSTEAD = 30
    EXTENDED = 31
    # extra_frames.py: frames of nobody's
    UNDECLARED = 40
    FLOOD = 41
    BURST = 42
    FORGED = 43
    HOST_BUS = 44
    LATE_STOP = 45
    # fields of BUS_FAULTS and ACTUATOR_FAULTS
    BUS = 60
    ACTUATOR = 61
    # host.py: the host in virtual time
    STALL = 70
    OVERRUN = 71
    TERMINATE = 72


class Trigger(IntEnum):
    """What a fault waits for."""

    TIME = 0
    STATION = 1
    SPEED = 2


class Where(IntEnum):
    """Whether a row needs the model of the buses, which has some faults of its own."""

    ANYWHERE = 0
    MODELLED = 1
    NOT_MODELLED = 2


# One row an effect: a fault may need several.
FAULTS: Final = np.dtype(
    [
        ("effect", "i8"),
        ("entry", "i8"),  # place of the entry that it is of
        ("number", "i8"),  # of the fault in the catalogue
        ("trigger", "i8"),
        ("at_ns", "i8"),  # since race control began to look; 0 is at once
        ("at", "f8"),  # station or speed
        ("lap", "i8"),
        ("for_ns", "i8"),  # 0 for ever
        ("seed", "i8"),
        ("draws", "i8"),  # the noise channel of its random draws
        ("message", "i8"),  # row of the sensors' codec, or of the commands', -1 for all
        ("channel", "i8"),  # of SENSORS or COMMAND; field of another record
        ("group", "i8"),  # of the channel
        ("signal", "i8"),  # row of the codec's signals
        ("amount", "f8"),
        ("more", "f8"),
        ("raw", "i8"),
        ("count", "i8"),  # frames or ticks after which it ends, or frames at a time; 0: none
        ("every_ns", "i8"),
        ("where", "i8"),  # Where
    ]
)

FAULT_STATE: Final = np.dtype(
    [
        ("active", "i8"),
        ("began_ns", "i8"),  # 0 for not yet
        ("ended_ns", "i8"),
        ("count", "i8"),  # frames or ticks that it has touched
        ("next_ns", "i8"),
        ("kept", "f8"),  # the channel's value, or the counter, as it was last sent
        ("taped", "i8"),  # frames recorded
        ("played", "i8"),
    ]
)

# The host in virtual time, as its loop would count.
HOST_FAULTS: Final = np.dtype(
    [
        ("skip", "i8"),  # 1: the next tick is missed, since this one takes so long
        ("late", "i8"),  # ticks missed since the last one
        ("in_a_row", "i8"),
        ("ended", "i8"),
        ("modelled", "i8"),  # 1: there is a model of the buses
    ]
)


class Faulted(NamedTuple):
    """All of the faults that changes in a run."""

    state: np.recarray  # FAULT_STATE, one a row of FAULTS
    host: np.recarray  # HOST_FAULTS
    held: np.recarray  # frames that are delayed; t_ns is when they go
    swapped: np.recarray  # one a message: the frame that the next one overtakes
    tape: np.recarray  # TAPE a row of FAULTS
    outside: np.recarray  # frames of others that the actuators hear in the next step
    counts: np.ndarray  # (2,) frames held, and outside
    sent: np.recarray  # SENT, of frames made beside those of the rig
    forged: np.recarray  # COMMAND, as somebody else would have it
    forged_sent: np.recarray


def none() -> np.recarray:
    """FAULTS of a run in which nothing goes wrong."""
    return np.zeros(0, FAULTS).view(np.recarray)


def faulted(faults: np.recarray, sensors: Codec, commands: Codec) -> Faulted:
    """Before a run: nothing has gone wrong yet."""
    some = faults.size > 0
    return Faulted(
        np.zeros(faults.size, FAULT_STATE).view(np.recarray),
        record(HOST_FAULTS),
        frames(HELD if some else 0),
        np.zeros(len(sensors.messages) if some else 0, FRAME).view(np.recarray),
        frames(TAPE * faults.size),
        frames(OUTSIDE if some else 0),
        np.zeros(2, np.int64),
        records(sensors, SENT),
        record(COMMAND),
        records(commands, SENT),
    )
