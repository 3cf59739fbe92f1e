"""A rig whose host is silent, with faults and without: what it says, millisecond by millisecond."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

from tianyuan import names
from tianyuan.control.records import CHANNEL_NAMES, SENSORS, Controller, path, record
from tianyuan.dbc.codec import RECEIVED, decode, records
from tianyuan.dbc.frame import FRAME, frames
from tianyuan.firmware.car_file import Car, load_car
from tianyuan.firmware.host import Host, make_host
from tianyuan.hil import rig, virtual
from tianyuan.hil.faults.entry import FaultEntry
from tianyuan.hil.life import make_life
from tianyuan.hil.lockstep import EPOCH_NS
from tianyuan.hil.plant.state import rolling

MS = rig.STEP_NS
SPEED_MPS = 20.0
SHIPPED = names.car_file("tianyuan")


def straight(metres: int = 1200) -> np.recarray:
    """A straight line, for a car that rolls along it."""
    line = path(metres)
    line.s_m = line.x_m = np.arange(float(metres))
    line.left_m = line.right_m = 10.0
    line.speed_mps = 30.0
    return line


class Said(NamedTuple):
    """One frame that the rig said: when, in ms since the first step, and all of its bytes."""

    at_ms: int
    can_id: int
    channel: int
    length: int
    flags: int
    payload: bytes


class Mouth:
    """A rig that rolls along a straight, and what it has said so far."""

    def __init__(self, car: Car, host: Host, entries: list[FaultEntry], seed: int) -> None:
        self.world = virtual.make_rig(
            car, names.vehicle_file("tianyuan"), host, seed, faults=entries
        )
        self.life = make_life(self.world, 1, 0.0, rows=8)
        self.life.plant_state[:] = rolling(self.world.plant, SPEED_MPS, 4)
        self.life.race.began_ns[0] = EPOCH_NS
        self.life.race.started[0] = self.life.race.lap[0] = 1
        self.now_ms = 0
        self.frames: list[Said] = []
        self._out = frames(256)

    def run(self, ms: int, heard: np.recarray | None = None) -> Mouth:
        """Advance; frames that the rig hears come in the first step."""
        for _ in range(ms):
            t_ns = EPOCH_NS + self.now_ms * MS
            n_in = 0 if heard is None else len(heard)
            taken = self._out[:0] if heard is None else heard
            n = rig.tick(self.world, self.life, taken, n_in, t_ns, self._out)
            heard = None
            for frame in np.asarray(self._out[:n]).view(FRAME):
                self.frames.append(
                    Said(
                        self.now_ms, int(frame["can_id"]), int(frame["channel"]),
                        int(frame["length"]), int(frame["flags"]), frame["payload"].tobytes()[:8],
                    )
                )  # fmt: skip
            self.now_ms += 1
        return self

    def of(self, can_id: int) -> list[Said]:
        return [frame for frame in self.frames if frame.can_id == can_id]

    @property
    def state(self) -> np.recarray:
        return self.life.faults.state

    def value(self, said: Said) -> dict[str, float] | None:
        """The channels of a frame, as one decodes them who has heard nothing before."""
        one, codec = frames(1), self.world.sensors
        one.can_id, one.length, one.channel, one.t_ns = said.can_id, said.length, said.channel, 1
        one["flags"] = said.flags
        one.payload[0, :8] = np.frombuffer(said.payload, np.uint8)
        sensors = record(SENSORS)
        values = sensors.view(np.float64)
        values[: len(CHANNEL_NAMES)] = np.nan
        if decode(codec, one, 0, records(codec, RECEIVED), values) < 0:
            return None
        found = {name: float(sensors[name][0]) for name in CHANNEL_NAMES}
        return {name: value for name, value in found.items() if not np.isnan(value)}


@pytest.fixture(scope="session")
def shipped() -> Car:
    return load_car(SHIPPED)


@pytest.fixture(scope="session")
def straight_line() -> np.recarray:
    return straight()


@pytest.fixture(scope="session")
def host(shipped: Car, straight_line: np.recarray) -> Host:
    return make_host(shipped, straight_line, Controller.STANLEY, 2 * MS)


@pytest.fixture(scope="session")
def mouth(shipped: Car, host: Host) -> Callable[..., Mouth]:
    """Begin a rig with some faults, each as the table of a scenario."""

    own = shipped

    def begin(*documents: dict[str, Any], seed: int = 1, car: Car = own) -> Mouth:
        entries = [FaultEntry.model_validate(document) for document in documents]
        return Mouth(car, host, entries, seed)

    return begin
