"""Faults of processes in real time: done by a thread of the runner when their instant has come."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from tianyuan.control.errors import InputError
from tianyuan.hil import rig
from tianyuan.hil.faults import disks, memory, processes, wall_clock
from tianyuan.hil.faults.entry import FaultEntry
from tianyuan.hil.faults.fault import Layer
from tianyuan.hil.scenario.model import Scenario

LOOK_S: Final = 0.001
OF_THE_LOG: Final = ("recorder_killed", "disk_full", "disk_hang", "memory_pressure")
OF_THE_DISK: Final = ("disk_full", "disk_hang")


class Scene(NamedTuple):
    """What faults of processes are done to: the children of this process, and their disk."""

    period_s: float
    log: Path | None


def _once(act: Callable[[], None]) -> AbstractContextManager[object]:
    @contextmanager
    def acted() -> Iterator[None]:
        act()
        yield

    return acted()


def _made(entry: FaultEntry, scene: Scene) -> AbstractContextManager[object]:
    """A fault that is there inside a ``with``; raises InputError for one that is none of these."""
    runner, told = os.getpid(), entry.parameters
    if entry.fault in ("host_stall", "host_stall_long", "host_stopped"):
        return processes.stopped(runner, "host")
    if entry.fault == "host_killed":
        return _once(lambda: processes.kill(runner, "host"))
    if entry.fault == "host_terminated":
        return _once(lambda: processes.terminate(runner, "host"))
    if entry.fault in ("overrun", "overruns_in_a_row"):
        ticks = int(told["ticks"])
        return _once(lambda: processes.overrun(runner, ticks, scene.period_s))
    if entry.fault == "recorder_killed":
        return _once(lambda: processes.kill(runner, "recorder"))
    if entry.fault == "cores_hogged":
        return processes.hogged(os.sched_getaffinity(0))
    if entry.fault == "wall_clock_jump":
        return wall_clock.jumped(float(told["jump_s"]))
    if entry.fault == "memory_pressure":
        pids = [*processes.find(runner, "host"), *processes.find(runner, "recorder")]
        return memory.short_of_memory(pids, int(told["room_mib"]))
    if entry.fault in OF_THE_DISK and scene.log is not None:
        place = scene.log.parent
        return disks.full(place) if entry.fault == "disk_full" else disks.hanging(place)
    raise InputError(f"{entry.fault}: is not injected into a scenario in real time")


def of_processes(scenario: Scenario) -> list[tuple[int, FaultEntry]]:
    """The faults that are done to processes, with their places among all."""
    return [
        (place, entry)
        for place, entry in enumerate(scenario.faults)
        if entry.row.realtime is Layer.PROCESS
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

    def __init__(self, scenario: Scenario, life: rig.Life, scene: Scene) -> None:
        super().__init__(name="faults", daemon=True)
        self.waiting = of_processes(scenario)
        self.life, self.scene = life, scene
        self.begun_ns: dict[int, int] = {}
        self.ends: list[tuple[int, ExitStack]] = []
        self.over = threading.Event()
        self.failed: InputError | None = None

    def run(self) -> None:
        """Look once a millisecond."""
        try:
            while not self.over.wait(LOOK_S):
                self._look()
        except InputError as error:
            self.failed = error
        finally:
            for _, stack in self.ends:
                stack.close()

    def _look(self) -> None:
        now_ns = time.monotonic_ns()
        for ended in [each for each in self.ends if each[0] <= now_ns]:
            self.ends.remove(ended)
            ended[1].close()
        for each in [each for each in self.waiting if self._due(each[1], now_ns)]:
            self.waiting.remove(each)
            self._begin(*each)

    def _begin(self, place: int, entry: FaultEntry) -> None:
        stack = ExitStack()
        self.begun_ns[place] = time.monotonic_ns()
        stack.enter_context(_made(entry, self.scene))
        lasts_s = entry.lasts_s
        for_ns = 1 << 62 if lasts_s is None else round(lasts_s * 1e9)
        self.ends.append((self.begun_ns[place] + for_ns, stack))

    def _due(self, entry: FaultEntry, now_ns: int) -> bool:
        """As ``faults/active.py`` has it for what the rig injects."""
        race, at = self.life.race[0], entry.at
        if race.began_ns == 0:
            return False
        if at.time_s is not None:
            return bool(now_ns - race.began_ns >= at.time_s * 1e9)
        if not race.started:
            return False
        if at.station_m is not None:
            lap = at.lap or 1
            return bool(race.lap > lap or (race.lap == lap and race.station_m >= at.station_m))
        return bool(self.life.plant_state.vx_mps[0] >= (at.speed_mps or 0.0))

    def __enter__(self) -> ProcessFaults:
        if self.waiting:
            self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        if self.is_alive():
            self.join()
