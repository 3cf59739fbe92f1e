"""One ``[[faults]]`` of a scenario: which fault, when, for how long, and its parameters."""

from __future__ import annotations

import math
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tianyuan.control.errors import InputError
from tianyuan.control.records import CHANNEL_NAMES
from tianyuan.firmware.car_entries import suggestion
from tianyuan.hil.faults.catalogue import fault_named
from tianyuan.hil.faults.fault import Fault, Parameter


class At(BaseModel):
    """The instant at which a fault begins; exactly one of the three.

    ``time_s`` counts from when race control began to look (telemetry's zero; 0 is from the
    rig's very first step), a station from the line's first point in lap ``lap`` (1 is the one
    from standstill), and ``speed_mps`` is the first time that the car is so fast.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    time_s: Annotated[float, Field(ge=0)] | None = None
    station_m: Annotated[float, Field(ge=0)] | None = None
    lap: Annotated[int, Field(ge=1)] | None = None
    speed_mps: Annotated[float, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        given = [k for k in ("time_s", "station_m", "speed_mps") if getattr(self, k) is not None]
        if len(given) != 1:
            what = " and ".join(given) or "nothing"
            raise ValueError(f"{what} given; give one of time_s, station_m and speed_mps")
        if self.lap is not None and self.station_m is None:
            raise ValueError("lap without station_m; say station_m, too")
        return self


class FaultEntry(BaseModel):
    """A fault of the catalogue with its trigger, duration and parameters.

    ``for_s`` is as the catalogue says where nobody does, and to the end of the run where it
    says nothing; ``seed`` is that of the run. The fault's own parameters stand beside them.
    """

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)

    fault: str
    at: At = At(time_s=0.0)
    for_s: Annotated[float, Field(gt=0)] | None = None
    seed: Annotated[int, Field(ge=0, lt=1 << 62)] | None = None

    @model_validator(mode="after")
    def _known_and_within_bounds(self) -> Self:
        try:
            fault = self.row
        except InputError as error:
            raise ValueError(str(error)) from None
        given = self.model_extra or {}
        known = {parameter.name: parameter for parameter in fault.parameters}
        for name, value in given.items():
            if name not in known:
                has = f"; it has {', '.join(known)}" if known else "; it has none"
                raise ValueError(
                    f"{self.fault}.{name}: no such parameter{suggestion(name, known) or has}"
                )
            _check(f"{self.fault}.{name}", known[name], value)
        if not fault.ends and self.for_s is not None:
            raise ValueError(f"{self.fault}.for_s: cannot be taken back; leave it out")
        if fault.before_the_run and ("at" in self.model_fields_set or self.for_s is not None):
            raise ValueError(f"{self.fault}: is there before the run; leave out at and for_s")
        return self

    @property
    def row(self) -> Fault:
        """The catalogue's row."""
        return fault_named(self.fault)

    @property
    def lasts_s(self) -> float | None:
        """For how long it lasts; None is to the end of the run."""
        return self.row.for_s if self.for_s is None else self.for_s

    @property
    def parameters(self) -> dict[str, float | str]:
        """Every parameter of the fault by name, the catalogue's defaults filled in."""
        return {each.name: each.default for each in self.row.parameters} | (self.model_extra or {})


def _check(where: str, parameter: Parameter, value: Any) -> None:
    """Raise ValueError for a value that its parameter cannot have."""
    if parameter.kind == "number":
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not math.isfinite(value):
            raise ValueError(f"{where} = {value!r}: not a number; give one in {parameter.unit}")
        if not parameter.low <= value <= parameter.high:
            raise ValueError(
                f"{where} = {value!r}: not from {parameter.low:g} to {parameter.high:g} "
                f"{parameter.unit}"
            )
        return
    known = {"choice": parameter.choices, "channel": CHANNEL_NAMES}.get(parameter.kind)
    if not isinstance(value, str):
        raise ValueError(f"{where} = {value!r}: not a word; write it in quotes")
    if known is not None and value not in known:
        hint = suggestion(value, known) or f"; one of {', '.join(known)}"
        raise ValueError(f"{where} = {value!r}: unknown{hint}")
