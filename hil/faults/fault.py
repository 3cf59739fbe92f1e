"""What the catalogue says of a fault: what is expected of the host, where it is injected."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, NamedTuple

from tianyuan.control.records import Cause


class Reaction(StrEnum):
    """What the host is to do about a fault."""

    IGN = "IGN"  # ignore and count
    DEG = "DEG"  # degraded: estimate without it, speed capped
    CS = "CS"  # controlled stop on the line
    ES = "ES"  # emergency stop
    REF = "REF"  # refuse to arm
    NONE = "NONE"  # drive on as if nothing had happened


class Layer(StrEnum):
    """Where a fault is injected."""

    CHANNEL = "channel"  # a value between measuring and encoding
    FRAME = "frame"  # a frame between encoding and the bus
    ACTUATOR = "actuator"
    BUS = "bus"  # of virtual time
    HOST = "host"  # ticks that it misses in virtual time, and what its loop would tell it
    START = "start"  # how the car stands before the run
    FILE = "file"  # what the host reads at its start
    PROCESS = "process"  # of real time: signals, disks, memory, CPUs
    INTERFACE = "interface"  # of real time: the kernel's CAN


Unit = Literal["P", "T", "ms"]  # the message's period, the loop's period, milliseconds
Kind = Literal["number", "choice", "message", "channel"]


class Expected(NamedTuple):
    """A reaction, and within what of the fault its first frame is to be seen; None: no bound."""

    reaction: Reaction
    bound: float | None = None
    unit: Unit | None = None
    when: str = ""  # a condition, in words, where there are several reactions


class Parameter(NamedTuple):
    """A parameter of a fault; ``low`` and ``high`` bound a number, ``choices`` a choice.

    A ``message`` is a message's name, a group of channels (all that carry it) or "all".
    """

    name: str
    default: float | str
    unit: str  # as in its name; "1" for a bare number, "" for words
    low: float = 0.0
    high: float = 0.0
    choices: tuple[str, ...] = ()
    kind: Kind = "number"


class Fault(NamedTuple):
    """One row of the catalogue."""

    number: int  # in the list of faults to survive
    name: str
    group: str
    expected: tuple[Expected, ...]
    virtual: Layer | None  # where it is injected in virtual time; None: means nothing there
    realtime: Layer | None
    parameters: tuple[Parameter, ...] = ()
    causes: tuple[Cause, ...] = ()  # that the host has for it; none yet: empty
    for_s: float | None = None  # how long, where nobody says; None: to the end of the run
    ends: bool = True  # False: what is done cannot be taken back, so ``for_s`` means nothing

    @property
    def before_the_run(self) -> bool:
        """Whether it is there before anything moves: no trigger, no duration."""
        return (self.virtual or self.realtime) in (Layer.FILE, Layer.START)


def number(name: str, default: float, unit: str, low: float, high: float) -> Parameter:
    """A numeric parameter within [low, high]."""
    return Parameter(name, default, unit, low, high)


def choice(name: str, *choices: str) -> Parameter:
    """A word out of some, the first where nobody says."""
    return Parameter(name, choices[0], "", choices=choices, kind="choice")


def message(default: str) -> Parameter:
    """The message or messages that a fault is of."""
    return Parameter("message", default, "", kind="message")


def channel(default: str) -> Parameter:
    """A channel of SENSORS that a fault is of."""
    return Parameter("channel", default, "", kind="channel")
