from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianyuan.control import estimator, slip
from tianyuan.control.records import SENSORS, STATE, record

TICK_NS = 5_000_000
EVERY = 4  # ticks from one position to the next: 50 Hz
START_NS = 1_000_000_000


class Circling:
    r"""A car in steady cornering, seen by perfect sensors; ``yaw_rate`` 0 is a straight.

    ::

              . - .
            /       \     v_x and v_y constant in the car's frame:
           |    c    |    a_x = -r v_y, a_y = r v_x
            \       /
              ' o '
    """

    def __init__(self, params, speed_mps, yaw_rate_radps, heading_rad=0.0):
        self.p, self.vx, self.r, self.heading = params[0], speed_mps, yaw_rate_radps, heading_rad
        self.vy = self.ax = 0.0
        for _ in range(30):  # braked by its own sideslip, which depends on the braking
            self.vy = slip.sideways_mps(params, self.vx, self.r, self.ax)
            self.ax = -self.r * self.vy

    def pose(self, t_s):
        turn = self.r * t_s
        chord, middle = t_s * np.sinc(turn / (2 * np.pi)), self.heading + 0.5 * turn
        c, s = math.cos(middle), math.sin(middle)
        x = 100.0 + chord * (c * self.vx - s * self.vy)
        y = -50.0 + chord * (s * self.vx + c * self.vy)
        return x, y, self.heading + turn

    def antenna(self, t_s):
        """``(x, y, heading, speed)`` of the antenna."""
        x, y, heading = self.pose(t_s)
        c, s, p = math.cos(heading), math.sin(heading), self.p
        x += c * p.antenna_x_m - s * p.antenna_y_m
        y += s * p.antenna_x_m + c * p.antenna_y_m
        speed = math.hypot(self.vx - self.r * p.antenna_y_m, self.vy + self.r * p.antenna_x_m)
        return x, y, heading, speed

    def imu(self, sensors, t_ns):
        m = sensors[0]
        m.imu_ax_mps2, m.imu_ay_mps2 = self.ax, self.r * self.vx
        m.imu_yaw_rate_radps, m.imu_t_ns = self.r, t_ns

    def satellites(self, sensors, t_ns, delay_s=0.0):
        m = sensors[0]
        x, y, heading, speed = self.antenna((t_ns - START_NS) * 1e-9 - delay_s)
        m.gnss_x_m, m.gnss_y_m, m.gnss_speed_mps = x, y, speed
        m.gnss_heading_rad = heading % (2 * math.pi)  # as receivers give it
        m.gnss_quality = m.gnss_heading_quality = 4.0
        m.position_t_ns = m.velocity_t_ns = t_ns


def run(params, truth, seconds, state=None, bias=0.0, from_tick=1):
    """STATE and time of each tick of a car that moves like ``truth``."""
    sensors = silent()
    delay_s = params[0].estimator_gnss_delay_s
    if state is None:
        state = at(truth, START_NS)
    for k in range(from_tick, from_tick + round(seconds / (TICK_NS * 1e-9))):
        t_ns = START_NS + k * TICK_NS
        truth.imu(sensors, t_ns)
        sensors[0].imu_yaw_rate_radps += bias
        if k % EVERY == 0:
            truth.satellites(sensors, t_ns, delay_s)
        step(params, sensors, state, t_ns)
        yield state[0], (t_ns - START_NS) * 1e-9


def step(params, sensors, state, t_ns):
    estimator.update(params, sensors, state, t_ns)
    state[0].t_ns = t_ns


def silent():
    """SENSORS whose last measurements were those of the start."""
    sensors = record(SENSORS)
    sensors[0].position_t_ns = sensors[0].velocity_t_ns = START_NS
    return sensors


def at(truth, t_ns):
    """STATE that is the truth's."""
    state = record(STATE)
    s = state[0]
    s.x_m, s.y_m, s.heading_rad = truth.pose((t_ns - START_NS) * 1e-9)
    s.speed_mps, s.lateral_mps, s.ax_mps2, s.yaw_rate_radps = truth.vx, truth.vy, truth.ax, truth.r
    s.t_ns = s.position_seen_ns = s.velocity_seen_ns = t_ns
    s.initialised = 1
    return state


