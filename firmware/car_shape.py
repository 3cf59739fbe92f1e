"""The shape of a car file: its tables and keys, each with its type and bounds.

The tables of parameters are not here but in ``control/parameters.py``, the only place where
a parameter is described. ``docs/car-file.md`` explains every key to those who write one.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from tianyuan.control.errors import InputError
from tianyuan.control.parameters import PARAMETERS, Parameter
from tianyuan.rooms import room

SIGNAL_PATTERN: Final = r"^[A-Za-z_]\w*\.[A-Za-z_]\w*$"
SignalName = Annotated[str, Field(pattern=SIGNAL_PATTERN)]
Number = Annotated[float, Field(allow_inf_nan=False)]
NumberOrName = Number | str
RawOrName = int | str  # a raw value, or the DBC file's name of one


class Strict(BaseModel):
    """No key that is not known, and no text for a number."""

    # Strict: a number in quotation marks is a text, and true is no number.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Valid(Strict):
    """A signal that says whether others mean anything: they do while it is one of these."""

    signal: SignalName
    one_of: Annotated[list[RawOrName], Field(min_length=1, alias="is")]


class Signal(Strict):
    """A channel's signal, ``MESSAGE.Signal``; the channel is the signal over ``ratio``."""

    signal: SignalName
    ratio: Number = 1.0
    offset: Number = 0.0
    unit: str | None = None
    radius_m: Annotated[float, Field(gt=0.0, le=2.0)] | None = None
    values: Annotated[dict[str, list[NumberOrName]], Field(min_length=1)] | None = None
    default: NumberOrName | None = None
    unavailable: list[RawOrName] = []
    valid: list[Valid] = []

    @property
    def message(self) -> str:
        """The name of the message that carries it."""
        return self.signal.partition(".")[0]

    @property
    def name(self) -> str:
        """The signal's name in its message."""
        return self.signal.partition(".")[2]


class Guarded(Strict):
    """End-to-end protection of one message."""

    profile: Literal["P1"]
    data_id: Annotated[int, Field(ge=0, le=0xFFFF)]
    crc: str = "CRC"
    counter: str = "Counter"
    max_delta: Annotated[int, Field(ge=1, le=14)] = 2


class Times(Strict):
    """A message's cycle, where the DBC file's is none or another, and when it is lost."""

    cycle_ms: Annotated[int, Field(ge=1, le=60_000)] | None = None
    timeout_ms: Annotated[float, Field(ge=1, le=60_000)] | None = None


class About(Strict):
    """Which car this is."""

    name: str


class Bus(Strict):
    """One of the car's buses: its DBC files and its bit rates, in bit/s."""

    dbc: Annotated[list[str], Field(min_length=1)]
    bitrate: Annotated[int, Field(ge=10_000, le=1_000_000)] = 500_000
    data_bitrate: Annotated[int, Field(ge=10_000, le=15_000_000)] | None = None  # of CAN FD


class Car(Strict):
    """One car file, checked. ``parameters`` holds the tables of numbers by section.

    The first of ``buses`` is the car's own; a bus's place is the channel of its frames.
    """

    file: Path
    car: About
    buses: dict[str, Bus]
    sensors: dict[str, Signal]
    commands: dict[str, list[Signal]]
    guard: dict[str, Signal] = {}
    protection: dict[str, Guarded] = {}
    messages: dict[str, Times] = {}
    constants: dict[str, NumberOrName] = {}
    echo: dict[str, str] = {}
    parameters: dict[str, dict[str, Any]]

    @property
    def name(self) -> str:
        """The car's name."""
        return self.car.name

    def dbc_files(self) -> list[Path]:
        """The car's DBC files, bus by bus: beside the car's file, or shipped in the package."""
        return [
            dbc_file(self.file, bus, name)
            for bus, table in self.buses.items()
            for name in table.dbc
        ]

    def dbc_names(self) -> str:
        """Their names, as one text."""
        return ", ".join(name for bus in self.buses.values() for name in bus.dbc)

    def channels(self) -> list[int]:
        """The channel of each of these files."""
        return [channel for channel, bus in enumerate(self.buses.values()) for _ in bus.dbc]


def dbc_file(car_file: Path, bus: str, name: str) -> Path:
    """Find a DBC file by its name; raises InputError where there is none."""
    beside = car_file.parent / name
    shipped = room("dbc") / name
    found = beside if beside.is_file() or not shipped.is_file() else shipped
    if not found.is_file():
        raise InputError(
            f"{car_file}: buses.{bus}.dbc: no file {name} beside it, nor in the package"
        )
    return found


def _number(parameter: Parameter) -> Any:
    bounded = Annotated[
        float, Field(ge=parameter.minimum, le=parameter.maximum, allow_inf_nan=False)
    ]
    if not parameter.size:
        return bounded
    return Annotated[list[bounded], Field(min_length=1, max_length=parameter.size)]


@cache
def section_model(section: str) -> type[BaseModel]:
    """The model of a section's parameters."""
    rows = [parameter for parameter in PARAMETERS if parameter.section == section]
    fields: dict[str, Any] = {
        row.name: (
            _number(row),
            Field(... if row.default is None else row.default, description=row.meaning),
        )
        for row in rows
    }
    return create_model(f"Section_{section}", __base__=Strict, **fields)


SECTIONS: Final = tuple(dict.fromkeys(parameter.section for parameter in PARAMETERS))
# Tables of entries by name, and what an entry is.
WIRED: Final = ("sensors", "commands", "guard")
NAMED: Final[dict[str, type[BaseModel]]] = {"buses": Bus, "protection": Guarded, "messages": Times}
BY_SIGNAL: Final = ("constants", "echo")
TABLES: Final = ("car", *WIRED, *NAMED, *BY_SIGNAL, *SECTIONS)
