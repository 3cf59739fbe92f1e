"""What a report is written from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from tianyuan.hil.analysis.events import Event
from tianyuan.hil.laps import Lap


@dataclass(frozen=True)
class Stage:
    """How long one stage of the loop took, over all ticks of a real-time run."""

    edges_us: np.ndarray  # of the histogram's bins, one more than counts
    counts: np.ndarray
    p50_us: float
    p99_us: float
    p999_us: float
    max_us: float


@dataclass(frozen=True)
class Timing:
    """The timing of a real-time run; a run in virtual time has none."""

    stages: Mapping[str, Stage]  # in the order to show: wake-up latency, tick, cycle
    overruns: Mapping[str, int] = field(default_factory=dict)  # stage to missed deadlines
    privileges: Mapping[str, str] = field(default_factory=dict)  # asked for, to what was got


@dataclass(frozen=True)
class Traffic:
    """One message on one bus, over a whole log; times in milliseconds."""

    bus: str
    name: str
    sent: bool  # by the host
    frames: int
    mean_ms: float | None
    silent_ms: float  # at most


@dataclass(frozen=True)
class Evidence:
    """What a drive's own log tells beside its telemetry; sentences are for people."""

    traffic: Sequence[Traffic]
    events: Sequence[Event]
    gaps: Sequence[str] = ()  # frames or ticks that the log lacks
    notes: Sequence[str] = ()  # what was wrong with the file, and with frames in it


@dataclass(frozen=True)
class Run:
    """One run, as people are to read it; text is taken literally, never as markup."""

    title: str
    track: str
    car: str
    controller: str
    date: str
    machine: str
    telemetry: np.ndarray  # TELEMETRY rows in order of time
    path: np.ndarray  # PATH: the racing line; the edges follow from left_m and right_m
    laps: Sequence[Lap]
    stop_cause: str  # name of the Cause
    real_time_factor: float | None = None
    timing: Timing | None = None
    figures: Mapping[str, float | str] = field(default_factory=dict)  # more, named for people
    evidence: Evidence | None = None  # of a log; its errors are the host's own estimate
