"""The loop's figures, with cyclictest taking turns with it if that is asked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any, NamedTuple

from tianyuan.drivers.realtime import Step
from tianyuan.firmware.accounting import TICK, WAKE
from tianyuan.hil.benches import cyclictest, loop, traffic_node
from tianyuan.hil.benches.histogram import Histogram, counted, merged, ratio
from tianyuan.hil.benches.loop import Bench, Progress, Setup
from tianyuan.hil.benches.observer import Matched


class Outcome(NamedTuple):
    """The document, and what the system was asked for in the last turn."""

    figures: dict[str, Any]
    steps: list[Step]


def measure(setup: Setup, turns: int, against: bool, progress: Progress) -> Outcome:
    """Take turns: driving, cyclictest's own, standing; every second round backwards.

    ``progress`` is told seconds done, of ``seconds_of(…)``. Raises InputError where
    cyclictest is wanted and cannot be had.
    """
    if against:
        cyclictest.installed()
    ours: list[loop.Turn] = []
    theirs: list[Histogram] = []
    answers: list[Matched] = []
    with loop.bench_of(setup) as bench:
        contestants: list[Callable[[str, Progress], object]] = [
            lambda name, told: ours.append(loop.driven(bench, name, told)),
            lambda name, told: answers.append(loop.answered(bench, name, told)),
        ]
        if against:
            contestants.insert(1, lambda name, told: theirs.append(_cyclictest(bench, name, told)))
        take_turns(contestants, turns, setup.seconds, progress)
    found = loop.stages(ours) | loop.totals(ours) | loop.response(answers, setup)
    found["turns"] = [
        {
            "wake_us": turn.stage(WAKE).figures(),
            "tick_us": turn.stage(TICK).figures(),
            "response_us": counted(answer.response_ns).figures(),
            "overruns": turn.overruns,
        }
        for turn, answer in zip(ours, answers, strict=True)
    ]
    return Outcome(found | _against(theirs, found), ours[-1].steps)


def seconds_of(setup: Setup, turns: int, against: bool) -> float:
    """How long all turns take."""
    return setup.seconds * turns * (3 if against else 2)


def take_turns(
    contestants: list[Callable[[str, Progress], object]],
    turns: int,
    seconds: float,
    progress: Progress,
) -> None:
    """Give each contestant its turns of ``seconds``, every second round backwards.

    One is called with a name that is new and with whom to tell the seconds of its turn.
    """
    done_s = 0.0
    for turn in range(turns):
        for contestant in contestants if turn % 2 == 0 else contestants[::-1]:
            told = partial(_tell, progress, done_s)
            contestant(f"bus{done_s:g}", told)
            done_s += seconds


def _tell(progress: Progress, before_s: float, passed_s: float) -> None:
    progress(before_s + passed_s)


def _cyclictest(bench: Bench, name: str, progress: Progress) -> Histogram:
    """A turn of cyclictest's, beside the same traffic as the loop has."""
    setup = bench.setup
    with bench.traffic.working(traffic_node.Order(bench.bus(name), drives=True)):
        found = cyclictest.run(setup.cpu, loop.PRIORITY, setup.period_ns, setup.seconds)
    progress(setup.seconds)
    return found


def _against(theirs: list[Histogram], found: dict[str, Any]) -> dict[str, Any]:
    """The figures of cyclictest, and our wake-up latency as a multiple of its own.

    ``ratio`` is of the turns merged, which one stall of the machine can decide;
    ``ratio_median`` is the median of the turns' own ratios, which it cannot.
    """
    if not theirs:
        return {}
    together = merged(theirs).figures()
    for ours, their in zip(found["turns"], theirs, strict=True):
        ours["cyclictest_us"] = their.figures()
    by_turn = [ratio(turn["wake_us"], turn["cyclictest_us"]) for turn in found["turns"]]
    return {
        "cyclictest_us": together,
        "ratio": ratio(found["wake_us"], together),
        "ratio_median": {share: median(each[share] for each in by_turn) for share in by_turn[0]},
    }