def assert_is(s, pose, metres, radians):
    assert s.x_m == pytest.approx(pose[0], abs=metres)
    assert s.y_m == pytest.approx(pose[1], abs=metres)
    assert abs(math.remainder(s.heading_rad - pose[2], 2 * math.pi)) < radians


@pytest.mark.parametrize("yaw_rate", [0.0, 0.3, -0.3])
@pytest.mark.parametrize("speed", [0.5, 12.0, 28.0])
def test_dead_reckoning_of_a_circle_is_the_circle(new_params, speed, yaw_rate):
    params = new_params(estimator_position_gain=0.0)
    if speed < estimator.SLOW_MPS:
        params[0].front_axle_m = params[0].wheelbase_m  # at a crawl, sideslip is left out
    truth = Circling(params, speed, yaw_rate)
    if speed < estimator.SLOW_MPS:
        truth.vy = truth.ax = 0.0
    sensors, state = silent(), at(truth, START_NS)
    for k in range(1, 1001):
        t_ns = START_NS + k * TICK_NS
        truth.imu(sensors, t_ns)
        step(params, sensors, state, t_ns)
    # Each step takes the arc for its chord, which is (r dt)^2 / 24 shorter.
    short = (truth.r * TICK_NS * 1e-9) ** 2 / 24 * 5.0 * speed
    assert_is(state[0], truth.pose(5.0), short + 1e-6, 1e-9)
    assert state[0].speed_mps == pytest.approx(speed, abs=1e-6)


@pytest.mark.parametrize("yaw_rate", [0.0, 0.12, -0.12])
@pytest.mark.parametrize(("arm_x", "arm_y"), [(0.0, 0.0), (-1.2, 0.4)])
def test_delayed_satellites_leave_a_fast_car_where_it_is(new_params, yaw_rate, arm_x, arm_y):
    r"""::

    measured            true now
       o - - - 60 m/s x 50 ms - - - >o
    """
    params = new_params(estimator_gnss_delay_s=0.05, antenna_x_m=arm_x, antenna_y_m=arm_y)
    truth = Circling(params, 60.0, yaw_rate, heading_rad=3.1)
    for s, t_s in run(params, truth, 2.0):
        # Uncorrected, 50 ms were 3 m. The rest is the arc's excess over its chord.
        assert_is(s, truth.pose(t_s), 1e-5, 1e-9)
        assert s.speed_mps == pytest.approx(60.0, abs=1e-6)


def test_an_error_of_the_pose_decays_by_its_gain_with_every_measurement(new_params):
    params = new_params(estimator_gnss_delay_s=0.02)
    p = params[0]
    truth = Circling(params, 20.0, 0.0)
    state = at(truth, START_NS)
    state[0].y_m += 1.0
    for s, t_s in run(params, truth, 1.0, state):
        taken = round(t_s / (TICK_NS * 1e-9)) // EVERY
        expected = (1 - p.estimator_position_gain) ** taken
        assert s.y_m - truth.pose(t_s)[1] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("side", [1, -1])
def test_headings_on_either_side_of_the_seam_are_neighbours(new_params, side):
    """The receiver says 0 to 2 pi, the estimate -pi to pi; truth stays at the seam of each."""
    for seam in (0.0, math.pi):
        params = new_params()
        truth = Circling(params, 20.0, 0.0, heading_rad=seam + 0.01 * side)
        state = at(truth, START_NS)
        state[0].heading_rad = seam - 0.02 * side
        away = [
            abs(math.remainder(s.heading_rad - truth.heading, 2 * math.pi))
            for s, _ in run(params, truth, 2.0, state)
        ]
        assert max(away) < 0.0301
        assert away[-1] < 0.001
        assert -math.pi - 1e-9 <= state[0].heading_rad <= math.pi + 1e-9


