"""Run a scenario, beside its twin where it has one, and judge it."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from tianyuan.hil.scenario import in_real_time, in_virtual_time, refusal
from tianyuan.hil.scenario.excerpt import Excerpt, excerpt
from tianyuan.hil.scenario.judged import Judged, judged
from tianyuan.hil.scenario.model import Scenario
from tianyuan.hil.scenario.on_bus import OnBus
from tianyuan.hil.scenario.prepare import prepare
from tianyuan.hil.scenario.result import Result
from tianyuan.hil.scenario.trace import TRACE
from tianyuan.hil.scenario.twin import Twin, needs_twin, thinned, twin_of


class Outcome(NamedTuple):
    """A verdict, and what a report draws of the run."""

    result: Result
    excerpt: Excerpt


def run(
    scenario: Scenario, *, seed: int | None = None, realtime: OnBus | None = None, where: str = ""
) -> Result:
    """Run and judge one scenario, and its twin where it has faults. Raises InputError.

    ``realtime`` says on which bus in real time, None in virtual time; ``where`` is what messages
    call the scenario's file; ``seed`` replaces the scenario's own.
    """
    seed = scenario.seed if seed is None else seed
    twin = None
    if needs_twin(scenario):
        twin = _kept_twin(twin_of(scenario).model_dump_json(), seed, realtime, where)
    return outcome(scenario, seed, twin, realtime, where).result


def outcome(
    scenario: Scenario, seed: int, twin: Twin | None, realtime: OnBus | None = None, where: str = ""
) -> Outcome:
    """Run one scenario and judge it beside a twin that was run before. Raises InputError."""
    where = where or scenario.name
    if refusal.is_of_files(scenario):
        nothing = excerpt(np.zeros(0, TRACE).view(np.recarray), None, None)
        return Outcome(refusal.judged(scenario, seed, realtime is not None, where), nothing)
    verdict = _drive(scenario, seed, twin, realtime, where)
    return Outcome(verdict.result, excerpt(verdict.trace, verdict.begun_ns, verdict.last_ns))


def drive_twin(
    scenario: Scenario, seed: int, realtime: OnBus | None = None, where: str = ""
) -> Twin:
    """Run and judge a twin, as ``twin_of`` makes it. Raises InputError."""
    verdict = _drive(scenario, seed, None, realtime, where or scenario.name)
    return Twin(verdict.result, thinned(verdict.trace))


def _drive(
    scenario: Scenario, seed: int, twin: Twin | None, realtime: OnBus | None, where: str
) -> Judged:
    ready = prepare(scenario, where, seed)
    if realtime is not None:
        done_ns = in_real_time.drive(ready, scenario, where, realtime)
        return judged(scenario, seed, ready, twin, done_ns)
    factor = in_virtual_time.drive(ready, scenario)
    return judged(scenario, seed, ready, twin, None, factor)


@lru_cache(maxsize=32)
def _kept_twin(document: str, seed: int, realtime: OnBus | None, where: str) -> Twin:
    return drive_twin(Scenario.model_validate_json(document), seed, realtime, where)
