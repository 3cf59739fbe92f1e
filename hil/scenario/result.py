"""What a scenario's run came to: one record for people, JSON, JUnit and campaigns."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from tianyuan.hil.bus.figures import BusFigures
from tianyuan.hil.laps import Lap
from tianyuan.hil.scenario.model import Reaction


class Result(BaseModel):
    """The verdict on one run; a figure that there is none of is null.

    ``passed`` says whether every expectation was met, ``known`` why it is not expected to be.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    passed: bool
    reaction: Reaction
    cause: str
    detected_ms: float | None  # from the fault's beginning to the first frame that shows it
    bound_ms: float | None
    max_cross_track_m: float | None
    about: str = ""
    expected: Reaction
    known: str | None
    faults: list[str]
    fault_s: float | None  # when the first fault began, since the run did
    reaction_s: float | None
    on_track: bool
    min_edge_margin_m: float | None
    stop_distance_m: float | None  # from the fault's beginning, or the reaction's without one
    laps: list[Lap]
    top_speed_mps: float
    driven_s: float  # of virtual or real time
    failures: list[str]  # one sentence each
    seed: int
    car: str
    track: str
    controller: str
    twin_passed: bool | None = None  # null for a run that needs none
    realtime: bool = False
    real_time_factor: float = 1.0
    buses: list[BusFigures] = []  # loads and latencies, of virtual time

    @property
    def stopped_on_track(self) -> bool:
        """Whether the car came to a stand, on purpose and without a wheel off the track."""
        return self.reaction in ("controlled_stop", "emergency_stop") and self.on_track

    @property
    def as_expected(self) -> bool:
        """Passed, or failed where that is known; what passes unnoticed is neither."""
        return self.passed == (self.known is None)

    @property
    def verdict(self) -> str:
        """One of passed, failed, known (failure), mended."""
        if self.known is None:
            return "passed" if self.passed else "failed"
        return "mended" if self.passed else "known"
