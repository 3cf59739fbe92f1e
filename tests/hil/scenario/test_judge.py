"""The judge believes a word only with the deed: every trace here is drawn, not driven."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianyuan.control.records import Cause, Flag, Mode, Permit
from tianyuan.hil.scenario import judge, verdict
from tianyuan.hil.scenario.model import Expect
from tianyuan.hil.scenario.trace import KEPT, TRACE
from tianyuan.hil.scenario.verdict import Bound, Drive

MS = 1_000_000
BEGAN_NS = 1_000 * MS
FAULT_NS = BEGAN_NS + 2_000 * MS
AT_NS = FAULT_NS + 40 * MS
SPEED_MPS = 30.0


def straight(seconds: float = 12.0, speed_mps: float = SPEED_MPS) -> Any:
    """A car that drives on along its line, on throttle, with a permit."""
    count = round(seconds * 1000)
    rows = np.zeros(count, TRACE).view(np.recarray)
    rows.t_ns = BEGAN_NS + np.arange(count) * MS
    for name in ("steer_ns", "throttle_ns", "brake_ns", "beat_ns", "permit_ns"):
        rows[name] = rows.t_ns
    rows.mode, rows.permit, rows.flag, rows.lap = Mode.DRIVING, Permit.GRANTED, Flag.GREEN, 1
    rows.steer_enable, rows.throttle_command, rows.friction = 1, 0.5, 1.0
    rows.target_mps = rows.speed_mps = speed_mps
    rows.edge_margin_m = 2.0
    return settled(rows)


def settled(rows: Any) -> Any:
    """Place and acceleration as the speeds say."""
    rows.x_m = rows.station_m = np.cumsum(rows.speed_mps) * 1e-3
    rows.ax_mps2 = np.gradient(rows.speed_mps.astype(float)) / 1e-3
    return rows


def braked(rows: Any, at_ns: int, decel_mps2: float) -> Any:
    """The same car, that closes its throttle and brakes to a stand from an instant on."""
    after = rows.t_ns >= at_ns
    since_s = (rows.t_ns[after] - at_ns) / 1e9
    rows.speed_mps[after] = np.maximum(SPEED_MPS - decel_mps2 * since_s, 0.0)
    rows.throttle_command[after] = 0.0
    rows.brake_command_bar[after] = 5.0 * decel_mps2
    return settled(rows)


def says(rows: Any, at_ns: int, mode: Mode, cause: Cause) -> Any:
    """The host says so from an instant on."""
    after = rows.t_ns >= at_ns
    rows.mode[after], rows.cause[after] = mode, cause
    return rows


def withdrawn(rows: Any, at_ns: int) -> Any:
    """The guard withdraws its permit at an instant."""
    rows.permit[rows.t_ns >= at_ns] = Permit.WITHDRAWN
    return rows


def silent(rows: Any, at_ns: int, *names: str) -> Any:
    """Frames of these kinds stop coming."""
    for name in names:
        rows[name] = np.minimum(rows[name], at_ns)
    return rows


def found(rows, twin=None, guarded=True):
    return judge.find(rows, FAULT_NS, guarded, twin)


def failures(rows, bound, expect=None, twin=None):
    drive = Drive(rows, np.zeros(1, KEPT)[0], [], None, True, FAULT_NS)
    return verdict.failures(drive, found(rows, twin), bound, expect or Expect())


def controlled_stop():
    return says(braked(straight(), AT_NS, 4.0), AT_NS, Mode.CONTROLLED_STOP, Cause.POSITION_LOST)


def emergency_stop(decel_mps2=8.5):
    rows = says(
        braked(straight(), AT_NS, decel_mps2), AT_NS, Mode.EMERGENCY_STOP, Cause.REMOTE_ESTOP
    )
    return withdrawn(rows, AT_NS + 8 * MS)


def test_a_car_that_drives_on_as_its_twin_does_has_ignored_the_fault():
    rows = straight()
    assert found(rows, straight()).reaction == "ignored"
    assert found(rows).detected_ns is None


def test_a_stop_with_a_permit_is_controlled_and_dates_from_the_first_frame_that_shows_it():
    result = found(controlled_stop())
    assert (result.reaction, result.cause) == ("controlled_stop", "POSITION_LOST")
    assert result.detected_ns == AT_NS


def test_a_stop_without_a_permit_is_an_emergency_stop():
    result = found(emergency_stop())
    assert (result.reaction, result.cause) == ("emergency_stop", "REMOTE_ESTOP")
    assert result.detected_ns == AT_NS


def test_a_host_that_says_stop_and_drives_on_has_not_stopped():
    rows = says(straight(), AT_NS, Mode.EMERGENCY_STOP, Cause.REMOTE_ESTOP)
    assert found(rows).reaction == "none"
    told = failures(rows, Bound("emergency_stop", None, []))
    assert told == ["the host says that it stops, and at the end the car still does 30.0 m/s"]


def test_a_word_of_emergency_under_a_permit_is_no_emergency_stop():
    rows = says(braked(straight(), AT_NS, 8.5), AT_NS, Mode.EMERGENCY_STOP, Cause.REMOTE_ESTOP)
    assert found(rows).reaction == "controlled_stop"


def test_a_car_without_a_guard_stops_in_emergency_by_its_hosts_word():
    rows = says(braked(straight(), AT_NS, 8.5), AT_NS, Mode.EMERGENCY_STOP, Cause.REMOTE_ESTOP)
    rows.permit_ns = 0
    assert found(rows, guarded=False).reaction == "emergency_stop"


def test_a_dead_hosts_stop_is_the_guards_and_shows_in_its_first_frame_without_a_grant():
    rows = withdrawn(braked(straight(), FAULT_NS + 80 * MS, 8.5), FAULT_NS + 8 * MS)
    rows = silent(rows, FAULT_NS, "steer_ns", "throttle_ns", "brake_ns", "beat_ns")
    result = found(rows)
    assert result.reaction == "emergency_stop"
    assert result.detected_ns == FAULT_NS + 8 * MS
    assert result.gone_ns == FAULT_NS
    assert failures(rows, Bound("emergency_stop", None, [], None, 2 * MS)) == []


def test_a_permit_lost_by_a_car_that_all_but_stands_makes_no_emergency_of_its_stop():
    rows = controlled_stop()
    rows = withdrawn(rows, AT_NS + round(29.2 / 4.0 * 1000) * MS)
    assert found(rows).reaction == "controlled_stop"


def test_a_permit_that_comes_back_was_not_withdrawn():
    rows = straight()
    rows.permit[(rows.t_ns >= AT_NS) & (rows.t_ns < AT_NS + 50 * MS)] = Permit.WAITING
    assert found(rows, straight()).reaction == "ignored"


def test_a_permit_that_waits_until_the_car_stands_was_not_given():
    rows = braked(straight(), FAULT_NS + 80 * MS, 8.5)
    rows.permit[rows.t_ns >= FAULT_NS + 8 * MS] = Permit.WAITING
    result = found(rows)
    assert (result.reaction, result.detected_ns) == ("emergency_stop", FAULT_NS + 8 * MS)


def test_slower_than_the_twin_is_degraded_and_as_fast_is_not():
    rows = straight()
    late = rows.t_ns >= AT_NS
    rows.target_mps[late] = rows.speed_mps[late] = 20.0
    rows.x_m = rows.station_m = np.cumsum(rows.speed_mps) * 1e-3
    result = found(rows, straight(20.0))
    assert result.reaction == "degraded"
    assert result.detected_ns == AT_NS
    assert found(straight(), straight(20.0)).reaction == "ignored"


def test_slower_without_a_sign_on_the_bus_is_not_degraded():
    rows = straight()
    rows.speed_mps[rows.t_ns >= AT_NS] = 20.0
    assert found(settled(rows), straight(20.0)).reaction == "ignored"
    rows = says(rows, AT_NS + 60 * MS, Mode.DRIVING, Cause.POSITION_LOST)
    result = found(rows, straight(20.0))
    assert (result.reaction, result.cause) == ("degraded", "POSITION_LOST")
    assert result.detected_ns == AT_NS + 60 * MS


def test_a_car_that_drives_on_beside_the_track_has_not_coped_with_the_fault():
    rows = straight()
    rows.edge_margin_m[6000] = -0.1
    assert found(rows, straight()).reaction == "none"


def test_an_emergency_that_follows_a_controlled_stop_dates_from_its_own_first_frame():
    rows = controlled_stop()
    later_ns = AT_NS + 2_000 * MS
    rows = withdrawn(says(rows, later_ns, Mode.EMERGENCY_STOP, Cause.OFF_LINE), later_ns + 8 * MS)
    result = found(rows)
    assert (result.reaction, result.detected_ns) == ("emergency_stop", later_ns)


@pytest.mark.parametrize(("before_ms", "counts"), [(10, True), (300, False)])
def test_a_throttle_that_a_bend_has_closed_shows_nothing(before_ms, counts):
    rows = braked(straight(), AT_NS, 4.0)
    said_ns = AT_NS + before_ms * MS
    rows = says(rows, said_ns, Mode.CONTROLLED_STOP, Cause.POSITION_LOST)
    assert found(rows).detected_ns == (AT_NS if counts else said_ns)


def test_the_chequered_flag_ends_what_is_judged():
    rows = says(braked(straight(), AT_NS, 4.0), AT_NS, Mode.CONTROLLED_STOP, Cause.CHEQUERED_FLAG)
    rows.flag[rows.t_ns >= AT_NS] = Flag.CHEQUERED
    assert found(rows).reaction == "ignored"


def test_a_car_that_never_drives_has_refused():
    rows = straight()
    rows.mode, rows.speed_mps = Mode.OFF, 0.0
    rows.cause = Cause.WAITING_FOR_CAR_ON_LINE
    result = found(rows)
    assert (result.reaction, result.cause) == ("refused", "WAITING_FOR_CAR_ON_LINE")


@given(later_ms=st.integers(0, 10_000_000))
def test_a_verdict_does_not_depend_on_when_it_is(later_ms):
    rows, moved = emergency_stop(), emergency_stop()
    for name in ("t_ns", "steer_ns", "throttle_ns", "brake_ns", "beat_ns", "permit_ns"):
        moved[name] += later_ms * MS
    before = judge.find(rows, FAULT_NS, True, None)
    after = judge.find(moved, FAULT_NS + later_ms * MS, True, None)
    assert after.detected_ns - later_ms * MS == before.detected_ns
    assert after[0] == before[0]
    assert after.stand == before.stand


@pytest.mark.parametrize(("within_ms", "kept"), [(39, False), (40, True), (50, True)])
def test_a_bound_is_from_the_fault_to_the_first_frame(within_ms, kept):
    told = failures(emergency_stop(), Bound("emergency_stop", within_ms * MS, []))
    assert (told == []) == kept
    if not kept:
        assert told[0].startswith("the first frame that shows it came 40.0 ms after the fault")


def test_an_emergency_stop_that_hardly_brakes_is_told():
    told = failures(emergency_stop(3.0), Bound("emergency_stop", None, []))
    assert len(told) == 1
    assert told[0].startswith("the emergency stop used 31% of the road's grip")


def test_steering_that_ends_before_the_car_stands_is_told():
    rows = silent(emergency_stop(), AT_NS + 500 * MS, "steer_ns")
    told = failures(rows, Bound("emergency_stop", None, []))
    assert told == ["the host stopped steering before the car stood"]
    rows = emergency_stop()
    rows.steer_enable[rows.t_ns > AT_NS + 500 * MS] = 0
    assert failures(rows, Bound("emergency_stop", None, [])) == told


def test_the_wrong_reaction_and_the_wrong_cause_are_told():
    told = failures(controlled_stop(), Bound("emergency_stop", None, ["REMOTE_ESTOP"]))
    assert told == [
        "expected emergency stop, and it was controlled stop for POSITION_LOST",
        "the cause is POSITION_LOST, not REMOTE_ESTOP",
    ]


def test_off_the_track_off_the_line_and_too_long_a_way_are_told():
    rows = controlled_stop()
    rows.edge_margin_m[5000], rows.cross_track_m[5000] = -0.3, 3.0
    expect = Expect(max_cross_track_m=1.0, stop_distance_m=50.0)
    told = failures(rows, Bound("controlled_stop", None, []), expect)
    assert len(told) == 3
    assert told[0].startswith("it took 11")
    assert told[1].startswith("a wheel left the track by 0.30 m")
    assert told[2] == "it was 3.00 m off its line; 1.0 m is the most"
    assert failures(controlled_stop(), Bound("controlled_stop", None, [])) == []


def test_a_broken_limit_is_told_with_what_was_said():
    rows = straight()
    kept = np.zeros(1, KEPT)
    kept["broken_ns"], kept["broken"], kept["value"] = BEGAN_NS, 1, 0.7
    drive = Drive(rows, kept[0], [], None, True, None)
    told = verdict.failures(drive, found(rows), Bound("ignored", None, []), Expect())
    assert told == ["a command frame broke its steering range: 0.700"]


def test_a_stop_that_is_to_be_announced_is_told_unless_it_comes_in_time_itself():
    slow = Bound("controlled_stop", 200 * MS, [], 30 * MS)
    quick = Bound("controlled_stop", 200 * MS, [], 50 * MS)
    assert failures(controlled_stop(), slow) == [
        "nothing showed within 30 ms that it drove on degraded"
    ]
    assert failures(controlled_stop(), quick) == []


def test_finding_changes_no_row():
    rows = emergency_stop()
    before = copy.deepcopy(rows)
    found(rows, straight())
    assert (rows == before).all()
