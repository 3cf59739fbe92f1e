"""The satellite receiver's solution: what the sky lets it have, and how it finds it again.

SKY is where and when the sky is hidden. A solution falls at once to what is left, and climbs
a rank at a time: none, single, float, fixed, each after its wait. Its error follows: it grows
and shrinks with the carriers' smoothing, and is small at once when the ambiguities are fixed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Final, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from tianyuan.control.kernels import kernel
from tianyuan.hil.plant.tables import Table

NotNegative = Annotated[float, Field(ge=0)]
# Ranks from worst to best, and what NMEA 0183's GGA calls them.
NONE, SINGLE, FLOAT, FIXED = range(4)
NAMES: Final = {"none": NONE, "single": SINGLE, "float": FLOAT, "fixed": FIXED}
NMEA: Final = (0.0, 1.0, 5.0, 4.0)
FOREVER: Final = 1e9

SKY: Final = np.dtype(
    [
        ("from_m", "f8"),
        ("to_m", "f8"),
        ("lap", "i8"),  # 0 for every lap
        ("from_s", "f8"),  # since the run began
        ("to_s", "f8"),
        ("rank", "i8"),  # the best that there is
    ]
)


class Outage(Table):
    """A part of the track, or of the run's time, where the solution is at best ``quality``.

    Stations are those of the line; a part that ends before it begins goes over the first
    point. ``lap`` counts from 1, and 0 is every lap.
    """

    quality: Literal["none", "single", "float"]
    from_m: NotNegative | None = None
    to_m: NotNegative | None = None
    lap: Annotated[int, Field(ge=0)] = 0
    from_s: NotNegative = 0.0
    to_s: NotNegative = FOREVER

    @model_validator(mode="after")
    def _it_is_somewhere_and_lasts(self) -> Self:
        if (self.from_m is None) != (self.to_m is None):
            raise ValueError("from_m and to_m go together")
        if self.to_s <= self.from_s:
            raise ValueError(f"to_s = {self.to_s}: not after from_s = {self.from_s}")
        return self


def sky(outages: Sequence[Outage] = ()) -> np.recarray:
    """The SKY of some outages; none is a clear one."""
    made = np.zeros(len(outages), SKY).view(np.recarray)
    for row, outage in zip(made, outages, strict=True):
        row.from_m = 0.0 if outage.from_m is None else outage.from_m
        row.to_m = FOREVER if outage.to_m is None else outage.to_m
        row.lap, row.rank = outage.lap, NAMES[outage.quality]
        row.from_s, row.to_s = outage.from_s, outage.to_s
    return made


@kernel
def visible(sky, station_m, lap, run_s):
    """The best rank that the sky allows here and now."""
    best = FIXED
    for i in range(sky.size):
        row = sky[i]
        if row.rank >= best or not row.from_s <= run_s < row.to_s:
            continue
        if row.lap not in (0, lap):
            continue
        after, before = station_m >= row.from_m, station_m < row.to_m
        if (after and before) if row.from_m <= row.to_m else (after or before):
            best = row.rank
    return best


@kernel
def _wait_s(k, rank):
    """How long the receiver takes from a rank to the next better one."""
    if rank == NONE:
        return k.gnss_reacquire_s
    return k.gnss_float_s if rank == SINGLE else k.gnss_fix_s


@kernel
def _slow_m(k, rank):
    """The position's slow error once it has settled at a rank."""
    if rank == FIXED:
        return k.gnss_fixed_m
    return k.gnss_float_m if rank == FLOAT else k.gnss_single_m


@kernel
def receive(sensor_params, sensing, sky, station_m, lap, run_s, t_ns):
    """Let the receiver's solution fall or climb, up to ``t_ns``; it is switched on fixed."""
    k, r = sensor_params[0], sensing[0]
    best = visible(sky, station_m, lap, run_s)
    if r.seen_ns == 0:
        r.rank, r.slow_m = best, _slow_m(k, best)
        r.since_ns = r.seen_ns = t_ns
    if best <= r.rank:
        r.rank, r.since_ns = best, t_ns
    elif t_ns - r.since_ns >= _wait_s(k, r.rank) * 1e9:
        if r.rank == NONE:
            r.slow_m = k.gnss_single_m
        r.rank, r.since_ns = r.rank + 1, t_ns
    wanted_m = _slow_m(k, r.rank)
    if r.rank == FIXED:
        r.slow_m = wanted_m
    elif r.slow_m != wanted_m:
        kept = math.exp(-(t_ns - r.seen_ns) * 1e-9 / k.gnss_converge_s)
        r.slow_m = wanted_m + (r.slow_m - wanted_m) * kept
    r.seen_ns = t_ns
    r.quality = NMEA[r.rank]
