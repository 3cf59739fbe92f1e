"""A car to drive in the tests of the plant."""

from __future__ import annotations

import numpy as np
import pytest

from tianyuan.control.records import record
from tianyuan.hil.plant import parameters
from tianyuan.hil.plant.controls import CONTROLS
from tianyuan.hil.plant.road import flat
from tianyuan.hil.plant.state import at_rest, rolling
from tianyuan.hil.plant.vehicle import advance

RADPS = np.pi / 30


class Car:
    """The shipped vehicle, its controls in our hands, and the road under it."""

    def __init__(self, vehicle: parameters.Vehicle, speed_mps: float = 0.0, gear: int = 0):
        self.vehicle = vehicle
        self.plant = vehicle.plant()
        self.state = rolling(self.plant, speed_mps, gear) if speed_mps else at_rest(self.plant)
        self.controls = record(CONTROLS)
        self.controls.gear = gear
        self.road, self.dt_s = flat(), 1e-3

    def __getattr__(self, name: str) -> float | np.ndarray:
        value = self.state[name][0]
        return value.copy() if isinstance(value, np.ndarray) else float(value)

    @property
    def speed_mps(self) -> float:
        return float(np.hypot(self.vx_mps, self.vy_mps))

    def drive(self, seconds: float, **wanted: float) -> Car:
        """Under controls that stay; ``brake_bar`` is the front's, the rear has its share."""
        if "brake_bar" in wanted:
            bar = wanted.pop("brake_bar")
            rear = bar * self.vehicle.brakes.rear_pressure_share
            wanted |= {"brake_front_bar": bar, "brake_rear_bar": rear}
        for name, value in wanted.items():
            self.controls[name] = value
        steps = round(seconds / self.dt_s)
        advance(self.plant, self.state, self.controls, self.road, self.dt_s, steps)
        return self

    def hold_speed(self, seconds: float, speed_mps: float, **wanted: float) -> Car:
        """Drive with the throttle on a simple law, every 5 ms."""
        for _ in range(round(seconds / 0.005)):
            throttle = min(1.0, max(0.0, 0.08 + 0.4 * (speed_mps - self.vx_mps)))
            self.drive(0.005, throttle=throttle, **wanted)
        return self

    def accelerate(self) -> Car:
        """Ten milliseconds at the limit of grip, changing up: what a good driver does."""
        slip_room = 1.0 - 12.0 * max(0.0, self.wheel_slip[2:].mean() - 0.06)
        gear = max(1.0, self.controls.gear[0])
        engaged = self.shift_s == 0 and self.gear == gear
        if engaged and gear < 8 and self.engine_radps > 6400 * RADPS:
            gear += 1
        return self.drive(0.01, throttle=min(1.0, max(0.05, slip_room)), gear=gear)

    def trace(self, seconds: float, **wanted: float) -> np.ndarray:
        """The states after each step."""
        kept = []
        for _ in range(round(seconds / self.dt_s)):
            kept.append(self.drive(self.dt_s, **wanted).state.copy())
        return np.concatenate(kept)


@pytest.fixture(scope="session")
def vehicle() -> parameters.Vehicle:
    return parameters.load("tianyuan")


@pytest.fixture
def car(vehicle):
    """``car(speed_mps, gear)``: the shipped car, rolling straight on, or at rest."""

    def build(speed_mps: float = 0.0, gear: int = 0, **changed: dict) -> Car:
        parts = {name: getattr(vehicle, name).model_copy(update=u) for name, u in changed.items()}
        return Car(vehicle.model_copy(update=parts), speed_mps, gear)

    return build
