"""Planned lines and closed loops, each made once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from tianyuan import names
from tianyuan.control.planning.slip_map import fill_slip_map
from tianyuan.control.planning.speed_profile import speed_profile
from tianyuan.control.records import Controller, path
from tianyuan.firmware.car_file import Car, load_car, params_of
from tianyuan.firmware.guard.tables import Guard
from tianyuan.firmware.host import Host, make_host
from tianyuan.firmware.racing_line import line_for
from tianyuan.hil import lockstep, virtual
from tianyuan.hil.life import Life
from tianyuan.hil.world import World

STEP_NS = 1_000_000


class Loop(NamedTuple):
    """A host and a rig in lockstep, to be advanced and meddled with."""

    world: World
    life: Life
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
def straights(car: Car) -> np.recarray:
    """A line of two long straights and half circles, on a track 20 m wide: over 50 m/s."""
    straight_m, radius_m = 1600.0, 120.0
    half_m = np.pi * radius_m
    count = round(2 * (straight_m + half_m))
    line = path(count)
    line.s_m = np.arange(count) * (2 * (straight_m + half_m) / count)
    back = line.s_m >= straight_m + half_m
    along_m = line.s_m - back * (straight_m + half_m)
    turned = np.maximum(along_m - straight_m, 0.0) / radius_m
    x_m = np.minimum(along_m, straight_m) + radius_m * np.sin(turned)
    y_m = radius_m * (1 - np.cos(turned))
    line.x_m = np.where(back, straight_m - x_m, x_m)
    line.y_m = np.where(back, 2 * radius_m - y_m, y_m)
    line.heading_rad = turned + back * np.pi
    line.curvature_1pm = np.where(turned > 0, 1 / radius_m, 0.0)
    line.left_m = line.right_m = 10.0
    params = params_of(car, Controller.STANLEY, 0.0)
    fill_slip_map(params)
    profile = speed_profile(params, line.curvature_1pm, line.slope_rad, line.s_m[1])
    line.speed_mps, line.accel_mps2 = profile.speed_mps, profile.accel_mps2
    return line


@pytest.fixture(scope="session")
def loop_of(car: Car, oval: np.recarray) -> Callable[..., Loop]:
    """Begin a run of our own car on the oval, or of another car or on another line."""
    shipped = car

    def begin(
        laps: int = 1,
        controller: Controller = Controller.STANLEY,
        rate_hz: int = 500,
        seed: int = 1,
        line: np.recarray = oval,
        car: Car = shipped,
        vehicle: str = "tianyuan",
    ) -> Loop:
        host = make_host(car, line, controller, 1_000_000_000 // rate_hz)
        world = virtual.make_rig(car, names.vehicle_file(vehicle), host, seed)
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
