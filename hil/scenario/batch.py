"""Many scenarios: their twins first, each once, then the scenarios, on as many cores as asked."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple

from tianyuan.hil.scenario.model import Scenario
from tianyuan.hil.scenario.on_bus import OnBus
from tianyuan.hil.scenario.runner import Outcome, drive_twin, outcome
from tianyuan.hil.scenario.twin import Twin, key_of, longest, needs_twin
from tianyuan.hil.spawned import deaf_to_interrupts


class Task(NamedTuple):
    """One scenario to run."""

    scenario: Scenario
    seed: int
    where: str  # what messages call its file


Progress = Callable[[float], None]


def run_all(
    tasks: list[Task],
    workers: int = 1,
    realtime: OnBus | None = None,
    progress: Progress = lambda _: None,
) -> list[Outcome]:
    """The outcomes in the order of the tasks; ``progress`` is told runs done. Raises InputError.

    Real time, on the bus of ``realtime``, has one car on the road at a time, whatever ``workers``
    says.
    """
    wanted = longest([(task.scenario, task.seed) for task in tasks])
    with _mapper(1 if realtime is not None else min(workers, len(tasks))) as mapped:
        done, twins = 0, dict[str, Twin]()
        arguments = [(scenario, seed, realtime) for scenario, seed in wanted.values()]
        for key, twin in zip(wanted, mapped(_twin, arguments), strict=True):
            twins[key] = twin
            progress(done := done + 1)
        outcomes = []
        for each in mapped(_outcome, [(task, _of(task, twins), realtime) for task in tasks]):
            outcomes.append(each)
            progress(done := done + 1)
    return outcomes


def runs_of(tasks: list[Task]) -> int:
    """How many runs that takes, the twins' among them."""
    return len(tasks) + len(longest([(task.scenario, task.seed) for task in tasks]))


def _of(task: Task, twins: dict[str, Twin]) -> Twin | None:
    return twins[key_of(task.scenario, task.seed)] if needs_twin(task.scenario) else None


def _twin(arguments: tuple[Scenario, int, OnBus | None]) -> Twin:
    return drive_twin(*arguments)


def _outcome(arguments: tuple[Task, Twin | None, OnBus | None]) -> Outcome:
    task, twin, realtime = arguments
    return outcome(task.scenario, task.seed, twin, realtime, task.where)


Mapper = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]


@contextmanager
def _mapper(workers: int) -> Iterator[Mapper]:
    """``map``, in this process or over several."""
    if workers <= 1:
        yield map
        return
    # Spawned: a forked codec would do, but a forked interpreter has threads that are not there.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:

        def mapped(work: Callable[[Any], Any], each: Iterable[Any]) -> Iterable[Any]:
            with deaf_to_interrupts():  # workers start as work comes
                return pool.map(work, each)

        try:
            yield mapped
        except BaseException:
            for worker in multiprocessing.active_children():
                worker.terminate()  # whatever it is at
            raise
