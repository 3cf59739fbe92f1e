"""A scenario in real time: host and guard as processes of the real program, on a local bus.

The rig is a thread of this process, on the same bus; what it injects, and the judge's tap in it,
are the same as in virtual time.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from tianyuan.control.errors import InputError
from tianyuan.firmware.bus_names import car_buses
from tianyuan.hil.faults.at_run_time import Scene
from tianyuan.hil.faults.files import Inputs
from tianyuan.hil.realtime import drive_rig
from tianyuan.hil.scenario.end import NS_PER_S, End
from tianyuan.hil.scenario.files import write_inputs
from tianyuan.hil.scenario.model import Scenario
from tianyuan.hil.scenario.prepare import Ready
from tianyuan.hil.scenario.process_faults import ProcessFaults, log_for

LOOK_S: Final = 0.02
PATIENCE_S: Final = 600.0  # for processes that compile, of a cold cache on a busy machine


def drive(ready: Ready, scenario: Scenario, where: str) -> dict[int, int]:
    """Run until the scenario is over; raises InputError for what host or guard refuse.

    Returns when each fault of a process was done, by its place among the scenario's.
    """
    with _folder() as folder, log_for(scenario, folder) as log:
        inputs = write_inputs(scenario, ready, folder)
        bus = f"{folder}/can0"
        common = ("--car", str(inputs.car), "-c", bus, "--rate", str(scenario.rate_hz))
        with _rig(ready, car_buses(ready.car, bus)) as rig, _Processes(where, rig) as processes:
            if ready.car.guard:
                processes.start("guard", *common)
            # A host without a guard that speaks is sent home by race control.
            heard = ready.life.permit_received
            processes.wait(lambda: bool((heard["count"] > 0).all()), "the guard")
            logged = ("--log", str(log)) if log is not None else ()
            processes.start("drive", *common, *_circuit(inputs, scenario), *logged)
            scene = Scene(
                os.getpid(), ready.period_ns * 1e-9, os.sched_getaffinity(0),
                folder if log is None else log.parent, bus, ready.car,
            )  # fmt: skip
            with ProcessFaults(scenario, ready.world, ready.life, scene) as faults:
                _until_over(ready, scenario, rig, processes)
    if faults.failed is not None:
        raise InputError(f"{where}: {faults.failed}")
    return faults.begun_ns


def _circuit(inputs: Inputs, scenario: Scenario) -> tuple[str, ...]:
    return (
        "--track", str(inputs.track), "--line", str(inputs.line),
        "--controller", scenario.controller,
    )  # fmt: skip


def _until_over(
    ready: Ready, scenario: Scenario, rig: threading.Thread, processes: _Processes
) -> None:
    life = ready.life
    processes.wait(lambda: life.race.began_ns[0] > 0, "the host")
    end = End(scenario, time.monotonic_ns() + int(ready.longest_s * NS_PER_S))
    while rig.is_alive() and not end.reached(life, time.monotonic_ns()):
        time.sleep(LOOK_S)


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """A folder of its own for sockets and files; a socket's path must be short."""
    folder = Path(tempfile.mkdtemp(prefix="hil-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextlib.contextmanager
def _rig(ready: Ready, buses: tuple) -> Iterator[threading.Thread]:
    over = threading.Event()
    thread = threading.Thread(
        target=drive_rig, args=(ready.world, ready.life, buses, None, None, over), name="rig"
    )
    thread.start()
    try:
        yield thread
    finally:
        over.set()
        thread.join()


class _Processes:
    """Processes of our own program, ended with the scenario."""

    def __init__(self, where: str, rig: threading.Thread) -> None:
        self.where, self.rig = where, rig
        self.all: list[subprocess.Popen[str]] = []

    def __enter__(self) -> _Processes:
        return self

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "tianyuan", *arguments],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.all.append(process)
        return process

    def wait(self, wanted: Callable[[], bool], what: str) -> None:
        """Wait for something; raises InputError if a process ends or none comes."""
        end = time.monotonic() + PATIENCE_S
        while not wanted():
            for process in self.all:
                if process.poll() is not None:
                    _, said = process.communicate()
                    raise InputError(f"{self.where}: {' '.join(said.split()[-60:])}")
            if not self.rig.is_alive():
                raise InputError(f"{self.where}: the rig has ended before {what} was there")
            if time.monotonic() > end:
                raise InputError(f"{self.where}: {what}: not there after {PATIENCE_S:.0f} s")
            time.sleep(LOOK_S)

    def __exit__(self, *_: object) -> None:
        for process in self.all:
            process.kill()
            process.communicate()
