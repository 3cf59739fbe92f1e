"""The verdict on a rig that has stopped."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from tianyuan.hil.bus.figures import figures
from tianyuan.hil.laps import laps
from tianyuan.hil.scenario import fault_time, judge, verdict
from tianyuan.hil.scenario.expectation import bound_of
from tianyuan.hil.scenario.model import Scenario
from tianyuan.hil.scenario.prepare import Ready
from tianyuan.hil.scenario.result import Result
from tianyuan.hil.scenario.trace import Rows
from tianyuan.hil.scenario.twin import Twin
from tianyuan.hil.scenario.verdict import Bound, Drive, driven

NS_PER_S: Final = 1e9


class Judged(NamedTuple):
    """The result, and the rows and instants that it was found by."""

    result: Result
    trace: Rows
    begun_ns: int | None  # the fault
    last_ns: int | None  # the last that counts: the car stands, or the run ends


def judged(
    scenario: Scenario,
    seed: int,
    ready: Ready,
    twin: Twin | None,
    done_ns: dict[int, int] | None,
    real_time_factor: float = 1.0,
) -> Judged:
    """Judge what the tap of a rig has heard and seen.

    ``done_ns`` is None for virtual time; in real time it says when each fault of a process was
    done, by its place among the scenario's.
    """
    life, realtime = ready.life, done_ns is not None
    begun_ns = (done_ns or {}).get(0)
    if begun_ns is None and scenario.faults:
        row = scenario.faults[0].row
        layer = row.realtime if realtime else row.virtual
        begun_ns = fault_time.begun_ns(ready.world, life, 0, layer)
    drive = Drive(
        life.tap.rows[: life.tap.written[0]],
        life.tap.kept[0],
        laps(life.rows[: life.written[0]]),
        scenario.laps,
        bool(ready.world.permit.messages.size),
        begun_ns,
    )
    from_ns = begun_ns or start_ns(drive.trace)
    found = judge.find(drive.trace, from_ns, drive.guarded, twin.rows if twin else None)
    if not scenario.faults and found.reaction == "ignored":
        found = found._replace(reaction="none")
    bound = bound_of(scenario, ready.car, ready.period_ns, scenario.name)
    wrong = [
        *_untriggered(scenario, begun_ns),
        *verdict.failures(drive, found, bound, scenario.expect),
        *_twin_trips(twin),
    ]
    result = result_of(scenario, seed, drive, found, bound, wrong).model_copy(
        update={
            "twin_passed": twin.result.passed if twin else None,
            "realtime": realtime,
            "real_time_factor": real_time_factor,
            "buses": [] if realtime else figures(ready.net, ready.car),
        }
    )
    last = found.stand if found.stand is not None else found.end - 1
    last_ns = int(drive.trace.t_ns[last]) if len(drive.trace) else None
    return Judged(result, drive.trace, begun_ns, last_ns)


def start_ns(trace: Rows) -> int:
    """When the car began to drive, or else the first row's time."""
    rows = driven(trace)
    if len(rows):
        return int(rows.t_ns[0])
    return int(trace.t_ns[0]) if len(trace) else 0


def _untriggered(scenario: Scenario, begun_ns: int | None) -> list[str]:
    if not scenario.faults or begun_ns is not None or scenario.faults[0].row.before_the_run:
        return []
    return [f"{scenario.faults[0].fault} never began: the run was over before its instant came"]


def _twin_trips(twin: Twin | None) -> list[str]:
    if twin is None or twin.result.passed:
        return []
    return [f"the same run without the fault fails as well: {twin.result.failures[0]}"]


def result_of(
    scenario: Scenario,
    seed: int,
    drive: Drive,
    found: judge.Findings,
    bound: Bound,
    wrong: list[str],
) -> Result:
    """The record of a verdict."""
    rows = driven(drive.trace)
    first_ns = int(drive.trace.t_ns[0]) if len(drive.trace) else 0
    margin_m = float(rows.edge_margin_m.min()) if len(rows) else None
    return Result(
        name=scenario.name,
        passed=not wrong,
        reaction=found.reaction,
        cause=found.cause,
        detected_ms=_ms(found.detected_ns, drive.begun_ns),
        bound_ms=None if bound.within_ns is None else bound.within_ns / 1e6,
        max_cross_track_m=float(np.abs(rows.cross_track_m).max()) if len(rows) else None,
        about=scenario.about,
        expected=bound.reaction,
        known=scenario.expect.known,
        faults=[entry.fault for entry in scenario.faults],
        fault_s=_s(drive.begun_ns, first_ns),
        reaction_s=_s(found.detected_ns, first_ns),
        on_track=margin_m is None or margin_m >= 0.0,
        min_edge_margin_m=margin_m,
        stop_distance_m=verdict.stop_distance_m(drive.trace, found),
        laps=drive.laps,
        top_speed_mps=float(rows.speed_mps.max(initial=0.0)),
        driven_s=float(rows.t_ns[-1] - rows.t_ns[0]) / NS_PER_S if len(rows) else 0.0,
        failures=wrong,
        seed=seed,
        car=scenario.car,
        track=scenario.track,
        controller=scenario.controller,
    )


def _ms(t_ns: int | None, since_ns: int | None) -> float | None:
    return None if t_ns is None or since_ns is None else (t_ns - since_ns) / 1e6


def _s(t_ns: int | None, since_ns: int) -> float | None:
    return None if t_ns is None else (t_ns - since_ns) / NS_PER_S
