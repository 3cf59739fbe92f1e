"""Faults of processes and interfaces in real time: done at their instant by the runner's thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Final

from tianyuan.control.errors import InputError
from tianyuan.hil.faults import disks
from tianyuan.hil.faults.at_run_time import Scene, at_run_time
from tianyuan.hil.faults.entry import FaultEntry
from tianyuan.hil.faults.fault import Layer
from tianyuan.hil.faults.socketcan import Netem
from tianyuan.hil.life import Life
from tianyuan.hil.scenario.model import Scenario
from tianyuan.hil.world import World

LOOK_S: Final = 0.001
OF_THE_LOG: Final = ("recorder_killed", "disk_full", "disk_hang", "memory_pressure")
OF_THE_DISK: Final = ("disk_full", "disk_hang")


def of_the_runner(scenario: Scenario) -> list[tuple[int, FaultEntry]]:
    """The faults that are done to processes or interfaces, with their places among all."""
    return [
        (place, entry)
        for place, entry in enumerate(scenario.faults)
        if entry.row.realtime in (Layer.PROCESS, Layer.INTERFACE)
    ]


@contextmanager
def log_for(scenario: Scenario, folder: Path) -> Iterator[Path | None]:
    """Where the host is to log to, if a fault is of its log: on its own disk, if of its disk."""
    named = {entry.fault for entry in scenario.faults}
    with ExitStack() as stack:
        if named.intersection(OF_THE_DISK):
            folder = stack.enter_context(disks.own_disk(folder))
        yield folder / "drive.blf" if named.intersection(OF_THE_LOG) else None


class ProcessFaults(threading.Thread):
    """Does them inside a ``with``; ``begun_ns`` says when each was done, by its place."""

    def __init__(self, scenario: Scenario, world: World, life: Life, scene: Scene) -> None:
        super().__init__(name="faults", daemon=True)
        self.waiting = of_the_runner(scenario)
        self.first = {
            place for place, entry in self.waiting
            if entry.at.time_s == 0.0 and entry.row.realtime is Layer.INTERFACE
        }  # fmt: skip
        self.world, self.life, self.scene = world, life, scene
        self.made: dict[int, AbstractContextManager[object]] = {}
        self.begun_ns: dict[int, int] = {}
        self.ends: list[tuple[int, ExitStack]] = []
        self.over = threading.Event()
        self.failed: InputError | None = None

    def run(self) -> None:
        """Look once a millisecond."""
        try:
            with ExitStack() as ends:
                ends.callback(self._end_all)
                while not self.over.wait(LOOK_S):
                    self._look()
        except InputError as error:
            self.failed = self.failed or error

    def _end_all(self) -> None:
        with ExitStack() as all_of_them:
            for _, stack in self.ends:
                all_of_them.push(stack)

    @property
    def are_first_done(self) -> bool:
        """Whether all that interfaces have from the very first is there, or cannot be done."""
        return self.failed is not None or self.first <= self.begun_ns.keys()

    def _look(self) -> None:
        now_ns = time.monotonic_ns()
        for ended in [each for each in self.ends if each[0] <= now_ns]:
            self.ends.remove(ended)
            ended[1].close()
        for each in [each for each in self.waiting if self._due(each[0])]:
            self.waiting.remove(each)
            self._begin(*each)

    def _begin(self, place: int, entry: FaultEntry) -> None:
        stack = ExitStack()
        fault = self.made.pop(place, None) or at_run_time(entry, self.scene)
        begun_ns = time.monotonic_ns()
        stack.enter_context(fault)
        self.begun_ns[place] = begun_ns
        lasts_s = entry.lasts_s
        for_ns = 1 << 62 if lasts_s is None else round(lasts_s * 1e9)
        self.ends.append((begun_ns + for_ns, stack))

    def _due(self, place: int) -> bool:
        """Whether the rig says that it has begun."""
        rows = self.world.faults.entry == place
        return bool((self.life.faults.state.began_ns[rows] > 0).any())

    def __enter__(self) -> ProcessFaults:
        for place, entry in self.waiting:
            if entry.row.realtime is Layer.INTERFACE:  # whose programs are to be ready
                self.made[place] = at_run_time(entry, self.scene)
        if self.waiting:
            self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        if self.is_alive():
            self.join()
        for unused in self.made.values():
            if isinstance(unused, Netem):
                unused.close()
