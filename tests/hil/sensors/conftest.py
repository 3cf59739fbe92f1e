"""A car on a circle, its sensors, and a file of them without any error."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from tianyuan.control.records import CHANNELS, GROUPS, SENSORS, record
from tianyuan.hil.actuators.state import ACTUATOR_STATE
from tianyuan.hil.plant import parameters
from tianyuan.hil.plant.state import rolling
from tianyuan.hil.sensors.history import history, remember
from tianyuan.hil.sensors.measure import measure
from tianyuan.hil.sensors.receiver import Outage, receive, sky
from tianyuan.hil.sensors.sensing import sensing, wander

MS = 1_000_000
VEHICLE = parameters.load("tianyuan")
PLANT = VEHICLE.plant()
# What is no error, and stays as in the file.
KEPT = {
    "gnss": {"antenna_x_m", "antenna_y_m", "drift_s", "converge_s", "reacquire_s", "float_s",
             "fix_s", "baseline_m"},
    "imu": {"x_m", "y_m", "accel_range_mps2", "yaw_rate_range_radps", "wander_s"},
    "wheels": {"teeth", "gate_s", "timer_s", "least_hz"},
}  # fmt: skip


def exact(family: str) -> dict[str, float]:
    """The keys of a family that make errors, at zero."""
    table = getattr(VEHICLE.sensors, family)
    return dict.fromkeys(set(type(table).model_fields) - KEPT.get(family, set()), 0.0)


class Rig:
    """A car on a circle of 40 m at 20 m/s, and its sensors."""

    def __init__(self, params: np.recarray, seed: int, outages: Sequence[Outage]):
        self.params, self.seed, self.sky = params, seed, sky(outages)
        self.state, self.actuators = rolling(PLANT, 20.0, 3), record(ACTUATOR_STATE)
        self.past, self.sensing, self.out = history(), sensing(), record(SENSORS)
        self.t_ns = self.began_ns = 10**12
        self.station_m, self.lap = 0.0, 1

    def place(self, t_s: float, yaw_rate: float = 0.5, speed: float = 20.0) -> Rig:
        s = self.state
        s.heading_rad = yaw_rate * t_s
        s.x_m = speed / yaw_rate * math.sin(yaw_rate * t_s)
        s.y_m = speed / yaw_rate * (1 - math.cos(yaw_rate * t_s))
        s.vx_mps, s.yaw_rate_radps = speed, yaw_rate
        return self

    def stand(self, step_ns: int = MS) -> Rig:
        """A step of time in which the truth stays as it is."""
        self.t_ns += step_ns
        run_s = (self.t_ns - self.began_ns) * 1e-9
        wander(self.params, self.sensing, self.seed, self.t_ns)
        receive(self.params, self.sensing, self.sky, self.station_m, self.lap, run_s, self.t_ns)
        remember(self.past, self.state, self.actuators, self.sensing, self.t_ns)
        return self

    def run(self, steps: int) -> Rig:
        """Drive along the circle, from its beginning."""
        for k in range(steps):
            self.place(k * 1e-3).stand()
        return self

    def measure(self, group: str, t_ns: int | None = None) -> dict[str, float]:
        measure(
            self.params, PLANT, self.past, self.sensing, self.seed, GROUPS.index(group), self.out,
            self.t_ns if t_ns is None else t_ns,
        )  # fmt: skip
        return {name: float(self.out[name][0]) for name in CHANNELS[group]}

    def series(self, group: str, channel: str, count: int, step_ns: int = MS) -> np.ndarray:
        """What a channel says of a truth that stays, each time the message is due."""
        return np.array(
            [self.stand(step_ns).measure(group)[channel] for _ in range(count)], np.float64
        )


@pytest.fixture
def rig() -> Callable[..., Rig]:
    """``rig(gnss={...}, imu={...})``: without errors, but for these keys of the file."""

    def build(seed: int = 3, outages: Sequence[Outage] = (), **changed: dict[str, float]) -> Rig:
        table = VEHICLE.sensors
        for family in ("gnss", "imu", "wheels", "steering", "brake", "powertrain"):
            keys = exact(family) | changed.get(family, {})
            if family == "gnss":
                keys = {"antenna_x_m": 0.0} | keys
            if family == "imu":
                keys = {"x_m": 0.0, "y_m": 0.0} | keys
            family_table = getattr(table, family).model_copy(update=keys)
            table = table.model_copy(update={family: family_table})
        return Rig(table.record(), seed, outages)

    return build


@pytest.fixture
def shipped() -> Callable[..., Rig]:
    """``shipped(seed)``: the sensors of our own car's file."""
    return lambda seed=3: Rig(VEHICLE.sensor_params(), seed, ())
