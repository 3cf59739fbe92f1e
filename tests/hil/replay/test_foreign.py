"""Logs without ticks: frames come at the first tick that is not before them, each time the same."""

from __future__ import annotations

from pathlib import Path

import can
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianyuan.control.errors import InputError
from tianyuan.firmware.host import FRAMES_IN
from tianyuan.firmware.host_record import HOST_CHANNEL
from tianyuan.hil.lockstep import EPOCH_NS
from tianyuan.hil.replay.foreign import SILENCE_NS, ForeignLog, spread
from tianyuan.hil.replay.run import replay_of
from tianyuan.hil.replay.stretch import Played

PERIOD_NS = 10_000_000


def written(file: Path, times_s: list[float], channel: int = 0) -> Path:
    with can.Logger(str(file)) as out:
        for i, t_s in enumerate(times_s):
            data = i.to_bytes(8, "little")
            out.on_message_received(
                can.Message(arbitration_id=5, data=data, timestamp=t_s, channel=channel)
            )
    return file


def ticks_of(file: Path, buses: dict[str, int] | None = None) -> list[tuple[int, list[int]]]:
    """Each tick's time since the first, in periods, and the numbers of its frames."""
    found = []
    for stretch in ForeignLog(file, PERIOD_NS, 1, buses or {}).stretches():
        first = 0
        for end, t_ns in zip(stretch.ends, stretch.t_ns, strict=True):
            numbers = stretch.frames[first:end]["payload"][:, :8].copy().view("<u8").ravel()
            found.append(((int(t_ns) - EPOCH_NS) // PERIOD_NS, numbers.tolist()))
            first = end
    return found


def test_a_frame_comes_with_the_first_tick_that_is_not_before_it(tmp_path):
    log = written(tmp_path / "a.blf", [100.0, 100.010, 100.0101, 100.025, 100.040])
    assert ticks_of(log) == [(0, [0]), (1, [1]), (2, [2]), (3, [3]), (4, [4])]


def test_a_time_that_goes_back_comes_with_the_tick_before_it(tmp_path):
    log = written(tmp_path / "a.log", [100.0, 100.05, 50.0, 100.06])
    assert ticks_of(log) == [(0, [0]), *((t, []) for t in (1, 2, 3, 4)), (5, [1, 2]), (6, [3])]


def test_a_time_that_goes_far_back_is_no_silence(tmp_path):
    file = written(tmp_path / "a.log", [100.0, 108.0, 116.0, 124.0, 101.0, 124.01])
    log = ForeignLog(file, PERIOD_NS, 1, {})
    times = np.concatenate([stretch.t_ns for stretch in log.stretches()]) - EPOCH_NS
    assert times.tolist() == list(range(0, 24_020_000_000, PERIOD_NS))
    assert not any("silence" in note for note in log.notes)


def test_a_long_silence_is_cut_short_and_told(tmp_path):
    log = ForeignLog(written(tmp_path / "a.log", [100.0, 4000.0, 4000.01]), PERIOD_NS, 1, {})
    times = np.concatenate([stretch.t_ns for stretch in log.stretches()]) - EPOCH_NS
    most = SILENCE_NS // PERIOD_NS
    assert times.size == most + 2
    assert times[-2:].tolist() == [3_900_000_000_000, 3_900_010_000_000]
    assert times[:most].tolist() == list(range(0, SILENCE_NS, PERIOD_NS))
    assert log.notes == ["3890.0 s of silence cut short"]


def test_channels_that_are_no_bus_of_the_car_are_left_out_and_told(tmp_path):
    file = written(tmp_path / "a.blf", [1.0, 1.01], channel=3)
    log = ForeignLog(file, PERIOD_NS, 1, {})
    assert list(log.stretches()) == []
    assert len(log.notes) == 1
    assert "2 frames" in log.notes[0]
    assert ticks_of(file, {"3": 0}) == [(0, [0]), (1, [1])]


@given(st.lists(st.tuples(st.integers(1, 700), st.integers(0, 3)), max_size=12))
def test_no_tick_has_more_frames_than_the_host_takes_and_none_is_early(bursts):
    sizes, steps = np.array(bursts, np.int64).reshape(-1, 2).T
    wanted = np.repeat(np.cumsum(steps), sizes)
    place = spread(wanted)
    assert (place >= wanted).all()
    assert (np.diff(place) >= 0).all()
    if place.size:
        assert np.bincount(place).max() <= FRAMES_IN
    if place.size and np.bincount(wanted).max() <= FRAMES_IN:
        assert place.tolist() == wanted.tolist()


@pytest.mark.compiled
def test_a_drive_s_frames_alone_drive_the_host_again_each_time_the_same(driven, tmp_path):
    heard = driven.frames[driven.frames.channel != HOST_CHANNEL].copy()
    heard["reserved"] = 0  # as a bystander logs it
    log = driven.write(tmp_path / "bystander.log", heard)
    states = []
    for _ in range(2):
        host, rows = driven.fresh(), list[Played]()
        outcome = replay_of(ForeignLog(log, PERIOD_NS, 1, {}), host, watch=rows.append)
        assert (outcome.mismatches, outcome.first_mismatch) == (0, None)
        steering = np.concatenate([each.commands["steer_rad"] for each in rows])
        states.append(host.memory.driver.tobytes() + steering.tobytes())
    assert states[0] == states[1]
    # Its frames are at the ticks that heard them, so it does what was done then.
    assert host.memory.driver.speed_mps == pytest.approx(driven.host.memory.driver.speed_mps)
    assert host.memory.driver.mode == driven.host.memory.driver.mode


@pytest.mark.compiled
def test_a_log_of_other_buses_is_refused(driven, tmp_path):
    file = written(tmp_path / "a.blf", [1.0, 1.01], channel=3)
    with pytest.raises(InputError, match="--bus"):
        replay_of(ForeignLog(file, PERIOD_NS, 1, {}), driven.fresh())
