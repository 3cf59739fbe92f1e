"""Faults of processes and of the kernel's CAN, by entry: each is there inside a ``with``.

The rig injects all others itself, in real time as in virtual time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from tianyuan.control.errors import InputError
from tianyuan.control.records import COMMAND, COMMAND_NAMES, record
from tianyuan.dbc.codec import SENT, encode, records
from tianyuan.dbc.frame import frames
from tianyuan.drivers.port import open_port, send
from tianyuan.firmware.car_file import Car
from tianyuan.firmware.tables import wire
from tianyuan.hil.faults import (
    disks,
    interpreter,
    memory,
    processes,
    socketcan,
    wall_clock,
)
from tianyuan.hil.faults.entry import FaultEntry
from tianyuan.hil.faults.of_frames import INTRUDER_RAD
from tianyuan.hil.faults.targets import signals_of


class Scene(NamedTuple):
    """Where a run in real time takes place."""

    runner: int  # the process below which host, guard and recorder run
    period_s: float  # of the host
    cpus: set[int]
    disk: Path  # that the log is written to; a disk of its own, if it is to hang or to be full
    host_bus: str  # the local one on which the host tells of itself
    car: Car
    interface: str | None = None  # of the kernel's CAN, where the car's first bus is one
    in_this_process: bool = False  # whether the host runs here, and not in a process of its own


Manager = AbstractContextManager[object]


def at_run_time(entry: FaultEntry, scene: Scene) -> Manager:
    """The fault of an entry, to be entered at its instant. Raises InputError, also on entering."""
    if entry.fault in OF_PROCESSES:
        return OF_PROCESSES[entry.fault](entry, scene)
    if entry.fault in OF_INTERFACES:
        if scene.interface is None:
            raise InputError(f"{entry.fault}: takes the kernel's CAN; run it with -i socketcan")
        return OF_INTERFACES[entry.fault](entry, scene, scene.interface)
    raise InputError(f"{entry.fault}: is injected by the rig itself")


@contextmanager
def _once(act: Callable[[], object]) -> Iterator[None]:
    """What is done at the instant, and has no end."""
    act()
    yield


def _overrun(entry: FaultEntry, scene: Scene) -> Manager:
    ticks = int(entry.parameters["ticks"])
    return _once(lambda: processes.overrun(scene.runner, ticks, scene.period_s))


def _stopped(entry: FaultEntry, scene: Scene) -> Manager:
    return processes.stopped(scene.runner, "host")


def _killed(role: str) -> Callable[[FaultEntry, Scene], Manager]:
    return lambda entry, scene: _once(lambda: processes.kill(scene.runner, role))


def _terminated(entry: FaultEntry, scene: Scene) -> Manager:
    return _once(lambda: processes.terminate(scene.runner, "host"))


def _clock(entry: FaultEntry, scene: Scene) -> Manager:
    return wall_clock.jumped(float(entry.parameters["jump_s"]))


def _work(entry: FaultEntry, scene: Scene) -> Manager:
    if not scene.in_this_process:
        raise InputError(f"{entry.fault}: takes a host in the runner's own process")
    return interpreter.at_work(str(entry.parameters["how"]))


def _short(entry: FaultEntry, scene: Scene) -> Manager:
    pids = processes.found(scene.runner, "recorder") + processes.find(scene.runner, "host")
    return memory.short_of_memory(pids, int(entry.parameters["room_mib"]))


def _intruder(entry: FaultEntry, scene: Scene) -> Manager:
    if entry.parameters["how"] == "stalled":
        return open_port(scene.host_bus, "never-reads")
    return _commanding(scene, float(entry.parameters["every_ms"]) * 1e-3)


@contextmanager
def _commanding(scene: Scene, every_s: float) -> Iterator[None]:
    """Somebody who sends our steering command on the host's own bus, right in every bit."""
    codec = wire(scene.car).commands
    message, _ = next(signals_of(codec, COMMAND_NAMES.index("steer_rad")))
    sent, made, command = records(codec, SENT), frames(1), record(COMMAND)
    command.steer_rad[0], command.steer_enable[0] = INTRUDER_RAD, 1.0
    with open_port(scene.host_bus, "intruder") as port:

        def once() -> None:
            encode(codec, message, sent, command.view(np.float64), made, 0)
            send(port.record, made, 0, 1)

        with interpreter.again_and_again(once, every_s):
            yield


def _nothing_acknowledged(entry: FaultEntry, scene: Scene, interface: str) -> Manager:
    return socketcan.nobody_acknowledges(interface)


def _loaded(entry: FaultEntry, scene: Scene, interface: str) -> Manager:
    bitrate = next(iter(scene.car.buses.values())).bitrate
    return socketcan.load(interface, float(entry.parameters["share"]), bitrate)


def _wrong_rate(entry: FaultEntry, scene: Scene, interface: str) -> Manager:
    return socketcan.wrong_bit_rate(interface, int(entry.parameters["bitrate"]))


OF_PROCESSES: Final[dict[str, Callable[[FaultEntry, Scene], Manager]]] = {
    "overrun": _overrun,
    "overruns_in_a_row": _overrun,
    "host_stall": _stopped,
    "host_stall_long": _stopped,
    "wall_clock_jump": _clock,
    "work_in_the_loop": _work,
    "recorder_killed": _killed("recorder"),
    "disk_full": lambda entry, scene: disks.full(scene.disk),
    "disk_hang": lambda entry, scene: disks.hanging(scene.disk),
    "memory_pressure": _short,
    "cores_hogged": lambda entry, scene: processes.hogged(scene.cpus),
    "host_killed": _killed("host"),
    "host_stopped": _stopped,
    "host_terminated": _terminated,
    "telemetry_intrusion": _intruder,
}
OF_INTERFACES: Final[dict[str, Callable[[FaultEntry, Scene, str], Manager]]] = {
    "bus_off": lambda entry, scene, interface: socketcan.bus_off(interface),
    "error_passive": lambda entry, scene, interface: socketcan.error_passive(interface),
    "cable_pulled": _nothing_acknowledged,
    "transmit_queue_full": lambda entry, scene, interface: socketcan.transmit_queue_full(interface),
    "bus_load": _loaded,
    "interface_down": lambda entry, scene, interface: socketcan.down(interface),
    "wrong_bit_rate": _wrong_rate,
}
