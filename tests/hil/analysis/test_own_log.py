"""A report tells what the host and the car said: read back from the log as it was written."""

from __future__ import annotations

from collections import Counter

import can
import numpy as np
import pytest

from tianyuan.control.errors import InputError
from tianyuan.control.records import CHANNEL_NAMES, Permit
from tianyuan.dbc.frame import ERROR, frames
from tianyuan.firmware.host_record import GAP_ID, HOST_CHANNEL
from tianyuan.hil import laps as lap_table
from tianyuan.hil.analysis import hearing
from tianyuan.hil.analysis.messages import Census
from tianyuan.hil.analysis.own_log import is_own, lap_numbers, read_own


@pytest.fixture(scope="module")
def read(lapped):
    return read_own(lapped.log)


def test_the_telemetry_is_what_was_sent(lapped, read):
    rows, drive = read.telemetry, lapped.drive
    assert len(rows) == len(drive.t_ns) == read.ticks
    for name in ("x_m", "y_m", "speed_mps", "target_mps", "cross_track_m", "station_m"):
        assert rows[name] == pytest.approx(drive.host[name], rel=1e-6, abs=1e-4)
    assert rows["t_s"] == pytest.approx((drive.t_ns - drive.t_ns[0]) * 1e-9, abs=1e-9)
    steer = drive.sensors[:, CHANNEL_NAMES.index("steer_rad")]
    assert rows["steer_rad"] == pytest.approx(steer, abs=1e-3)  # a bit of the wire
    assert rows["steer_command_rad"] == pytest.approx(drive.commands["steer_rad"], abs=1e-3)
    assert set(rows["gear"]) == {3.0}
    assert rows["throttle"] == pytest.approx(0.4, abs=0.01)
    assert rows["throttle_command"] == pytest.approx(0.5, abs=0.01)


def test_laps_last_as_long_as_they_were_driven(read, workshop):
    first, second = lap_table.laps(read.telemetry)
    assert (first.number, second.number) == (1, 2)
    assert second.time_s == pytest.approx(workshop.length_m / workshop.speed_mps, abs=2e-3)
    assert second.max_cross_track_m == pytest.approx(0.1, abs=2e-3)


def test_margins_are_half_a_track_less_half_a_car(read):
    """5 m to either edge, 0.81 m to the wheel's outside, and what the car is beside the line."""
    straight = (read.telemetry["station_m"] < 80.0) & (read.telemetry["speed_mps"] > 0.0)
    rows = read.telemetry[straight]
    wanted = 5.0 - 0.805 - np.abs(rows["cross_track_m"])
    assert rows["edge_margin_m"] == pytest.approx(wanted, abs=0.01)


def test_the_timing_is_what_the_host_measured(lapped, read):
    assert read.timing.bins.sum(axis=1).tolist() == [len(lapped.drive.t_ns)] * 5
    assert np.flatnonzero(read.timing.bins[hearing.WAKE]).tolist() == [3]
    assert np.flatnonzero(read.timing.bins[-1]).tolist() == [26]  # 3 + 7 + 5 + 11


def test_every_message_is_counted_as_python_can_counts_it(lapped, read):
    counted = Counter()
    with can.LogReader(str(lapped.log)) as reader:
        for message in reader:
            counted[int(message.channel), message.arbitration_id, not message.is_rx] += 1
    assert {(m.channel, m.can_id, m.sent): m.frames for m in read.messages} == counted
    named = {m.name(read.names) for m in read.messages}
    assert {"GNSS_POSITION", "STEERING_COMMAND", "HOST_TICK", "GUARD_PERMIT"} <= named


def test_a_cycle_and_the_longest_silence_are_those_of_the_frames():
    made = frames(5)
    made.can_id, made.t_ns = 0x123, np.array([0, 10, 20, 70, 80]) * 1_000_000
    census = Census()
    for block in (made[:2], made[2:3], made[3:]):  # however it is cut
        census.add(block)
    (found,) = census.all()
    assert (found.frames, found.mean_ms, found.silent_ns) == (5, 20.0, 50_000_000)