@pytest.mark.parametrize("bias", [0.02, -0.02])
def test_the_gyroscopes_bias_is_learned_at_the_rate_of_its_gain(new_params, bias):
    """The heading lags by bias over rate of correction, and the bias is learned from the lag."""
    gain = 1.0
    params = new_params(estimator_bias_gain_1ps=gain, estimator_gnss_delay_s=0.0)
    truth = Circling(params, 20.0, 0.0)
    per_s = params[0].estimator_heading_gain / (EVERY * TICK_NS * 1e-9)
    rate = 0.5 * (per_s - math.sqrt(per_s**2 - 4 * gain))
    for s, t_s in run(params, truth, 12.0, bias=bias):
        if t_s > 1.0:
            expected = bias * (1 - math.exp(-rate * t_s))
            assert s.yaw_bias_radps == pytest.approx(expected, abs=0.05 * abs(bias))
    assert s.yaw_rate_radps == pytest.approx(0.0, abs=0.1 * abs(bias))


def test_each_measurement_is_taken_up_once(new_params):
    params = new_params()
    truth = Circling(params, 20.0, 0.1)
    sensors, state = silent(), at(truth, START_NS)
    truth.imu(sensors, START_NS)
    truth.satellites(sensors, START_NS + TICK_NS)
    state[0].x_m += 1.0
    step(params, sensors, state, START_NS + TICK_NS)
    pose = ["x_m", "y_m", "heading_rad", "speed_mps", "yaw_bias_radps"]
    after = state[pose].copy()
    assert after.x_m[0] != 101.0
    for _ in range(3):
        step(params, sensors, state, START_NS + TICK_NS)
    assert state[pose] == after


@pytest.mark.parametrize("unseen", ["position", "velocity", "imu"])
def test_the_pose_starts_only_when_position_velocity_and_imu_were_seen(new_params, unseen):
    params = new_params(antenna_x_m=-0.7, antenna_y_m=0.3)
    truth = Circling(params, 0.0, 0.0, heading_rad=2.0)
    sensors, state = record(SENSORS), record(STATE)
    truth.imu(sensors, START_NS)
    truth.satellites(sensors, START_NS)
    sensors[0][f"{unseen}_t_ns"] = 0
    step(params, sensors, state, START_NS)
    assert state[0].initialised == 0
    sensors[0][f"{unseen}_t_ns"] = START_NS
    step(params, sensors, state, START_NS + TICK_NS)
    assert state[0].initialised == 1
    assert_is(state[0], truth.pose(0.0), 1e-9, 1e-9)


def test_no_pause_moves_the_pose_farther_than_the_longest_step(new_params):
    params = new_params()
    truth = Circling(params, 60.0, 0.0)
    sensors, state = silent(), at(truth, START_NS)
    truth.imu(sensors, START_NS)
    step(params, sensors, state, START_NS + 30_000_000_000)
    x, y, _ = truth.pose(estimator.LONGEST_STEP_S)
    assert (state[0].x_m, state[0].y_m) == pytest.approx((x, y))


def test_time_that_goes_back_moves_nothing_and_new_measurements_still_count(new_params):
    params = new_params()
    truth = Circling(params, 60.0, 0.0)
    sensors, state = silent(), at(truth, START_NS)
    truth.imu(sensors, START_NS)
    before = state[0].x_m
    step(params, sensors, state, START_NS - 500_000_000)
    assert state[0].x_m == before
    truth.satellites(sensors, START_NS)
    sensors[0].position_t_ns = sensors[0].velocity_t_ns = START_NS - 500_000_000
    sensors[0].gnss_x_m += 10.0
    step(params, sensors, state, START_NS - 500_000_000)
    assert state[0].x_m > before + 1.0


def test_a_measurement_that_its_receiver_disowns_is_not_taken_up(new_params):
    params = new_params()
    truth = Circling(params, 20.0, 0.0)
    sensors, state = silent(), at(truth, START_NS)
    truth.imu(sensors, START_NS)
    sensors[0].gnss_speed_mps = 20.0
    sensors[0].gnss_x_m = sensors[0].gnss_heading_rad = 3.0
    sensors[0].position_t_ns = sensors[0].velocity_t_ns = START_NS + TICK_NS
    step(params, sensors, state, START_NS + TICK_NS)
    assert_is(state[0], truth.pose(TICK_NS * 1e-9), 1e-9, 1e-9)
    assert state[0].yaw_bias_radps == 0.0


