"""A scenario's file: what is driven, what goes wrong, and what has to come of it."""

from __future__ import annotations

import difflib
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from tianyuan.control.records import Cause
from tianyuan.firmware.guard.records import GuardCause
from tianyuan.hil.faults.entry import FaultEntry
from tianyuan.hil.road import Conditions

REACTIONS: Final = (
    "ignored", "degraded", "controlled_stop", "emergency_stop", "refused", "none",
)  # fmt: skip
Reaction = Literal["ignored", "degraded", "controlled_stop", "emergency_stop", "refused", "none"]
Law = Literal["stanley", "pure-pursuit"]
Positive = Annotated[float, Field(gt=0)]
# What host and guard may name on the bus.
CAUSES: Final = {cause.name for cause in Cause} | {cause.name for cause in GuardCause}


def causes_of(said: str | list[str] | None) -> list[str]:
    """The causes that ``expect.cause`` allows."""
    return [said] if isinstance(said, str) else said or []


class Part(BaseModel):
    """A table of the file: no unknown key, no text for a number, every number finite."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Expect(Part):
    """What the judge holds the run against; what is not said comes from the faults' catalogue."""

    reaction: Reaction | None = None
    within: Annotated[str, Field(pattern=r"^\d+(\.\d+)? *(P|T|ms|s)$")] | None = None
    cause: str | list[str] | None = None  # or one of these
    on_track: bool = True
    stop_distance_m: Positive | None = None  # at most, from the fault's beginning
    max_cross_track_m: Positive | None = None
    lap_time_s: Annotated[tuple[Positive, Positive], Field(strict=False)] | None = (
        None  # of every flying lap, or the only one
    )
    limits_kept: bool = True
    known: str | None = None  # why this is not met yet: an expected failure, until it is met

    @field_validator("lap_time_s")
    @classmethod
    def _rises(cls, said: tuple[float, float] | None) -> tuple[float, float] | None:
        if said is not None and said[0] > said[1]:
            raise ValueError("the higher one first; write [low, high]")
        return said

    @field_validator("cause")
    @classmethod
    def _is_known(cls, said: str | list[str] | None) -> str | list[str] | None:
        for name in causes_of(said):
            if name not in CAUSES:
                close = difflib.get_close_matches(name, CAUSES, n=1)
                hint = f"did you mean {close[0]}?" if close else "see control/records.py"
                raise ValueError(f"no cause {name!r}; {hint}")
        return said


class Scenario(Part):
    """One scenario, as its file says it."""

    name: str = ""  # the file's, if not said
    about: str = ""
    car: str = "tianyuan"
    track: str = "oval"
    controller: Law = "stanley"
    rate_hz: Literal[100, 125, 200, 250, 500, 1000] = 500
    laps: Annotated[int, Field(ge=1, le=10_000)] | None = None
    seconds: Positive | None = None  # since race control began to look, as the faults' time_s
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1
    car_file: dict[str, Any] = Field(default_factory=dict)  # what differs from the car's file
    vehicle: dict[str, Any] = Field(default_factory=dict)  # what differs from the plant's file
    conditions: Annotated[Conditions, Field(strict=False)] = Conditions()
    faults: Annotated[list[FaultEntry], Field(strict=False)] = Field(default_factory=list)
    expect: Expect = Expect()
    twin: bool = True  # the same run without its faults must not trip

    def without_faults(self) -> Self:
        """The twin: the same run with nothing wrong, which must not trip."""
        return self.model_copy(update={"faults": [], "expect": Expect()})

    @model_validator(mode="after")
    def _has_an_end(self) -> Self:
        if (self.laps is None) == (self.seconds is None):
            raise ValueError("say either laps or seconds")
        return self


def flat(table: dict[str, Any], before: str = "") -> dict[str, Any]:
    """Tables in tables as dotted keys."""
    made: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            made |= flat(value, f"{before}{key}.")
        else:
            made[f"{before}{key}"] = value
    return made


def nested(table: dict[str, Any]) -> dict[str, Any]:
    """Dotted keys as tables in tables."""
    made: dict[str, Any] = {}
    for key, value in flat(table).items():
        *parts, last = key.split(".")
        place = made
        for part in parts:
            place = place.setdefault(part, {})
        place[last] = value
    return made
