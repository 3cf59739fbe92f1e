"""From a run's telemetry to its lap table, and the document that ``tianyuan lap`` writes."""

from __future__ import annotations

from typing import Final

import numpy as np
from pydantic import BaseModel, ConfigDict

from tianyuan.control.records import Cause
from tianyuan.hil.bus.figures import BusFigures
from tianyuan.hil.reactions import Reaction

BLIND_S: Final = 0.5  # between two rows: nobody knows when the car crossed the line meanwhile


class Lap(BaseModel):
    """One completed lap; ``number`` 1 is the one from standstill, later ones are flying."""

    model_config = ConfigDict(frozen=True)

    number: int
    time_s: float
    rms_cross_track_m: float
    max_cross_track_m: float  # largest magnitude, either side
    min_edge_margin_m: float
    top_speed_mps: float


class LapRun(BaseModel):
    """What ``tianyuan lap --json`` writes; a figure that is not finite is written as null."""

    model_config = ConfigDict(frozen=True)

    finished: bool
    stop_cause: str  # name of the Cause latched at the end
    laps: list[Lap]
    reactions: list[Reaction] = []  # each stop as it began
    real_time_factor: float
    track: str
    car: str
    controller: str
    buses: list[BusFigures] = []  # by the model of the buses, where there was one

    def to_json(self) -> str:
        """One JSON object, indented for people, ending in a newline."""
        return self.model_dump_json(indent=2) + "\n"


def laps(telemetry: np.ndarray) -> list[Lap]:
    """List the completed laps of ``telemetry``, an array of TELEMETRY rows in order of time.

    A lap is complete once a row of the next one exists. Lap 1 counts from its first row,
    for the car stands; the others from crossing to crossing, each instant interpolated in
    station between the rows beside the line. A lap whose beginning or end the rows do not show,
    as where some are missing, is left out.
    """
    return [
        _lap(number, end_s - begin_s, rows) for number, begin_s, end_s, rows in spans(telemetry)
    ]


def spans(telemetry: np.ndarray) -> list[tuple[int, float, float, np.ndarray]]:
    """The number of each completed lap, its begin and end in seconds, and its rows."""
    numbers, first = np.unique(telemetry["lap"], return_index=True)
    done = []
    for lap, after, begin, end in zip(
        numbers[:-1], numbers[1:], first[:-1], first[1:], strict=True
    ):
        if lap < 1 or after != lap + 1 or (lap > 1 and begin == 0):
            continue
        if _is_blind(telemetry, end) or (lap > 1 and _is_blind(telemetry, begin)):
            continue
        start_s = telemetry["t_s"][begin] if lap == 1 else _crossing_s(telemetry, begin)
        done.append((int(lap), float(start_s), _crossing_s(telemetry, end), telemetry[begin:end]))
    return done


def _is_blind(telemetry: np.ndarray, row: int) -> bool:
    return bool(telemetry["t_s"][row] - telemetry["t_s"][row - 1] > BLIND_S)


def best_lap(done: list[Lap]) -> Lap | None:
    """Pick the fastest flying lap; the one from standstill only where there is no other."""
    flying = [lap for lap in done if lap.number > 1]
    return min(flying or done, key=lambda lap: lap.time_s, default=None)


def stop_cause(telemetry: np.ndarray) -> Cause:
    """Read the cause in the last row: what the run ended with, NONE without any row."""
    return Cause(int(telemetry["cause"][-1])) if len(telemetry) else Cause.NONE


def _lap(number: int, time_s: float, rows: np.ndarray) -> Lap:
    cross_track_m = rows["cross_track_m"]
    return Lap(
        number=number,
        time_s=time_s,
        rms_cross_track_m=float(np.sqrt(np.mean(cross_track_m**2))),
        max_cross_track_m=float(np.max(np.abs(cross_track_m))),
        min_edge_margin_m=float(np.min(rows["edge_margin_m"])),
        top_speed_mps=float(np.max(rows["speed_mps"])),
    )


def _crossing_s(telemetry: np.ndarray, row: int) -> float:
    """When the car crossed the line just before ``row``, the first of its lap.

    The station starts again from zero at the line, so it says how far behind the line is;
    the rate of the station on either side of the gap says how long ago that was. The
    length of the line is not needed.
    """
    t_s, station_m, lap = telemetry["t_s"], telemetry["station_m"], telemetry["lap"]
    rates = [
        (station_m[b] - station_m[a]) / (t_s[b] - t_s[a])
        for a, b in ((row - 2, row - 1), (row, row + 1))
        if a >= 0 and b < len(t_s) and lap[a] == lap[b] and t_s[b] > t_s[a]
    ]
    rate_mps = np.mean(rates) if rates else telemetry["speed_mps"][row]
    if not rate_mps > 0.0:
        return float(t_s[row])
    return float(np.clip(t_s[row] - station_m[row] / rate_mps, t_s[row - 1], t_s[row]))
