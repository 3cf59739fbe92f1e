"""The rehearsal: every path that the loop can take, taken once before it counts.

The loop itself, on a bus, a ring and a memory of its own: the car stands, gets ready, drives
along its line, is stopped under control and is stopped in an emergency.
"""

from __future__ import annotations

import tempfile
from typing import Final

import numpy as np

from tianyuan.control.records import Flag, Mode
from tianyuan.dbc.codec import SENT, encode, records
from tianyuan.dbc.frame import frames
from tianyuan.drivers.buses import Buses, send_all
from tianyuan.drivers.port import open_port
from tianyuan.firmware import loop
from tianyuan.firmware.accounting import accounts
from tianyuan.firmware.host import Host
from tianyuan.firmware.loop_thread import Beat, Ports, arguments, controls
from tianyuan.firmware.ring import ring
from tianyuan.firmware.tables import command, memory, sensors

PERIOD_NS: Final = 100_000
STANDING, DRIVING, STOPPING = 60, 60, 20  # ticks
STRIDE: Final = 20  # points of the line between two ticks that drive


class Puppet:
    """A node that says what the sensors of a car would say; ``told`` is its SENSORS."""

    def __init__(self, host: Host, buses: Buses) -> None:
        self.told = sensors()
        self.told.race_flag, self.told.race_heartbeat = int(Flag.GREEN), 0.0
        self._path, self._buses = host.path, buses
        self._codec = host.tables.sensors
        self._sent = records(self._codec, SENT)
        self._frames = frames(self._codec.messages.size)

    def place(self, point: int, speed_mps: float) -> None:
        """Put the car on a point of the line."""
        here = self._path[point % self._path.size]
        self.told.gnss_x_m, self.told.gnss_y_m = here.x_m, here.y_m
        self.told.gnss_heading_rad = here.heading_rad % (2.0 * np.pi)
        self.told.gnss_speed_mps = speed_mps
        for wheel in ("fl", "fr", "rl", "rr"):
            self.told[f"wheel_{wheel}_mps"] = speed_mps

    def speak(self) -> None:
        """Send every message that the host listens to."""
        self.told.race_heartbeat = (self.told.race_heartbeat + 1.0) % 256.0
        values, count = self.told.view(np.float64), 0
        for message in range(self._codec.messages.size):
            if encode(self._codec, message, self._sent, values, self._frames, count) >= 0:
                count += 1
        send_all(self._buses.record, self._frames, count)


class _Stage:
    """A host like the one to come, with all that changes made anew, and its puppet."""

    def __init__(self, host: Host, ports: Ports, puppet: Puppet, early_ns: int) -> None:
        made = host._replace(
            sensors=sensors(), memory=memory(host.tables), command=command(),
            frames_in=host.frames_in.copy(), frames_out=host.frames_out.copy(),
        )  # fmt: skip
        self.puppet, self.path, self.driver = puppet, made.path, made.memory.driver
        self.seen = {Mode(int(self.driver.mode[0]))}
        self._told = made.memory.host
        asked = controls()
        self._words = asked.words
        beat = Beat(PERIOD_NS, early_ns)
        self._arguments = arguments(made, ports, ring(64), accounts(), asked, beat)

    def tick(self) -> None:
        """One tick of the loop, after the sensors have spoken."""
        self.puppet.speak()
        self._words[loop.LIMIT] = self._words[loop.TICKS] + 1
        self._told.overruns_in_a_row = 0.0  # there is no deadline to keep here
        loop.run(*self._arguments)
        self.seen.add(Mode(int(self.driver.mode[0])))

    def put(self, point: int) -> None:
        """Have the car on a point of the line at the speed planned there, and know it."""
        place = point % self.path.size
        here, speed_mps = self.path[place], float(self.path.speed_mps[place])
        self.puppet.place(place, speed_mps)
        self.driver.x_m, self.driver.y_m = here.x_m, here.y_m
        self.driver.heading_rad, self.driver.speed_mps = here.heading_rad, speed_mps
        self.driver.index = place


def rehearse(host: Host, early_ns: int) -> set[Mode]:
    """Run the loop through all its modes, on nothing that the drive will use; returns them."""
    with (
        tempfile.TemporaryDirectory(prefix="tianyuan-") as folder,
        Buses(names := tuple(f"{folder}/{k}" for k in range(host.buses)), "car") as car,
        Buses(names, "host") as ports,
        open_port(f"{folder}/host", "host") as about,
    ):
        stage = _Stage(host, (ports.record, about.record), Puppet(host, car), early_ns)
        _play(stage)
        return stage.seen


def _play(stage: _Stage) -> None:
    stage.puppet.place(0, 0.0)
    for _ in range(STANDING):
        stage.tick()
    stage.driver.ready_ns = 1  # long ago: the dwell is over
    stage.puppet.told.race_go = 1.0
    stage.tick()
    for k in range(DRIVING):
        stage.put(k * STRIDE)
        stage.tick()
    stage.puppet.told.race_flag = int(Flag.RED)
    for _ in range(STOPPING):
        stage.tick()
    stage.puppet.told.estop = 1.0
    for _ in range(STOPPING):
        stage.tick()
