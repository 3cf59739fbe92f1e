"""What a campaign's parameter is drawn from: one table of the file, and its inverse."""

from __future__ import annotations

import math
from typing import Annotated, Any, Final, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator
from scipy.special import ndtr, ndtri

Number = Annotated[float, Field(allow_inf_nan=False)]
Value = bool | int | float | str

KINDS: Final = ("uniform", "normal", "loguniform", "choice")


class Distribution(BaseModel):
    """One of ``KINDS`` with its numbers; ``min`` and ``max`` cut a normal one off, both ways in.

    ``uniform`` and ``loguniform`` are [from, to], ``normal`` is [mean, standard deviation],
    ``choice`` is a list of values, as likely as their ``weights`` say.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    uniform: tuple[Number, Number] | None = None
    normal: tuple[Number, Number] | None = None
    loguniform: tuple[Number, Number] | None = None
    choice: Annotated[list[Value], Field(min_length=1)] | None = None
    weights: list[Annotated[float, Field(ge=0.0, allow_inf_nan=False)]] | None = None
    min: Number | None = None
    max: Number | None = None

    @model_validator(mode="after")
    def _can_be_drawn_from(self) -> Self:
        if sum(getattr(self, kind) is not None for kind in KINDS) != 1:
            raise ValueError(f"give one of {', '.join(KINDS)}")
        pair = self.uniform or self.loguniform
        if pair is not None and not pair[0] < pair[1]:
            raise ValueError(f"from {pair[0]:g} to {pair[1]:g} is no range; write [from, to]")
        if self.loguniform is not None and self.loguniform[0] <= 0:
            raise ValueError("loguniform must begin above 0")
        if self.normal is not None and self.normal[1] <= 0:
            raise ValueError("normal is [mean, standard deviation], the latter above 0")
        if self.normal is None and (self.min is not None or self.max is not None):
            raise ValueError("min and max are for normal alone")
        if self.normal is not None and not self._low() < self._high():
            raise ValueError("min and max leave nothing of the normal distribution")
        if self.weights is not None and (
            self.choice is None or len(self.weights) != len(self.choice) or not sum(self.weights)
        ):
            raise ValueError("weights must be one for each value of choice, not all 0")
        return self

    def _low(self) -> float:
        assert self.normal is not None
        return 0.0 if self.min is None else float(ndtr(self._standard(self.min)))

    def _high(self) -> float:
        assert self.normal is not None
        return 1.0 if self.max is None else float(ndtr(self._standard(self.max)))

    def _standard(self, value: float) -> float:
        assert self.normal is not None
        return (value - self.normal[0]) / self.normal[1]

    def at(self, share: float) -> Any:
        """The value below which a ``share`` of all draws lies, 0 < share < 1."""
        if self.uniform is not None:
            low, high = self.uniform
            return low + share * (high - low)
        if self.loguniform is not None:
            low, high = (math.log(end) for end in self.loguniform)
            return math.exp(low + share * (high - low))
        if self.normal is not None:
            low, high = self._low(), self._high()
            drawn = self.normal[0] + self.normal[1] * float(ndtri(low + share * (high - low)))
            drawn = drawn if self.min is None else max(drawn, self.min)
            return drawn if self.max is None else min(drawn, self.max)
        assert self.choice is not None
        weights = np.array(self.weights or [1.0] * len(self.choice))
        ends = np.cumsum(weights) / weights.sum()
        return self.choice[min(int(np.searchsorted(ends, share, "right")), len(ends) - 1)]
