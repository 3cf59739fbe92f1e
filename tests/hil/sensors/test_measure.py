"""Every group: truth without errors, own channels only, and noise that nobody else changes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tianyuan.control.records import CHANNELS, GROUPS, SENSORS
from tianyuan.hil.plant import parameters
from tianyuan.hil.sensors.history import PAST, recall, taken_ns

MS = 1_000_000
VEHICLE = parameters.load("tianyuan")
CARS = ("tianyuan", "indy", "ads-dv")


def test_sensors_without_errors_tell_the_truth(rig):
    r = rig(wheels={"gate_s": 0.001, "timer_s": 1e-12}).run(300)
    s, a = r.state, r.actuators
    s.ax_mps2, s.ay_mps2, s.engine_radps = 1.0, 2.0, 500.0
    a.motor_rad, a.motor_radps, a.steer_nm, a.steer_fault = 0.1, 0.2, 3.0, 5.0
    a.brake_front_bar, a.brake_rear_bar, a.brake_travel, a.throttle = 25.0, 20.0, 0.25, 0.4
    s.wheel_radps[:] = np.array([20.0, 21.0, 22.0, 23.0]) / VEHICLE.tyre.radius_m
    r.stand().stand()
    got = {k: v for g in GROUPS[:7] for k, v in r.measure(g).items()}
    expected = {
        "gnss_x_m": s.x_m[0], "gnss_y_m": s.y_m[0], "gnss_quality": 4.0,
        "gnss_speed_mps": 20.0, "gnss_heading_rad": s.heading_rad[0], "gnss_heading_quality": 4.0,
        "imu_ax_mps2": 1.0, "imu_ay_mps2": 2.0, "imu_yaw_rate_radps": 0.5,
        "wheel_fl_mps": 20.0, "wheel_fr_mps": 21.0, "wheel_rl_mps": 22.0, "wheel_rr_mps": 23.0,
        "steer_rad": 0.1, "steer_rate_radps": 0.2, "steer_torque_nm": 3.0, "steer_fault": 5.0,
        "brake_travel": 0.25, "brake_front_bar": 25.0, "brake_rear_bar": 20.0, "brake_fault": 0.0,
        "throttle": 0.4, "gear": 3.0, "engine_speed_radps": 500.0, "powertrain_fault": 0.0,
    }  # fmt: skip
    assert got == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_fills_its_own_channels_and_no_other(shipped, group):
    r = shipped().run(50)
    for name in SENSORS.names:
        r.out[name] = 77
    r.measure(group)
    mine = CHANNELS[group] if group not in ("race", "estop", "permit") else ()
    touched = {name for name in SENSORS.names if r.out[name][0] != 77}
    assert touched == set(mine)


def test_noise_depends_on_the_instant_and_not_on_what_was_asked_before(shipped):
    """So that a sensor which a fault silences leaves all others as they were."""
    one, other = shipped().run(100), shipped()
    for k in range(100):
        other.place(k * 1e-3).stand()
        if k % 7 == 0:
            for group in reversed(GROUPS[k % 5 :]):
                other.measure(group)
    for group in GROUPS:
        assert one.measure(group) == other.measure(group)


def test_another_seed_or_instant_is_another_noise(shipped):
    one, two = shipped(1).run(100), shipped(2).run(100)
    for group in GROUPS[:7]:
        assert one.measure(group) != two.measure(group)
        if group not in ("wheels", "powertrain"):
            assert one.measure(group) != one.stand().measure(group)


@pytest.mark.parametrize(
    ("group", "channel", "family", "key"),
    [("position", "gnss_x_m", "gnss", "noise_m"),
     ("velocity", "gnss_speed_mps", "gnss", "speed_mps"),
     ("imu", "imu_ay_mps2", "imu", "accel_mps2"),
     ("imu", "imu_yaw_rate_radps", "imu", "yaw_rate_radps"),
     ("steering", "steer_torque_nm", "steering", "torque_nm"),
     ("brake", "brake_rear_bar", "brake", "bar"),
     ("powertrain", "engine_speed_radps", "powertrain", "engine_radps")],
)  # fmt: skip
def test_white_noise_is_normal_with_the_spread_that_the_file_says(rig, group, channel, family, key):
    r, still = rig(**{family: {key: 0.3}}), rig()
    for car in (r, still):
        car.place(0.0)
        car.actuators.brake_rear_bar = 50.0
    truth = still.stand().measure(group)[channel]
    errors = r.series(group, channel, 1500) - truth
    assert stats.kstest(errors / 0.3, "norm").pvalue > 1e-3
    assert abs(np.corrcoef(errors[:-1], errors[1:])[0, 1]) < 0.08


@pytest.mark.parametrize(
    ("group", "channel", "family", "key"),
    [("imu", "imu_ax_mps2", "imu", "accel_bias_mps2"),
     ("imu", "imu_yaw_rate_radps", "imu", "yaw_rate_bias_radps"),
     ("velocity", "gnss_heading_rad", "gnss", "mounting_rad"),
     ("steering", "steer_rad", "steering", "offset_rad"),
     ("brake", "brake_front_bar", "brake", "offset_bar")],
)  # fmt: skip
def test_a_bias_stays_and_the_seed_draws_it_with_the_files_spread(rig, group, channel, family, key):
    drawn = []
    for seed in range(400):
        r = rig(seed, **{family: {key: 0.01}}).place(1.0)
        r.actuators.brake_front_bar = 50.0
        first = r.stand().measure(group)[channel]
        assert r.stand(10 * MS).measure(group)[channel] == pytest.approx(first, abs=1e-12)
        drawn.append(first)
    truth = {"imu_yaw_rate_radps": 0.5, "gnss_heading_rad": 0.5, "brake_front_bar": 50.0}
    errors = np.array(drawn) - truth.get(channel, 0.0)
    assert stats.kstest(errors / 0.01, "norm").pvalue > 1e-3


@pytest.mark.parametrize(
    ("group", "channel", "family"),
    [("imu", "imu_ax_mps2", "imu"), ("steering", "steer_torque_nm", "steering"),
     ("brake", "brake_front_bar", "brake"), ("powertrain", "engine_speed_radps", "powertrain"),
     ("position", "gnss_x_m", "gnss"), ("wheels", "wheel_fl_mps", "wheels")],
)  # fmt: skip
@pytest.mark.parametrize("latency_ms", [0, 7, 150])
def test_a_message_tells_the_truth_of_its_latency_ago(rig, group, channel, family, latency_ms):
    wide = {"accel_range_mps2": 1e6} if family == "imu" else {}
    r = rig(**{family: {"latency_s": latency_ms * 1e-3} | wide})
    r.state.yaw_rate_radps = r.state.vx_mps = 0.0
    told = []
    for k in range(300):
        r.state.ax_mps2 = r.state.engine_radps = r.state.x_m = k
        r.actuators.steer_nm = r.actuators.brake_front_bar = k
        r.state.wheel_radps[:] = k / VEHICLE.tyre.radius_m
        told.append(r.stand().measure(group)[channel])
    late_ms = latency_ms + (5 if group == "wheels" else 0)
    assert told[-1] == pytest.approx(299 - late_ms, rel=0.01)


def test_jitter_is_even_between_none_and_whole_and_comes_from_the_seed():
    def ages_s(seed: int) -> np.ndarray:
        at = range(10**12, 10**12 + 4000 * MS, MS)
        return np.array([t_ns - taken_ns(seed, 12, 0.01, 0.004, t_ns) for t_ns in at]) * 1e-9

    ages = ages_s(5)
    assert stats.kstest((ages - 0.01) / 0.004, "uniform").pvalue > 1e-3
    assert (ages == ages_s(5)).all()
    assert (ages != ages_s(6)).any()


def test_before_there_is_a_past_the_oldest_truth_is_told(rig):
    r = rig(gnss={"latency_s": 0.1}).run(1)
    assert r.measure("position")["gnss_x_m"] == pytest.approx(0.0)


def test_the_truth_that_is_recalled_is_the_newest_that_is_old_enough(rig):
    r = rig()
    for step_ns in np.tile([1, 1, 3, 20], PAST):
        r.stand(int(step_ns) * MS)
    kept = np.sort(r.past.t_ns[0])
    for t_ns in range(int(kept[0]), r.t_ns, MS // 2):
        found = r.past.t_ns[0][recall(r.past, t_ns)]
        assert found == kept[kept <= t_ns][-1]
        if t_ns > kept[0] + 200 * MS:
            break


@pytest.mark.parametrize("name", CARS)
def test_a_status_that_has_one_bit_for_faults_says_that_there_is_one(name, shipped):
    vehicle, r = parameters.load(name), shipped()
    r.params = vehicle.sensor_params()
    r.actuators.steer_fault = r.actuators.brake_fault = r.actuators.powertrain_fault = 5.0
    for _ in range(10):
        r.stand()
    told = {k: v for g in ("steering", "brake", "powertrain") for k, v in r.measure(g).items()}
    most = 5.0 if name == "tianyuan" else 1.0
    assert told["steer_fault"] == told["brake_fault"] == told["powertrain_fault"] == most