def test_error_frames_are_one_message():
    made = frames(3)
    made.can_id = [ERROR | 1, ERROR | 4, 0x10]
    census = Census()
    census.add(made)
    assert [(m.name({}), m.frames) for m in census.all()] == [("0x010", 1), ("error frame", 2)]


def test_a_whole_log_lacks_nothing(read):
    assert (read.gaps, read.notes, read.refused, read.overruns) == ([], [], [], 0)
    assert [event.what for event in read.events] == ["permit granted"]


def changed(lapped, log_of, tmp_path, ticks):
    return read_own(log_of(tmp_path, lapped.path, ticks, "drive.blf"))


def test_missing_ticks_are_a_gap(lapped, log_of, tmp_path):
    ticks = lapped.ticks[:100] + lapped.ticks[130:]
    (gap,) = changed(lapped, log_of, tmp_path, ticks).gaps
    assert (gap.t_s, gap.missing_s) == pytest.approx((9.9, 3.1), abs=1e-6)


def test_a_lap_that_ended_or_began_unseen_has_no_time(lapped, log_of, tmp_path, workshop, car):
    """The second crossing is missing, and half a lap with it: nobody knows how long either took."""
    path = lapped.path
    drive = workshop.driven(path, laps=4.2)
    ticks = workshop.ticks_of(car, drive)
    crossed = int(np.flatnonzero(np.diff(drive.host["laps"]) > 0)[1])
    whole = lap_table.laps(read_own(log_of(tmp_path, path, ticks, "drive.blf")).telemetry)

    read = changed(lapped, log_of, tmp_path, ticks[: crossed - 40] + ticks[crossed + 40 :])

    found = lap_table.laps(read.telemetry)
    assert [lap.number for lap in whole] == [1, 2, 3, 4]
    assert [lap.number for lap in found] == [1, 4]
    assert found[1].time_s == pytest.approx(whole[3].time_s)


def test_frames_that_the_recorder_lost_are_told(lapped, log_of, tmp_path, workshop):
    lost = workshop.marker(0)
    lost.can_id, lost.length, lost.channel = GAP_ID, 4, HOST_CHANNEL
    lost.payload[:, :4] = np.frombuffer((70_001).to_bytes(4, "little"), np.uint8)
    lost.t_ns = lapped.drive.t_ns[50]
    ticks = [*lapped.ticks[:50], lost, *lapped.ticks[50:]]
    (gap,) = changed(lapped, log_of, tmp_path, ticks).gaps
    assert (gap.lost_frames, round(gap.t_s, 3)) == (70_001, 5.0)


def test_a_spoilt_frame_is_told_and_changes_nothing(lapped, log_of, tmp_path):
    ticks = [tick.copy() for tick in lapped.ticks]
    spoilt = next(
        k for k, frame in enumerate(ticks[40]) if frame.can_id == 0x200 and frame.channel == 0
    )  # STEERING_STATUS
    ticks[40][spoilt].payload[2] ^= 0x40
    read = changed(lapped, log_of, tmp_path, ticks)
    assert read.refused == [("STEERING_STATUS", 1, "")]  # later ones were taken
    assert read.telemetry["steer_rad"][40] == read.telemetry["steer_rad"][39]


def test_a_part_that_begins_with_old_ticks_adds_only_the_new(lapped, log_of, tmp_path):
    whole = read_own(lapped.log)
    log = log_of(tmp_path, lapped.path, lapped.ticks[:120], "drive.blf")
    log_of(tmp_path, lapped.path, lapped.ticks[90:], "drive.2.blf")
    read = read_own(log)
    assert read.ticks == whole.ticks
    assert read.telemetry.tobytes() == whole.telemetry.tobytes()
    assert [m._replace(silent_ns=0) for m in read.messages] == [
        m._replace(silent_ns=0) for m in whole.messages
    ]


