"""Run a scenario and judge it."""

from __future__ import annotations

import time
from typing import Final, NamedTuple

import numpy as np

from tianyuan.control.records import Mode
from tianyuan.hil import lockstep, rig, virtual
from tianyuan.hil.laps import laps
from tianyuan.hil.scenario import judge, verdict
from tianyuan.hil.scenario.model import Scenario, causes_of
from tianyuan.hil.scenario.prepare import Ready, laps_of, prepare
from tianyuan.hil.scenario.result import Result
from tianyuan.hil.scenario.verdict import Bound, Drive, driven

CHUNK_STEPS: Final = 100
STANDS_S: Final = 1.0  # a car that has stood for so long after its start drives no more
NS_PER_S: Final = 1e9


class Recorded(NamedTuple):
    """A run that is over: the judge's drive, and what reports show beside it."""

    drive: Drive
    telemetry: np.recarray
    path: np.recarray
    real_time_factor: float


def run(
    scenario: Scenario, *, seed: int | None = None, realtime: bool = False, where: str = ""
) -> Result:
    """Run and judge one scenario, its twin too where it has faults. Raises InputError.

    ``where`` is what messages call the scenario's file; ``seed`` replaces the scenario's own.
    """
    return judged(scenario, record(scenario, seed=seed, where=where), seed=seed)


def record(scenario: Scenario, *, seed: int | None = None, where: str = "") -> Recorded:
    """Run one scenario in virtual time."""
    ready = prepare(scenario, where or scenario.name, scenario.seed if seed is None else seed)
    factor = _advance(ready, scenario)
    return recorded(ready, scenario, factor)


def recorded(ready: Ready, scenario: Scenario, factor: float) -> Recorded:
    """What a rig has seen that has stopped."""
    life = ready.life
    telemetry = life.rows[: life.written[0]].view(np.recarray)
    drive = Drive(
        life.tap.rows[: life.tap.written[0]],
        life.tap.kept[0],
        laps(telemetry),
        scenario.laps,
        bool(ready.world.permit.messages.size),
        None,
    )
    return Recorded(drive, telemetry, ready.path, factor)


def _advance(ready: Ready, scenario: Scenario) -> float:
    """Virtual time until the scenario is over; returns how many times faster than real time."""
    world, life, host, guard = ready.world, ready.life, ready.host, ready.guard
    queues, host_every = lockstep.queues(), ready.period_ns // rig.STEP_NS
    t_ns = first_ns = lockstep.EPOCH_NS
    ends = End(scenario, first_ns + int(virtual.longest_s(host, laps_of(scenario)) * NS_PER_S))
    began = time.perf_counter()
    while not ends.reached(life, t_ns):
        t_ns = virtual.advance_once(world, life, host, guard, queues, t_ns, CHUNK_STEPS, host_every)
    return (t_ns - first_ns) / NS_PER_S / max(time.perf_counter() - began, 1e-9)


class End:
    """When a run is over: race control's end, the scenario's seconds, or a car that stands."""

    def __init__(self, scenario: Scenario, last_ns: int) -> None:
        self.seconds = scenario.seconds
        self.last_ns = last_ns
        self.started_ns = 0
        self.stood_ns = 0

    def reached(self, life: rig.Life, t_ns: int) -> bool:
        """Whether it is over by the instant ``t_ns``; to be asked several times a second."""
        if life.race.finished[0] or t_ns >= self.last_ns:
            return True
        if not life.race.started[0]:
            return False
        self.started_ns = self.started_ns or t_ns
        if self.seconds is not None and t_ns - self.started_ns >= self.seconds * NS_PER_S:
            return True
        moves = abs(life.plant_state.vx_mps[0]) > judge.STANDSTILL_MPS
        drives = life.command.mode[0] == Mode.DRIVING and life.race.station_m[0] < 1.0
        if moves or drives:
            self.stood_ns = 0
            return False
        self.stood_ns = self.stood_ns or t_ns
        return t_ns - self.stood_ns >= STANDS_S * NS_PER_S


def judged(scenario: Scenario, run_: Recorded, *, seed: int | None = None) -> Result:
    """The verdict on a run."""
    drive, expect = run_.drive, scenario.expect
    rows = driven(drive.trace)
    start_ns = int(drive.trace.t_ns[0]) if len(drive.trace) else 0
    from_ns = int(rows.t_ns[0]) if len(rows) else start_ns
    found = judge.find(drive.trace, drive.begun_ns or from_ns, drive.guarded, None)
    if drive.begun_ns is None and found.reaction == "ignored":
        found = found._replace(reaction="none")
    bound = Bound(expect.reaction or "none", None, causes_of(expect.cause))
    wrong = verdict.failures(drive, found, bound, expect)
    detected_ns = found.detected_ns
    return Result(
        name=scenario.name,
        passed=not wrong,
        reaction=found.reaction,
        cause=found.cause,
        detected_ms=_ms(detected_ns, drive.begun_ns),
        bound_ms=None if bound.within_ns is None else bound.within_ns / 1e6,
        max_cross_track_m=float(np.abs(rows.cross_track_m).max()) if len(rows) else None,
        expected=bound.reaction,
        known=expect.known,
        faults=[],
        fault_s=_s(drive.begun_ns, start_ns),
        reaction_s=_s(detected_ns, start_ns),
        on_track=not len(rows) or bool(rows.edge_margin_m.min() >= 0.0),
        min_edge_margin_m=float(rows.edge_margin_m.min()) if len(rows) else None,
        stop_distance_m=verdict.stop_distance_m(drive.trace, found),
        laps=drive.laps,
        top_speed_mps=float(rows.speed_mps.max(initial=0.0)),
        driven_s=float(rows.t_ns[-1] - rows.t_ns[0]) / NS_PER_S if len(rows) else 0.0,
        twin_passed=None,
        failures=wrong,
        seed=scenario.seed if seed is None else seed,
        car=scenario.car,
        track=scenario.track,
        controller=scenario.controller,
        realtime=False,
        real_time_factor=run_.real_time_factor,
    )


def _ms(t_ns: int | None, since_ns: int | None) -> float | None:
    return None if t_ns is None or since_ns is None else (t_ns - since_ns) / 1e6


def _s(t_ns: int | None, since_ns: int) -> float | None:
    return None if t_ns is None else (t_ns - since_ns) / NS_PER_S
