"""The host killed at speed, for real: three processes on a bus, and an ear that stamps permits.

One drive of some thirty seconds serves all of it. A machine that others use may stall for so
long that the car stops by itself, as it should: such a drive shows nothing, and is repeated.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import can
import pytest

from tianyuan import names
from tianyuan.control.records import Cause, Controller, Mode, Permit
from tianyuan.drivers.local_bus import nodes
from tianyuan.firmware.car_file import load_car
from tianyuan.firmware.host import make_host
from tianyuan.firmware.line_file import write_line
from tianyuan.hil import virtual
from tianyuan.hil.realtime import drive_rig

pytestmark = [pytest.mark.compiled, pytest.mark.timed]

GUARD_PERMIT, HOST_HEARTBEAT = 0x091, 0x090
PATIENCE_S = 120.0  # a cold cache
KILL_MPS = 50.0
GUARD_PERIOD_S = 0.010
NOISE_S = 0.010  # of scheduling: this process, the guard's and the signal's way
PERIOD_NS = 2_000_000
DRIVES = 4
# What a stalled machine looks like to a host: itself late, or the others unheard.
STALLS = {Cause.OVERRUNS, *(cause for cause in Cause if cause.name.endswith("_LOST"))}


class MachineStalledError(Exception):
    """The car stopped by itself, for a cause that a stall of the machine has."""


def in_real_time() -> None:
    """Let the calling thread go before whatever else this machine does, if it may."""
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(60))


def stop_for(process: subprocess.Popen, seconds: float) -> None:
    """Stop a process for so long and not, on a busy machine, for longer."""

    def work() -> None:
        in_real_time()
        os.kill(process.pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.kill(process.pid, signal.SIGCONT)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


class Ear(threading.Thread):
    """A node that stamps what it hears; ``permits`` and ``modes`` are (seconds, word)."""

    def __init__(self, bus: str) -> None:
        super().__init__(daemon=True)
        self.bus = can.Bus(interface="tianyuan", channel=bus)
        self.permits: list[tuple[float, int]] = []
        self.modes: list[tuple[float, int]] = []
        self.stopped_by: Cause | None = None  # the host's cause of its first stop
        self.ended = threading.Event()

    def run(self) -> None:
        in_real_time()
        kept = {GUARD_PERMIT: self.permits, HOST_HEARTBEAT: self.modes}
        while not self.ended.is_set():
            message = self.bus.recv(0.1)
            if message is not None and message.arbitration_id in kept:
                word = message.data[1] >> 4
                now_s = time.monotonic()
                kept[message.arbitration_id].append((now_s, word & 3 if word > 4 else word))
                stops = message.arbitration_id == HOST_HEARTBEAT and word > Mode.DRIVING
                if stops and self.stopped_by is None:
                    self.stopped_by = Cause(message.data[2])

    def close(self) -> None:
        self.ended.set()
        self.join()
        self.bus.shutdown()


class Scene:
    """The car on its track, a guard's process, and hosts to start and to kill."""

    def __init__(self, folder: Path, bus: str, line) -> None:
        self.bus = bus
        car_file = folder / "tianyuan.toml"
        shipped = names.car_file("tianyuan").read_text()
        car_file.write_text(shipped + "\n[supervisor]\nready_dwell_s = 0.0\n")
        write_line(line, folder / "line.csv")
        rows = [f"{p.x_m:.4f},{p.y_m:.4f},10.0,10.0" for p in line[::4]]
        (folder / "track.csv").write_text("\n".join(rows) + "\n")
        self.common = ("--car", str(car_file), "-c", bus)
        self.circuit = ("--track", str(folder / "track.csv"), "--line", str(folder / "line.csv"))
        car = load_car(car_file)
        host = make_host(car, line, Controller.STANLEY, PERIOD_NS)
        self.world = virtual.make_rig(car, names.vehicle_file("tianyuan"), host, 1)
        self.life = virtual.birth(self.world, host, 5)
        self.end = threading.Event()
        self.rig = threading.Thread(
            target=drive_rig, args=(self.world, self.life, (bus,), None, None, self.end)
        )
        self.processes: list[subprocess.Popen] = []
        self.ear: Ear | None = None

    def start(self, *arguments: str) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, "-m", "tianyuan", *arguments],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.processes.append(process)
        return process

    def drive(self) -> subprocess.Popen:
        return self.start("drive", *self.common, *self.circuit)

    def driving(self, speed_mps: float) -> tuple[Ear, subprocess.Popen]:
        """Guard and host at work, and an ear, once the car is that fast."""
        self.start("guard", *self.common)
        self.wait(lambda: len(nodes(self.bus)) >= 2, "rig and guard")
        self.ear = ear = Ear(self.bus)
        ear.start()
        host = self.drive()
        self.reach(speed_mps)
        return ear, host

    def reach(self, speed_mps: float) -> None:
        """Wait until the car is that fast; MachineStalledError if it stops for want of time."""

        def fast_or_stopped() -> bool:
            return self.speed_mps > speed_mps or self.ear.stopped_by is not None

        self.wait(fast_or_stopped, f"{speed_mps} m/s")
        if self.ear.stopped_by is not None:
            assert self.ear.stopped_by in STALLS, self.ear.stopped_by.name
            raise MachineStalledError(self.ear.stopped_by.name)

    @property
    def speed_mps(self) -> float:
        return float(self.life.plant_state.vx_mps[0])

    def wait(self, wanted: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> None:
        end = time.monotonic() + patience_s
        while not wanted():
            assert time.monotonic() < end, f"waited in vain for {what}"
            time.sleep(0.002)

    def close(self) -> None:
        self.end.set()
        for process in self.processes:
            if process.poll() is None:
                os.kill(process.pid, signal.SIGCONT)
                process.kill()
            process.wait()
        self.rig.join()
        if self.ear is not None:
            self.ear.close()


@contextlib.contextmanager
def a_scene(folder: Path, line) -> Iterator[Scene]:
    directory = tempfile.mkdtemp(prefix="bus-")
    made = Scene(folder, f"{directory}/can0", line)
    made.rig.start()
    try:
        yield made
    finally:
        made.close()
        shutil.rmtree(directory)


def on_a_machine_that_keeps_time(part: Callable[[Scene], None], folder: Path, line) -> None:
    """Play the part in a scene of its own, anew where the machine stalled."""
    stalls = []
    for _ in range(DRIVES):
        with a_scene(folder, line) as scene:
            try:
                part(scene)
            except MachineStalledError as stall:
                stalls.append(str(stall))
            else:
                return
    pytest.fail(f"in each of {DRIVES} drives the car stopped by itself: {', '.join(stalls)}")


def granted(permits: list[tuple[float, int]]) -> list[float]:
    return [at for at, word in permits if word == Permit.GRANTED]


def stopped_for_50_ms_then_killed(scene: Scene) -> None:
    ear, host = scene.driving(15.0)

    stop_for(host, 0.05)
    scene.reach(KILL_MPS)
    assert Permit.WITHDRAWN not in [word for _, word in ear.permits]
    assert Permit.WAITING in [word for _, word in ear.permits]
    assert scene.life.circuit.tripped[0] == 0

    killed_s = time.monotonic()
    host.kill()
    scene.wait(lambda: abs(scene.speed_mps) < 0.1, "a car that stands", 20.0)
    assert granted(ear.permits)[-1] - killed_s < GUARD_PERIOD_S + NOISE_S
    assert ear.permits[-1][1] == Permit.WITHDRAWN
    rows = scene.life.rows[: scene.life.written[0]]
    assert rows.edge_margin_m.min() > 0
    assert rows.speed_mps.max() > KILL_MPS

    scene.life.race.finished[0] = 0
    ear.modes.clear()
    scene.drive()
    scene.wait(lambda: len(ear.modes) > 100, "the host's heartbeat again")
    assert {word for _, word in ear.modes} <= {Mode.OFF, Mode.READY}
    assert abs(scene.speed_mps) < 0.1


def stopped_for_good(scene: Scene) -> None:
    ear, host = scene.driving(20.0)
    stopped_s = time.monotonic()
    os.kill(host.pid, signal.SIGSTOP)
    scene.wait(lambda: abs(scene.speed_mps) < 0.1, "a car that stands", 20.0)
    assert granted(ear.permits)[-1] - stopped_s < GUARD_PERIOD_S + NOISE_S
    assert ear.permits[-1][1] == Permit.WITHDRAWN
    assert scene.life.rows[: scene.life.written[0]].edge_margin_m.min() > 0


def test_a_host_stopped_for_50_ms_drives_on_and_one_killed_at_50_mps_stops_on_the_track(
    straights, tmp_path
):
    on_a_machine_that_keeps_time(stopped_for_50_ms_then_killed, tmp_path, straights)


def test_a_host_that_is_stopped_for_good_stops_the_car_as_one_killed_does(straights, tmp_path):
    on_a_machine_that_keeps_time(stopped_for_good, tmp_path, straights)