def test_a_log_that_was_cut_off_is_told_up_to_there(lapped, log_of, tmp_path):
    log = log_of(tmp_path, lapped.path, lapped.ticks, "drive.blf")
    log.write_bytes(log.read_bytes()[: -len(lapped.log.read_bytes()) // 2])
    read = read_own(log)
    assert 0 < read.ticks < len(lapped.ticks)
    assert read.telemetry["x_m"] == pytest.approx(lapped.drive.host["x_m"][: read.ticks], abs=1e-4)


def test_what_happens_is_an_event_at_its_time(car, log_of, lapped, tmp_path, workshop):
    drive = workshop.driven(lapped.path, laps=0.6)
    drive.sensors[100:, CHANNEL_NAMES.index("permit")] = Permit.WITHDRAWN
    drive.sensors[60:80, CHANNEL_NAMES.index("brake_fault")] = 1.0
    drive.host["overruns"][50:] = 3
    drive.host["overruns"][55:] = 4
    drive.host["overruns"][90:] = 5
    log = log_of(tmp_path, lapped.path, workshop.ticks_of(car, drive), "drive.blf")
    found = [(round(e.t_s, 1), e.what, e.grave) for e in read_own(log).events]
    assert found == [
        (0.0, "permit granted", False),
        (5.0, "deadlines missed: 4", True),
        (6.0, "brake reports a fault", True),
        (8.0, "brake reports no fault any more", False),
        (9.0, "deadlines missed: 1", True),
        (10.0, "permit withdrawn", True),
    ]


def test_a_log_without_ticks_is_one_line(lapped, log_of, tmp_path):
    foreign = [tick[tick.channel != HOST_CHANNEL] for tick in lapped.ticks[:10]]
    with pytest.raises(InputError, match="holds no tick of ours"):
        changed(lapped, log_of, tmp_path, foreign)


@pytest.mark.parametrize("behind", [False, True])
def test_laps_are_counted_from_the_start_whichever_side_of_the_line(behind):
    station = np.concatenate([[95.0 if behind else 2.0] * 3, np.arange(3.0, 250.0, 5.0) % 100.0])
    mode = np.where(np.arange(len(station)) < 2, 1, 2)
    t_s = 0.1 * np.arange(len(station))
    laps = lap_numbers(t_s, station, mode, np.zeros(len(station)), 100.0)
    assert laps[0] == 0
    assert laps[2] == 1
    assert laps[-1] == 3 + behind


@pytest.mark.compiled
def test_without_its_first_parts_a_log_goes_on_counting_as_the_host_did(lapped, log_of, tmp_path):
    (_, wanted) = lap_table.laps(read_own(lapped.log).telemetry)
    log_of(tmp_path, lapped.path, lapped.ticks[100:], "drive.3.blf")  # in the first lap
    read = read_own(tmp_path / "drive.blf")
    (lap,) = lap_table.laps(read.telemetry)
    assert lap.model_dump() == pytest.approx(wanted.model_dump())
    assert [note.kind for note in read.notes] == ["oldest parts dropped"]


@pytest.mark.compiled
def test_a_part_that_power_cut_off_at_its_first_byte_is_told(lapped, log_of, tmp_path):
    log = log_of(tmp_path, lapped.path, lapped.ticks, "drive.blf")
    (tmp_path / "drive.2.blf").write_bytes(b"")
    read = read_own(log)
    assert read.ticks == len(lapped.ticks)
    assert [note.kind for note in read.notes] == ["part that cannot be read"]


@pytest.mark.compiled
@pytest.mark.parametrize("name", ["drive.mf4", "drive.log", "drive.log.gz"])
def test_any_format_of_the_recorder_tells_the_same(lapped, log_of, tmp_path, name, read):
    log = log_of(tmp_path, lapped.path, lapped.ticks, name)
    (tmp_path / "drive.blf.run.json").rename(tmp_path / f"{name}.run.json")
    other = read_own(log)
    assert other.telemetry.tobytes() == read.telemetry.tobytes()
    assert [m[:4] for m in other.messages] == [m[:4] for m in read.messages]


def test_an_mf4_log_brings_its_card(lapped, log_of, tmp_path, read):
    log = log_of(tmp_path, lapped.path, lapped.ticks[:20], "drive.mf4", lapped.log)
    for beside in tmp_path.glob("*.json"):
        beside.unlink()
    assert is_own(log)
    assert read_own(log).path.tobytes() == lapped.path.tobytes()


def test_the_card_says_rate_and_line(lapped, read, workshop):
    assert read.rate_hz == workshop.rate_hz
    assert read.path.tobytes() == lapped.path.tobytes()
