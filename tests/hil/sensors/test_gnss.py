"""The satellite receiver: lever arm, latency, heading, and how a solution is lost and found."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import stats

from tianyuan.hil.sensors import gnss
from tianyuan.hil.sensors.receiver import FIXED, FLOAT, NONE, SINGLE, Outage, sky, visible

MS = 1_000_000


@pytest.mark.parametrize("latency_s", [0.0, 0.020, 0.0205, 0.1])
def test_satellites_tell_of_the_past(rig, latency_s):
    """A circle of radius 40 m at 20 m/s: where the car was ``latency_s`` ago."""
    r = rig(gnss={"latency_s": latency_s}).run(300)
    t = 0.299 - latency_s
    got = r.measure("position")
    assert got["gnss_x_m"] == pytest.approx(40 * math.sin(0.5 * t), abs=1e-4)
    assert got["gnss_y_m"] == pytest.approx(40 * (1 - math.cos(0.5 * t)), abs=1e-4)
    assert r.measure("velocity")["gnss_heading_rad"] == pytest.approx(0.5 * t, abs=1e-9)


def test_the_antenna_swings_on_its_lever(rig):
    """The antenna a ahead and l left of the centre of gravity, heading 90 degrees:

         y ^
    l <----+ a      (x, y) of the antenna = (-l, a)
           |        velocity there = (v - r l) along, (r a) across
           o----> x
    """
    r = rig(gnss={"antenna_x_m": 1.5, "antenna_y_m": 0.5}).place(0.0)
    r.state.heading_rad = math.pi / 2
    got = r.stand().measure("position") | r.measure("velocity")
    assert (got["gnss_x_m"], got["gnss_y_m"]) == pytest.approx((-0.5, 1.5))
    assert got["gnss_speed_mps"] == pytest.approx(math.hypot(20 - 0.5 * 0.5, 0.5 * 1.5))


def test_the_antennas_speed_is_that_of_its_own_way(rig):
    r = rig(gnss={"antenna_x_m": -1.2, "antenna_y_m": 0.4})
    places = []
    for k in range(3):
        got = r.place(k * 1e-3).stand().measure("position") | r.measure("velocity")
        places.append((got["gnss_x_m"], got["gnss_y_m"], got["gnss_speed_mps"]))
    (x0, y0, _), (_, _, speed), (x1, y1, _) = places
    assert math.hypot(x1 - x0, y1 - y0) / 0.002 == pytest.approx(speed, rel=1e-5)


@pytest.mark.parametrize("heading", [-1e-18, -0.1, 0.0, 3.0, 6.3, -50.0, 2 * math.pi, 1e6])
def test_headings_lie_from_zero_to_below_a_turn(heading):
    wrapped = gnss.wrap_heading(heading)
    assert 0.0 <= wrapped < 2 * math.pi
    assert math.cos(wrapped) == pytest.approx(math.cos(heading), abs=1e-9)
    assert math.sin(wrapped) == pytest.approx(math.sin(heading), abs=1e-9)


@pytest.mark.parametrize("baseline_m", [1.0, 4.0])
def test_a_longer_baseline_gives_a_better_heading(rig, baseline_m):
    r = rig(gnss={"baseline_m": baseline_m, "baseline_noise_m": 0.004}).place(2.0)
    errors = r.series("velocity", "gnss_heading_rad", 1500) - 1.0
    assert stats.kstest(errors / (0.004 / baseline_m), "norm").pvalue > 1e-3


def test_the_slow_error_keeps_its_spread_and_its_correlation(rig):
    r = rig(gnss={"fixed_m": 0.5, "drift_s": 0.2})
    errors = r.series("position", "gnss_x_m", 3000, 10 * MS)
    assert errors.std() == pytest.approx(0.5, rel=0.15)
    for lag in (5, 10, 20):
        kept = np.corrcoef(errors[:-lag], errors[lag:])[0, 1]
        assert kept == pytest.approx(math.exp(-lag * 0.01 / 0.2), abs=0.12)


TUNNEL = [Outage(quality="none", from_m=100.0, to_m=200.0)]


def drive(r, seconds: float, speed_mps: float = 50.0, step_ns: int = 10 * MS):
    """Times, qualities of position and of heading, and slow errors along a straight line."""
    rows = []
    for _ in range(round(seconds * 1e9 / step_ns)):
        r.station_m += speed_mps * step_ns * 1e-9
        r.stand(step_ns)
        got = r.measure("position") | r.measure("velocity")
        rows.append(
            (r.station_m, got["gnss_quality"], got["gnss_heading_quality"], r.sensing.slow_m[0])
        )
    return np.array(rows).T


def test_a_solution_is_lost_at_once_and_found_again_a_rank_at_a_time(rig):
    waits = {"reacquire_s": 0.5, "float_s": 1.0, "fix_s": 2.0}
    r = rig(outages=TUNNEL, gnss=waits)
    station, quality, heading, _ = drive(r, 10.0)
    assert (quality[station < 99.9] == 4).all()
    changes = [
        (float(b), float(s)) for a, b, s in zip(quality, quality[1:], station[1:], strict=False)
        if a != b
    ]  # fmt: skip
    codes, places = zip(*changes, strict=True)
    assert codes == (0.0, 1.0, 5.0, 4.0)
    waited = [(b - a) / 50.0 for a, b in pairwise((200.0, *places[1:]))]
    assert waited == pytest.approx([0.5, 1.0, 2.0], abs=0.03)
    assert set(heading[(quality == 1) | (quality == 0)]) == {0.0}
    assert (heading[quality == 5] == 5).all()


def test_the_error_grows_and_converges_with_the_rank_and_is_small_once_fixed(rig):
    levels = {"fixed_m": 0.01, "float_m": 0.4, "single_m": 2.0, "converge_s": 1.0}
    waits = {"reacquire_s": 0.5, "float_s": 1.0, "fix_s": 4.0}
    _, quality, _, slow = drive(rig(outages=TUNNEL, gnss=levels | waits), 14.0)
    assert slow[quality == 1] == pytest.approx(2.0)
    floating = slow[quality == 5]
    t = np.arange(1, floating.size + 1) * 0.01
    assert floating == pytest.approx(0.4 + 1.6 * np.exp(-t), abs=0.03)
    assert slow[-1] == 0.01
    partly = [Outage(quality="float", from_s=2.0, to_s=6.0)]
    _, quality, _, slow = drive(rig(outages=partly, gnss=levels), 8.0)
    assert (np.diff(slow[quality == 5]) >= 0).all()
    assert slow.max() == pytest.approx(0.4, rel=0.03)


def test_without_a_solution_the_last_position_is_repeated(rig):
    r = rig(outages=[Outage(quality="none", from_s=0.1)])
    r.run(90)
    before = r.measure("position") | r.measure("velocity")
    r.run(300)
    after = r.measure("position") | r.measure("velocity")
    assert (after["gnss_quality"], after["gnss_heading_quality"]) == (0, 0)
    for name in ("gnss_x_m", "gnss_y_m", "gnss_speed_mps", "gnss_heading_rad"):
        assert after[name] == before[name]


def test_an_outage_leaves_the_other_noises_as_they_were(rig):
    errors = {"imu": {"accel_mps2": 0.1}, "gnss": {"fixed_m": 0.1, "drift_s": 1.0}}
    hidden, clear = (
        rig(outages=[Outage(quality="none", from_s=0.1, to_s=0.2)], **errors),
        rig(**errors),
    )
    for _ in range(400):
        assert hidden.stand().measure("imu") == clear.stand().measure("imu")
        assert hidden.sensing.position_x == clear.sensing.position_x


@pytest.mark.parametrize(
    ("outage", "hidden", "clear"),
    [
        ({"from_m": 10.0, "to_m": 20.0}, (15.0, 1, 0.0), (20.0, 1, 0.0)),
        ({"from_m": 90.0, "to_m": 5.0}, (95.0, 1, 0.0), (50.0, 1, 0.0)),
        ({"from_m": 90.0, "to_m": 5.0}, (4.0, 1, 0.0), (5.0, 1, 0.0)),
        ({"from_m": 10.0, "to_m": 20.0, "lap": 2}, (15.0, 2, 0.0), (15.0, 1, 0.0)),
        ({"from_s": 3.0, "to_s": 4.0}, (15.0, 2, 3.0), (15.0, 2, 4.0)),
    ],
)
def test_an_outage_is_where_and_when_it_says(outage, hidden, clear):
    rows = sky([Outage(quality="single", **outage), Outage(quality="float", from_s=50.0)])
    assert visible(rows, *hidden) == SINGLE
    assert visible(rows, *clear) == FIXED
    assert visible(rows, clear[0], clear[1], 60.0) == FLOAT


def test_of_two_outages_the_worse_counts():
    both = [Outage(quality=quality, from_s=1.0) for quality in ("float", "none", "single")]
    assert visible(sky(both), 0.0, 1, 2.0) == NONE
    assert visible(sky(), 0.0, 1, 2.0) == FIXED


@pytest.mark.parametrize(
    ("wrong", "told"),
    [({"from_m": 1.0}, "go together"), ({"from_s": 2.0, "to_s": 1.0}, "not after"),
     ({"quality": "good"}, "quality"), ({"from": 3.0}, "from")],
)  # fmt: skip
def test_an_outage_that_is_nowhere_is_refused(wrong, told):
    with pytest.raises(ValidationError, match=told):
        Outage(**({"quality": "none"} | wrong))
