"""How a run's car was stopped, by what its telemetry shows: by the host, or by its own brakes."""

from __future__ import annotations

from typing import Final

import numpy as np
from pydantic import BaseModel, ConfigDict

from tianyuan.control.records import Cause, Mode

MOVING_MPS: Final = 0.2
BY_ITSELF: Final = "emergency_circuit"


class Reaction(BaseModel):
    """A stop as it begins; ``cause`` is the host's newest word.

    ``controlled_stop`` and ``emergency_stop`` are the host's, by the mode that it tells, and
    ``emergency_circuit`` the actuators' own.
    """

    model_config = ConfigDict(frozen=True)

    t_s: float
    reaction: str
    cause: str
    lap: int
    station_m: float
    speed_mps: float


def reactions(telemetry: np.ndarray) -> list[Reaction]:
    """Each stop that begins while the car moves, in order of time, of TELEMETRY rows."""
    moving = np.abs(telemetry["speed_mps"]) > MOVING_MPS
    kinds = {
        mode.name.lower(): telemetry["mode"] == mode
        for mode in (Mode.CONTROLLED_STOP, Mode.EMERGENCY_STOP)
    } | {BY_ITSELF: telemetry["circuit"] != 0}
    found = [
        _reaction(telemetry[row], kind)
        for kind, shown in kinds.items()
        for row in np.flatnonzero(shown & moving & ~np.append(False, shown[:-1]))
    ]
    return sorted(found, key=lambda each: each.t_s)


def _reaction(row: np.void, kind: str) -> Reaction:
    return Reaction(
        t_s=row["t_s"],
        reaction=kind,
        cause=Cause(int(row["cause"])).name,
        lap=row["lap"],
        station_m=row["station_m"],
        speed_mps=row["speed_mps"],
    )
