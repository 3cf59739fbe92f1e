"""Sensors: what truth becomes on its way to the channels."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tianyuan.control.records import CHANNELS, GROUPS, SENSORS, record
from tianyuan.hil import noise, sensors
from tianyuan.hil.actuators.state import ACTUATOR_STATE
from tianyuan.hil.plant import parameters
from tianyuan.hil.plant.state import rolling

VEHICLE = parameters.load("tianyuan")
PLANT = VEHICLE.plant()
MS = 1_000_000
SILENT = {
    name: 0.0
    for name in sensors.SensorTable.model_fields
    if name not in ("antenna_x_m", "antenna_y_m", "gnss_latency_s", "position_drift_s")
}


def table(**changed: float) -> np.recarray:
    known = VEHICLE.sensors.model_copy(update={**SILENT, "antenna_x_m": 0.0, **changed})
    return VEHICLE.model_copy(update={"sensors": known}).sensor_params()


class Rig:
    """A car on a circle of constant speed, and its sensors."""

    def __init__(self, params: np.recarray, seed: int = 3):
        self.params, self.seed = params, seed
        self.state, self.past = rolling(PLANT, 20.0, 3), sensors.history()
        self.actuators, self.out = record(ACTUATOR_STATE), record(SENSORS)
        self.t_ns = 10**12

    def place(self, t_s: float, yaw_rate: float = 0.5, speed: float = 20.0) -> None:
        s = self.state
        s.heading_rad = yaw_rate * t_s
        s.x_m = speed / yaw_rate * math.sin(yaw_rate * t_s)
        s.y_m = speed / yaw_rate * (1 - math.cos(yaw_rate * t_s))
        s.vx_mps, s.yaw_rate_radps = speed, yaw_rate

    def run(self, steps: int) -> Rig:
        for k in range(steps):
            self.place(k * 1e-3)
            self.t_ns += MS
            sensors.remember(self.past, self.state, self.t_ns)
        return self

    def measure(self, group: str, t_ns: int | None = None) -> dict[str, float]:
        sensors.measure(
            self.params, PLANT, self.state, self.actuators, self.past, self.seed,
            GROUPS.index(group), self.out, self.t_ns if t_ns is None else t_ns,
        )  # fmt: skip
        return {name: float(self.out[name][0]) for name in CHANNELS[group]}


def test_silent_sensors_tell_the_truth():
    rig = Rig(table(gnss_latency_s=0.0)).run(300)
    s, a = rig.state, rig.actuators
    s.ax_mps2, s.ay_mps2, s.engine_radps = 1.0, 2.0, 500.0
    a.steer_rad, a.steer_rate_radps, a.steer_nm = 0.1, 0.2, 3.0
    a.brake_front_bar, a.brake_rear_bar, a.throttle = 25.0, 20.0, 0.4
    s.wheel_radps[:] = 10.0, 20.0, 30.0, 40.0
    radius = VEHICLE.tyre.radius_m
    got = {k: v for g in GROUPS[:7] for k, v in rig.measure(g).items()}
    expected = {
        "gnss_x_m": s.x_m[0], "gnss_y_m": s.y_m[0], "gnss_quality": 0.0,
        "gnss_speed_mps": 20.0, "gnss_heading_rad": s.heading_rad[0], "gnss_heading_quality": 0.0,
        "imu_ax_mps2": 1.0, "imu_ay_mps2": 2.0, "imu_yaw_rate_radps": 0.5,
        "wheel_fl_mps": 10 * radius, "wheel_fr_mps": 20 * radius,
        "wheel_rl_mps": 30 * radius, "wheel_rr_mps": 40 * radius,
        "steer_rad": 0.1, "steer_rate_radps": 0.2, "steer_torque_nm": 3.0, "steer_fault": 0.0,
        "brake_travel": 0.25, "brake_front_bar": 25.0, "brake_rear_bar": 20.0, "brake_fault": 0.0,
        "throttle": 0.4, "gear": 3.0, "engine_speed_radps": 500.0, "powertrain_fault": 0.0,
    }  # fmt: skip
    assert got == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("latency_s", [0.0, 0.020, 0.0205, 0.1])
def test_satellites_tell_of_the_past(latency_s):
    """A circle of radius 40 m at 20 m/s: where the car was ``latency_s`` ago."""
    rig = Rig(table(gnss_latency_s=latency_s)).run(300)
    t = 0.299 - latency_s
    got = rig.measure("position")
    assert got["gnss_x_m"] == pytest.approx(40 * math.sin(0.5 * t), abs=1e-4)
    assert got["gnss_y_m"] == pytest.approx(40 * (1 - math.cos(0.5 * t)), abs=1e-4)
    assert rig.measure("velocity")["gnss_heading_rad"] == pytest.approx(0.5 * t, abs=1e-9)


def test_before_there_is_a_past_the_oldest_truth_is_told():
    rig = Rig(table(gnss_latency_s=0.1)).run(1)
    assert rig.measure("position")["gnss_x_m"] == pytest.approx(0.0)


def test_the_antenna_swings_on_its_lever():
    """The antenna a ahead and l left of the centre of gravity, heading 90 degrees:

         y ^
    l <----+ a      (x, y) of the antenna = (-l, a)
           |        velocity there = (v - r l) along, (r a) across
           o----> x
    """
    rig = Rig(table(gnss_latency_s=0.0, antenna_x_m=1.5, antenna_y_m=0.5))
    rig.place(0.0)
    rig.state.heading_rad = math.pi / 2
    sensors.remember(rig.past, rig.state, rig.t_ns)
    got = rig.measure("position") | rig.measure("velocity")
    assert (got["gnss_x_m"], got["gnss_y_m"]) == pytest.approx((-0.5, 1.5))
    assert got["gnss_speed_mps"] == pytest.approx(math.hypot(20 - 0.5 * 0.5, 0.5 * 1.5))


@pytest.mark.parametrize("heading", [-1e-18, -0.1, 0.0, 3.0, 6.3, -50.0, 2 * math.pi, 1e6])
def test_headings_lie_from_zero_to_below_a_turn(heading):
    wrapped = sensors.wrap_heading(heading)
    assert 0.0 <= wrapped < 2 * math.pi
    assert math.cos(wrapped) == pytest.approx(math.cos(heading), abs=1e-9)
    assert math.sin(wrapped) == pytest.approx(math.sin(heading), abs=1e-9)


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_fills_its_own_channels_and_no_other(group):
    rig = Rig(VEHICLE.sensor_params()).run(50)
    for name in SENSORS.names:
        rig.out[name] = 77
    rig.measure(group)
    mine = CHANNELS[group] if group not in ("race", "estop", "permit") else ()
    touched = {name for name in SENSORS.names if rig.out[name][0] != 77}
    assert touched == set(mine)


def test_noise_depends_on_the_instant_and_not_on_what_was_asked_before():
    """So that a sensor which a fault silences leaves all others as they were."""
    one, other = (Rig(VEHICLE.sensor_params()).run(100) for _ in range(2))
    for group in reversed(GROUPS):
        other.measure(group, one.t_ns - 5 * MS)
    for group in GROUPS:
        assert one.measure(group) == other.measure(group)


def test_another_seed_or_instant_is_another_noise():
    one = Rig(VEHICLE.sensor_params(), seed=1).run(100)
    two = Rig(VEHICLE.sensor_params(), seed=2).run(100)
    assert one.measure("imu") != two.measure("imu")
    assert one.measure("wheels") != one.measure("wheels", one.t_ns + MS)


@pytest.mark.parametrize(
    ("group", "channel", "sigma"),
    [("position", "gnss_x_m", "position_m"), ("velocity", "gnss_speed_mps", "speed_mps"),
     ("imu", "imu_ay_mps2", "accel_mps2"), ("wheels", "wheel_rl_mps", "wheel_mps"),
     ("powertrain", "engine_speed_radps", "engine_radps")],
)  # fmt: skip
def test_noise_has_the_spread_that_the_file_says(group, channel, sigma):
    rig = Rig(table(**{sigma: 0.3})).run(3)
    rig.past = sensors.history()
    sensors.remember(rig.past, rig.state, 10**12)
    truth = Rig(table()).run(3)
    truth.past = rig.past
    wanted = truth.measure(group, 10**12)[channel]
    rows = []
    for k in range(4000):
        at = 10**12 + k * MS
        if group in ("position", "velocity"):
            rig.past.t_ns[0, rig.past.head[0]] = at
        rows.append(rig.measure(group, at)[channel] - wanted)
    assert np.std(rows) == pytest.approx(0.3, rel=0.05)
    assert abs(np.mean(rows)) < 0.02


def test_noise_is_normal_white_and_independent_between_channels():
    count = 20000
    a, b = (np.array([noise.gauss(9, ch, 10**15 + k * MS) for k in range(count)]) for ch in (4, 5))
    for values in (a, b):
        assert abs(values.mean()) < 0.03
        assert values.std() == pytest.approx(1, abs=0.02)
        assert np.mean(values**4) == pytest.approx(3, abs=0.25)
        for lag in (1, 2, 10, 100):
            assert abs(np.corrcoef(values[:-lag], values[lag:])[0, 1]) < 0.03
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.03


def test_neighbouring_seeds_share_nothing():
    runs = np.array([[noise.gauss(s, 0, k * MS) for k in range(2000)] for s in range(6)])
    assert np.abs(np.corrcoef(runs) - np.eye(6)).max() < 0.1


def test_drift_is_slow_and_keeps_its_spread():
    t = np.arange(0, 4000 * 10**9, 10**9)
    values = np.array([noise.drift(5, 0, int(k), 10.0) for k in t])
    assert values.std() == pytest.approx(1, abs=0.1)
    assert np.abs(np.diff(values)).max() < 1.2
    assert np.corrcoef(values[:-1], values[1:])[0, 1] > 0.95


def test_mixing_is_one_to_one():
    assert len({noise.mix(k) for k in range(100000)}) == 100000