@pytest.mark.parametrize("headings", [True, False])
@pytest.mark.parametrize("ay", [0.0, 2.0, 6.0])
def test_without_a_gyroscope_headings_or_the_steering_angle_give_the_yaw_rate(
    new_params, ay, headings
):
    """The wheels say nothing of use: braked in a bend, the inner ones slip more."""
    params = new_params()
    truth = Circling(params, 25.0, ay / 25.0)
    sensors, state = silent(), at(truth, START_NS)
    s = state[0]
    s.yaw_rate_radps *= 0.5
    sensors[0].wheel_rl_mps, sensors[0].wheel_rr_mps = 10.0, 25.0
    sensors[0].steer_rad = slip.steering(params, truth.vx, truth.r / truth.vx, truth.ax)
    for k in range(1, 1001):
        t_ns = START_NS + k * TICK_NS
        if k % EVERY == 0:
            truth.satellites(sensors, t_ns, params[0].estimator_gnss_delay_s)
            if not headings:
                sensors[0].gnss_heading_quality = 0.0
        step(params, sensors, state, t_ns)
    assert s.yaw_rate_radps == pytest.approx(truth.r, abs=0.01)
    assert s.lateral_mps == pytest.approx(truth.vy, abs=0.05)
    if headings:
        assert_is(s, truth.pose(1000 * TICK_NS * 1e-9), 0.1, 0.005)


def test_a_pose_does_not_start_from_a_receiver_without_a_fix(new_params):
    truth = Circling(new_params(), 0.0, 0.0)
    for quality in ("gnss_quality", "gnss_heading_quality"):
        sensors, state = record(SENSORS), record(STATE)
        truth.imu(sensors, START_NS)
        truth.satellites(sensors, START_NS)
        sensors[0][quality] = 0.0
        step(new_params(), sensors, state, START_NS)
        assert state[0].initialised == 0


@pytest.mark.parametrize(
    "channel",
    ["imu_ax_mps2", "imu_yaw_rate_radps", "gnss_x_m", "gnss_y_m", "gnss_heading_rad",
     "gnss_speed_mps"],
)  # fmt: skip
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_pose_lost_to_a_value_that_is_none_comes_back_with_the_next_good_ones(
    new_params, channel, value
):
    params = new_params()
    truth = Circling(params, 20.0, 0.1)
    sensors, state = silent(), at(truth, START_NS)
    truth.imu(sensors, START_NS)
    truth.satellites(sensors, START_NS + TICK_NS, 0.02)
    sensors[0][channel] = value
    with np.errstate(all="ignore"):
        step(params, sensors, state, START_NS + TICK_NS)
        s = state[0]
        assert not math.isfinite(s.x_m + s.y_m + s.heading_rad + s.speed_mps)
        for _ in run(params, truth, 2.0, state, from_tick=2):
            pass
    assert_is(state[0], truth.pose(2.0 + TICK_NS * 1e-9), 0.01, 0.001)
    assert state[0].speed_mps == pytest.approx(20.0, abs=0.05)


@given(
    x=st.floats(), y=st.floats(), heading=st.floats(), speed=st.floats(), ax=st.floats(),
    yaw_rate=st.floats(),
)  # fmt: skip
def test_speed_is_never_negative_whatever_comes_in(new_params, x, y, heading, speed, ax, yaw_rate):
    params = new_params()
    truth = Circling(params, 20.0, 0.1)
    sensors, state = silent(), at(truth, START_NS)
    truth.satellites(sensors, START_NS + TICK_NS)
    m = sensors[0]
    m.gnss_x_m, m.gnss_y_m, m.gnss_heading_rad, m.gnss_speed_mps = x, y, heading, speed
    m.imu_ax_mps2, m.imu_yaw_rate_radps = ax, yaw_rate
    with np.errstate(all="ignore"):
        step(params, sensors, state, START_NS + TICK_NS)
    assert not state[0].speed_mps < 0.0
