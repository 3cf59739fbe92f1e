"""A campaign's file: which scenarios, how often, and what of them varies how."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from tianyuan.control.errors import InputError
from tianyuan.firmware.car_file import read_toml
from tianyuan.hil.campaign.design import Method
from tianyuan.hil.campaign.distributions import Distribution, Value

MOST_ROWS: Final = 10_000_000
Key = Annotated[str, Field(pattern=r"^\w+(\.\w+)*$")]


class Campaign(BaseModel):
    """One campaign, as its file says it.

    Keys of ``grid`` and ``sample`` are dotted keys of a scenario's file. Each combination of
    the grid's values meets each of the ``samples`` points, with each of the ``seeds``: their
    number, or the seeds themselves.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = ""  # the file's, if not said
    about: str = ""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1
    samples: Annotated[int, Field(ge=1, le=MOST_ROWS)] = 1
    method: Method = "sobol"
    seeds: (
        Annotated[int, Field(ge=1, le=MOST_ROWS)]
        | Annotated[list[Annotated[int, Field(ge=0, lt=2**63)]], Field(min_length=1)]
    ) = 1
    scenarios: list[str] = []
    scenario: dict[str, Any] | None = None  # one written here
    grid: dict[Key, Annotated[list[Value], Field(min_length=1)]] = {}
    sample: dict[Key, Distribution] = {}

    @model_validator(mode="after")
    def _has_rows(self) -> Self:
        if bool(self.scenarios) == (self.scenario is not None):
            raise ValueError("give either scenarios or one [scenario]")
        if both := [key for key in self.grid if key in self.sample]:
            raise ValueError(f"{both[0]} is in grid and in sample; leave one out")
        for key in ("name", "seed"):
            if key in self.keys():
                raise ValueError(f"{key} cannot vary; seeds = N drives each point N times")
        if self.samples > 1 and not self.sample:
            raise ValueError("samples without a [sample]; write what is drawn, or seeds = N")
        if self.rows() > MOST_ROWS:
            raise ValueError(f"{self.rows()} rows; {MOST_ROWS} are the most")
        return self

    def repeats(self) -> int:
        """How many seeds each point is driven with."""
        return self.seeds if isinstance(self.seeds, int) else len(self.seeds)

    def corners(self) -> int:
        """How many combinations the grid has."""
        return math.prod(len(values) for values in self.grid.values())

    def rows(self) -> int:
        """How many runs the campaign has."""
        return max(len(self.scenarios), 1) * self.corners() * self.samples * self.repeats()

    def keys(self) -> list[str]:
        """What varies: the grid's keys, then what is drawn."""
        return [*self.grid, *self.sample]


def load(file: Path, seed: int | None = None) -> Campaign:
    """The campaign of a file, with another seed if one is given; raises InputError."""
    document = {"name": file.stem} | read_toml(file)
    if seed is not None:
        document["seed"] = seed
    try:
        return Campaign.model_validate(document)
    except ValidationError as error:
        raise InputError(f"{file}: {_line(error)}") from None


def _place(parts: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """Where it stands in the file: pydantic adds which of two types of ``seeds`` it tried."""
    return (parts[0], *parts[2:]) if parts[:1] == ("seeds",) else parts


def _line(error: ValidationError) -> str:
    """The first mistake in one clause."""
    first = error.errors()[0]
    key = ".".join(str(part) for part in _place(first["loc"]))
    said = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        return f"{key}: unknown key; known are {', '.join(Campaign.model_fields)}"
    if not key:
        return said
    value = "" if isinstance(first["input"], dict) else f" = {first['input']!r}"
    return f"{key}{value}: {said[0].lower()}{said[1:]}"
