"""A scenario in real time: host and guard as processes of the real program, on a bus.

The rig is a thread of this process, on the same bus; what it injects, and the judge's tap in it,
are the same as in virtual time. The bus is a local one, or the kernel's CAN.
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
from tianyuan.drivers.address import Address, Places, name_of
from tianyuan.firmware.bus_names import host_bus
from tianyuan.hil.faults.at_run_time import Scene
from tianyuan.hil.faults.files import Inputs
from tianyuan.hil.realtime import drive_rig
from tianyuan.hil.scenario.end import NS_PER_S, End
from tianyuan.hil.scenario.expectation import bound_of
from tianyuan.hil.scenario.files import write_inputs
from tianyuan.hil.scenario.model import Scenario
from tianyuan.hil.scenario.on_bus import OnBus
from tianyuan.hil.scenario.prepare import Ready
from tianyuan.hil.scenario.process_faults import ProcessFaults, log_for

LOOK_S: Final = 0.02
BAD_INPUT: Final = 2
PATIENCE_S: Final = 600.0  # for processes that compile, of a cold cache on a busy machine


def drive(ready: Ready, scenario: Scenario, where: str, on: OnBus) -> dict[int, int]:
    """Run until the scenario is over; raises InputError for what host or guard refuse.

    Returns when each fault of a process or an interface was done, by its place among the
    scenario's. A host that refuses to start where that is expected has never driven.
    """
    with _folder() as folder, log_for(scenario, folder) as log:
        inputs = write_inputs(scenario, ready, folder)
        near, far = on.host_end(ready.car, folder), on.rig_end(ready.car, folder)
        common = ("--car", str(inputs.car), "--rate", str(scenario.rate_hz), "-i", on.interface)
        with (
            on.joined(near, far),
            _Rig(ready, far, host_bus(near[0])) as rig,
            _Processes(where, rig) as processes,
        ):
            if ready.car.guard:
                processes.start("guard", *common, "-c", _named(far))
            # A host without a guard that speaks is sent home by race control.
            heard = ready.life.permit_received
            processes.wait(lambda: bool((heard["count"] > 0).all()), "the guard")
            scene = Scene(
                os.getpid(), ready.period_ns * 1e-9, os.sched_getaffinity(0),
                folder if log is None else log.parent, host_bus(near[0]), ready.car,
                name_of(near[0]) if on.is_can else None,
            )  # fmt: skip
            with ProcessFaults(scenario, ready.world, ready.life, scene) as faults:
                processes.wait(lambda: faults.are_first_done, "a fault")
                logged = ("--log", str(log)) if log is not None else ()
                circuit = _circuit(inputs, scenario)
                host = processes.start("drive", *common, "-c", _named(near), *circuit, *logged)
                _until_over(ready, scenario, processes, faults, host)
                # What happens once guard and host are killed is not the scenario's.
                rig.end()
    if faults.failed is not None:
        raise InputError(f"{where}: {faults.failed}")
    return faults.begun_ns


def _named(places: Places) -> str:
    return ",".join(map(name_of, places))


def _circuit(inputs: Inputs, scenario: Scenario) -> tuple[str, ...]:
    return (
        "--track", str(inputs.track), "--line", str(inputs.line),
        "--controller", scenario.controller,
    )  # fmt: skip


def _until_over(
    ready: Ready,
    scenario: Scenario,
    processes: _Processes,
    faults: ProcessFaults,
    host: subprocess.Popen[str],
) -> None:
    life = ready.life
    may_refuse = _expected(scenario, ready) == "refused"

    def refused() -> bool:
        return may_refuse and host.poll() == BAD_INPUT

    processes.wait(
        lambda: life.race.began_ns[0] > 0 or refused() or faults.failed is not None, "the host"
    )
    end = End(scenario, time.monotonic_ns() + int(ready.longest_s * NS_PER_S))
    while processes.rig.is_alive() and not refused() and faults.failed is None:
        if end.reached(life, time.monotonic_ns()):
            break
        time.sleep(LOOK_S)


def _expected(scenario: Scenario, ready: Ready) -> str:
    return bound_of(scenario, ready.car, ready.period_ns, scenario.name).reaction


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """A folder of its own for sockets and files; a socket's path must be short."""
    folder = Path(tempfile.mkdtemp(prefix="hil-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


class _Rig(threading.Thread):
    """The rig on its buses, until it has finished or is ended; ended at the latest after a with."""

    def __init__(self, ready: Ready, buses: Places, about: str) -> None:
        self.over = threading.Event()
        arguments = (ready.world, ready.life, buses, None, None, self.over, Address(about))
        super().__init__(target=drive_rig, args=arguments, name="rig")

    def end(self) -> None:
        """Hear and tell nothing any more."""
        self.over.set()
        self.join()

    def __enter__(self) -> _Rig:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


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
