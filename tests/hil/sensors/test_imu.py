"""The inertial unit: where it is mounted, how its bias wanders, and where it ends."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import interpolate

from tianyuan.hil.sensors.imu import at_mounting
from tianyuan.hil.sensors.tables import KNOT_S, decay

MS = 1_000_000
G = 9.81


@pytest.mark.parametrize(("x_m", "y_m"), [(0.8, 0.0), (-0.5, 0.7), (0.0, -1.1)])
def test_a_unit_off_the_centre_of_gravity_feels_what_its_own_way_has(rig, x_m, y_m):
    """Against the second difference of where it is, on a way whose yaw rate changes."""
    r = rig(imu={"x_m": x_m, "y_m": y_m})
    t = np.arange(400) * 1e-3
    yaw_rate = 0.6 + 3.0 * t + 4.0 * t * t
    heading = 0.6 * t + 1.5 * t**2 + 4.0 / 3.0 * t**3
    x, y = 15.0 * t + 2.0 * t * t, 3.0 * t * t
    place = np.array(
        [x + x_m * np.cos(heading) - y_m * np.sin(heading),
         y + x_m * np.sin(heading) + y_m * np.cos(heading)]
    )  # fmt: skip
    world = interpolate.CubicSpline(t, place, axis=1).derivative(2)(t)
    ax = world[0] * np.cos(heading) + world[1] * np.sin(heading)
    ay = world[1] * np.cos(heading) - world[0] * np.sin(heading)
    for k in range(t.size):
        c, s = math.cos(heading[k]), math.sin(heading[k])
        r.state.ax_mps2, r.state.ay_mps2 = 4.0 * c + 6.0 * s, 6.0 * c - 4.0 * s
        r.state.yaw_rate_radps = yaw_rate[k]
        got = r.stand().measure("imu")
        if 10 < k < t.size - 10:
            assert got["imu_ax_mps2"] == pytest.approx(ax[k], abs=0.02)
            assert got["imu_ay_mps2"] == pytest.approx(ay[k], abs=0.02)


def test_at_the_centre_of_gravity_turning_adds_nothing(rig):
    r = rig().run(20)
    assert at_mounting(r.params[0], r.past[0], r.past.head[0]) == (0.0, 0.0)


def test_a_car_at_rest_on_a_slope_feels_gravity(rig):
    """The plant's specific force has it: what holds the car on the slope."""
    r = rig(imu={"x_m": 1.0})
    r.state.yaw_rate_radps = 0.0
    r.state.ax_mps2 = G * math.sin(0.05)
    assert r.stand().measure("imu")["imu_ax_mps2"] == pytest.approx(G * math.sin(0.05))


def test_a_unit_that_rolls_with_the_body_feels_a_part_of_gravity(rig):
    """In a bend to the left the body's left side rises, and the unit's y axis with it."""
    r = rig()
    r.state.yaw_rate_radps, r.state.ay_mps2, r.state.roll_rad = 0.0, 8.0, 0.03
    expected = 8.0 * math.cos(0.03) + G * math.sin(0.03)
    assert r.stand().measure("imu")["imu_ay_mps2"] == pytest.approx(expected)


def test_what_is_beyond_the_range_is_told_as_its_end(rig):
    r = rig(imu={"accel_range_mps2": 40.0, "yaw_rate_range_radps": 2.8})
    for sign in (1.0, -1.0):
        r.state.ax_mps2, r.state.ay_mps2, r.state.yaw_rate_radps = sign * 41, sign * 39, sign * 3
        got = r.stand().measure("imu")
        assert list(got.values()) == pytest.approx([sign * 40, sign * 39, sign * 2.8])


def allan_deviation(values: np.ndarray, spans: list[int]) -> np.ndarray:
    """Allan's, overlapping, by the span of its means in samples."""
    total = np.concatenate(([0.0], np.cumsum(values)))
    deviations = []
    for n in spans:
        means = (total[n:] - total[:-n]) / n
        steps = means[n:] - means[:-n]
        deviations.append(math.sqrt(0.5 * np.mean(steps * steps)))
    return np.array(deviations)


def slope(deviations: np.ndarray, spans: list[int]) -> float:
    return float(np.polyfit(np.log(spans), np.log(deviations), 1)[0])


def test_white_noise_falls_with_the_root_of_the_time_and_a_wandering_bias_rises_with_it(rig):
    """Slopes of the Allan deviation: -1/2 for white noise, +1/2 for a random walk."""
    spans = [2, 4, 8, 16, 32]
    r = rig(imu={"yaw_rate_radps": 0.01})
    white = allan_deviation(r.series("imu", "imu_yaw_rate_radps", 3000, 10 * MS), spans)
    assert slope(white, spans) == pytest.approx(-0.5, abs=0.1)
    assert white[0] == pytest.approx(0.01 / math.sqrt(2), rel=0.1)
    r = rig(imu={"yaw_rate_wander_radps": 0.01, "wander_s": 20.0})
    values = r.series("imu", "imu_yaw_rate_radps", 3000, 10 * MS)
    walk = allan_deviation(values, spans)
    assert slope(walk, spans) == pytest.approx(0.5, abs=0.1)
    # A random walk's is sqrt(S n / 3) with S the variance of a step, for means over n steps.
    step = 0.01 * math.sqrt(2 * KNOT_S / 20.0)
    assert walk[3] == pytest.approx(step * math.sqrt(16 / 3), rel=0.2)


def test_a_wandering_bias_keeps_its_spread_for_ever(rig):
    r = rig(imu={"accel_wander_mps2": 0.2, "wander_s": 0.1})
    values = r.series("imu", "imu_ax_mps2", 2400, 10 * MS)
    for part in np.split(values, 4):
        assert part.std() == pytest.approx(0.2, rel=0.25)
    assert decay(0.1) == pytest.approx(np.corrcoef(values[:-1], values[1:])[0, 1], abs=0.03)


def test_the_first_bias_is_as_wide_as_any_other(rig):
    drawn = [
        rig(seed, imu={"accel_wander_mps2": 0.2}).stand().measure("imu")["imu_ay_mps2"]
        for seed in range(400)
    ]
    assert np.std(drawn) == pytest.approx(0.2, rel=0.12)


def test_bias_is_the_same_however_the_time_to_it_was_cut(rig):
    wandering = {"accel_wander_mps2": 0.2, "wander_s": 5.0}
    often, seldom = rig(imu=wandering), rig(imu=wandering)
    often.stand()
    seldom.stand()
    for _ in range(500):
        often.stand()
    seldom.stand(500 * MS)
    assert often.measure("imu") == seldom.measure("imu")
