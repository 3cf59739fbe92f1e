"""Planned lines and closed loops, each made once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from tianyuan import names
from tianyuan.control.records import Controller
from tianyuan.firmware.car_file import Car, load_car
from tianyuan.firmware.guard_tables import Guard
from tianyuan.firmware.host import Host, line_for, make_host
from tianyuan.hil import lockstep, rig, virtual

STEP_NS = 1_000_000


class Loop(NamedTuple):
    """A host and a rig in lockstep, to be advanced and meddled with."""

    world: rig.World
    life: rig.Life
    host: Host
    guard: Guard
    queues: tuple
    host_every: int
    clock: list[int]

    @property
    def speed_mps(self) -> float:
        return float(self.life.plant_state.vx_mps[0])

    @property
    def rows(self) -> np.recarray:
        return self.life.rows[: self.life.written[0]]

    def advance(self, seconds: float, chunk: int = 500) -> Loop:
        """Advance; ends early once race control has finished."""
        end_ns = self.clock[0] + round(seconds * 1e9)
        while self.clock[0] < end_ns and not self.life.race.finished[0]:
            steps = min(chunk, (end_ns - self.clock[0]) // STEP_NS)
            self.clock[0] = virtual.advance_once(
                self.world, self.life, self.host, self.guard, self.queues, self.clock[0], steps,
                self.host_every,
            )  # fmt: skip
        return self


@pytest.fixture(scope="session")
def car() -> Car:
    return load_car(names.car_file("tianyuan"))


@pytest.fixture(scope="session")
def oval(car: Car) -> np.recarray:
    return line_for(car, names.track_file("oval"))


@pytest.fixture(scope="session")
def loop_of(car: Car, oval: np.recarray) -> Callable[..., Loop]:
    """Begin a run of the shipped car on the oval."""

    def begin(
        laps: int = 1,
        controller: Controller = Controller.STANLEY,
        rate_hz: int = 500,
        seed: int = 1,
    ) -> Loop:
        host = make_host(car, oval, controller, 1_000_000_000 // rate_hz)
        world = virtual.make_rig(car, names.vehicle_file("tianyuan"), host, seed)
        life = virtual.birth(world, host, laps)
        guard = virtual.make_guard(car, host)
        return Loop(
            world, life, host, guard, lockstep.queues(), 1000 // rate_hz, [lockstep.EPOCH_NS]
        )

    return begin


@pytest.fixture
def driving(loop_of: Callable[..., Loop]) -> Loop:
    """A car at speed, somewhere in its first lap."""
    return loop_of(laps=3).advance(22.0)


@pytest.fixture(scope="session")
def tracks(shared_data: Path) -> Iterator[Path]:
    yield shared_data / "tracks"
