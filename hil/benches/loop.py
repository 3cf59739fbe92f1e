"""The loop in real time: what it costs, how late it wakes, how soon it answers, in turns."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from tianyuan.control.records import Controller, Mode
from tianyuan.drivers.realtime import Step
from tianyuan.firmware import drive as driving
from tianyuan.firmware import loop_thread
from tianyuan.firmware.accounting import CYCLE, STAGES, TICK, WAKE, Accounts
from tianyuan.firmware.car_file import load_car
from tianyuan.firmware.car_messages import messages_of
from tianyuan.firmware.host import make_host
from tianyuan.firmware.loop_thread import controls
from tianyuan.firmware.timing import NS_PER_MS, cycle_ms
from tianyuan.hil.benches import observer, traffic_node
from tianyuan.hil.benches.histogram import Histogram, counted, merged, stage_of
from tianyuan.hil.benches.node import Node, node

PRIORITY: Final = loop_thread.PRIORITY
SECOND_NS: Final = 1_000_000_000
SIGHTINGS_PER_S: Final = 4000  # above what two messages of a millisecond give
GRACE_NS: Final = 100_000  # that a response may take beyond the period

Progress = Callable[[float], None]


class Setup(NamedTuple):
    """What is measured: a car on its line, ticking on one CPU, the other nodes on another."""

    car: Path
    path: np.recarray
    period_ns: int
    seconds: float  # of a turn
    cpu: int
    nodes_cpu: int
    early_ns: int  # of watching the clock before a deadline


class Turn(NamedTuple):
    """What a turn of a fresh host leaves behind."""

    accounts: Accounts
    ticks: int
    overruns: int
    missed: dict[str, int]  # deadlines, by the stage that took too long
    allocations: int
    lost: int  # frames that are not in its log
    steps: list[Step]
    mode: str  # at the end

    def stage(self, stage: int) -> Histogram:
        """The histogram of one of the loop's stages."""
        return stage_of(self.accounts, stage)


class Bench(NamedTuple):
    """The nodes of a bench, and a folder for its buses."""

    setup: Setup
    traffic: Node
    observer: Node
    folder: Path

    def bus(self, name: str) -> str:
        """The path of a bus that nobody was on before, if the name is new."""
        return str(self.folder / name)


@contextmanager
def bench_of(setup: Setup) -> Iterator[Bench]:
    """Start the nodes; they end with the ``with``."""
    with ExitStack() as stack:
        # A socket's path is short, and nobody's old nodes are here.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tianyuan-")))
        traffic = node("traffic", traffic_node.prepare, setup.car, setup.path, setup.nodes_cpu)
        third = node("observer", observer.prepare, setup.car, setup.nodes_cpu)
        yield Bench(setup, stack.enter_context(traffic), stack.enter_context(third), folder)


def host_turn(setup: Setup, bus: str, log: Path | None, progress: Progress) -> Turn:
    """A fresh host on a bus for the turn's seconds. The one place that knows ``drive``."""
    car = load_car(setup.car)
    host = make_host(car, setup.path, Controller.STANLEY, setup.period_ns)
    host.tables.driver.supervisor_ready_dwell_s[0] = 0.0  # the first go counts
    asked = controls()

    def look(elapsed_s: float) -> None:
        progress(min(elapsed_s, setup.seconds))
        if elapsed_s >= setup.seconds:
            asked.quit()  # no car is stopped: this one cannot be

    terms = driving.Terms((bus,), setup.period_ns, setup.cpu, log, early_ns=setup.early_ns)
    result = driving.drive(host, terms, asked, progress=look)
    figures = result.figures()
    return Turn(
        result.accounts,
        result.ticks,
        result.overruns,
        figures["missed"],
        figures["allocations"],
        result.lost,
        result.steps,
        Mode(int(host.memory.driver.mode[0])).name,
    )


def driven(bench: Bench, name: str, progress: Progress, log: Path | None = None) -> Turn:
    """A turn with the car driving: every sensor decoded, every command encoded."""
    bus = bench.bus(name)
    with bench.traffic.working(traffic_node.Order(bus, drives=True)):
        return host_turn(bench.setup, bus, log, progress)


def answered(bench: Bench, name: str, progress: Progress) -> observer.Matched:
    """A turn with the car standing and its wheel turned: how soon the host says so."""
    bus = bench.bus(name)
    room = int(bench.setup.seconds + 10.0) * SIGHTINGS_PER_S
    standing = traffic_node.Order(bus, drives=False)
    with bench.traffic.working(standing), bench.observer.working(observer.Order(bus, room)):
        host_turn(bench.setup, bus, None, progress)
    return observer.match(bench.observer.result)


def response_bound_us(setup: Setup) -> float:
    """One period plus 100 µs; one cycle of the command where that is longer."""
    car = load_car(setup.car)
    name = car.commands["steer_rad"][0].message
    sent = cycle_ms(car, messages_of(car).named[name])
    return (max(setup.period_ns, sent * NS_PER_MS) + GRACE_NS) / 1000.0


def stages(turns: list[Turn]) -> dict[str, dict[str, float]]:
    """wake_us, tick_us and cycle_us over all turns."""
    named = {"wake_us": WAKE, "tick_us": TICK, "cycle_us": CYCLE}
    return {
        name: merged([turn.stage(stage) for turn in turns]).figures()
        for name, stage in named.items()
    }


def totals(turns: list[Turn]) -> dict[str, Any]:
    """Counts over all turns, and what the last one was granted."""
    return {
        "ticks": sum(turn.ticks for turn in turns),
        "overruns": sum(turn.overruns for turn in turns),
        "missed": {stage: sum(turn.missed[stage] for turn in turns) for stage in STAGES},
        "allocations": sum(turn.allocations for turn in turns),
        "lost_by_recorder": sum(turn.lost for turn in turns),
        "ended_in": [turn.mode for turn in turns],
        "privileges": {step.name: step.ok for step in turns[-1].steps},
    }


def response(turns: list[observer.Matched], setup: Setup) -> dict[str, Any]:
    """response_us over all turns, with its bound and how many frames were never answered."""
    return {
        "response_us": merged([counted(turn.response_ns) for turn in turns]).figures(),
        "response_bound_us": response_bound_us(setup),
        "asked": sum(turn.asked for turn in turns),
        "unanswered": sum(turn.unanswered for turn in turns),
    }
