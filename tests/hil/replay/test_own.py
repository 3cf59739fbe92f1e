"""Logs of our own replay to the bit; where they do not, the first difference is shown by name."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from tianyuan.control.errors import InputError
from tianyuan.dbc.frame import TX, frames
from tianyuan.drivers.logs.log import Log
from tianyuan.firmware.host_record import GAP_ID, HOST_CHANNEL, TICK_ID
from tianyuan.firmware.log_file import Limits, numbered_parts
from tianyuan.firmware.recording.segments import Segments
from tianyuan.hil.replay import own, read_ticks, replay
from tianyuan.hil.replay.difference import Names, around, changed_signals
from tianyuan.hil.replay.own import OwnLog

pytestmark = pytest.mark.compiled


def ends_of(kept: np.ndarray) -> np.ndarray:
    """Where each tick's frames end."""
    return np.flatnonzero((kept["can_id"] == TICK_ID) & (kept["reserved"] == TX)) + 1


def test_every_frame_of_a_drive_comes_out_again(driven, log):
    again = driven.fresh()
    outcome = replay(log, again)
    assert (outcome.ticks, outcome.mismatches, outcome.gap) == (driven.ticks, 0, None)
    assert again.memory.driver.tobytes() == driven.host.memory.driver.tobytes()


def test_a_signal_that_differs_is_named_with_the_ticks_around_it(driven, tmp_path):
    kept = driven.frames.copy()
    steering = np.flatnonzero((kept["can_id"] == 0x080) & (kept["reserved"] == TX))[700]
    kept["payload"][steering, 2] ^= 1
    tick = int(np.searchsorted(ends_of(kept), steering, side="right"))
    outcome = replay(driven.write(tmp_path / "spoilt.blf", kept), driven.fresh())
    assert (outcome.mismatches, outcome.first_mismatch.tick) == (1, tick)
    names = Names(driven.car)
    (changed,) = changed_signals(outcome.first_mismatch, names)
    assert changed["signal"].startswith("STEERING_COMMAND.")
    assert changed["recorded"] != changed["replayed"]
    shown = around(outcome.first_mismatch, names)
    numbers = [int(line.split()[-3].rstrip(",")) for line in shown if " tick " in line]
    assert numbers == list(range(tick - 2, tick + 3))
    assert sum(line.startswith("    then STEERING_COMMAND") for line in shown) == 1


@pytest.mark.parametrize("tick", [0, 1, -2, -1])
def test_the_ticks_around_are_those_that_there_are(driven, tmp_path, tick):
    kept = driven.frames.copy()
    tick %= driven.ticks
    marker = ends_of(kept)[tick] - 1
    state = marker - 1
    assert kept["reserved"][state] == TX
    kept["payload"][state, 0] ^= 1
    first = replay(driven.write(tmp_path / "spoilt.blf", kept), driven.fresh()).first_mismatch
    told = [moment.tick for moment in first.around]
    assert told == [t for t in range(tick - 2, tick + 3) if 0 <= t < driven.ticks]


def test_a_gap_ends_what_is_compared_and_is_told(driven, tmp_path):
    ends = ends_of(driven.frames)
    lost = frames(1)
    lost.can_id, lost.length, lost.channel, lost.reserved = GAP_ID, 4, HOST_CHANNEL, TX
    lost.payload[0, :4] = list((77).to_bytes(4, "little"))
    lost.t_ns = driven.frames.t_ns[ends[400]]
    kept = np.concatenate((driven.frames[: ends[400] - 3], lost, driven.frames[ends[500] :]))
    outcome = replay(driven.write(tmp_path / "gap.blf", kept), driven.fresh())
    assert (outcome.ticks, outcome.mismatches) == (400, 0)
    assert outcome.gap == (400, 77)


def test_a_log_that_begins_with_a_gap_is_refused_for_that(driven, tmp_path):
    lost = frames(1)
    lost.can_id, lost.length, lost.channel, lost.reserved = GAP_ID, 4, HOST_CHANNEL, TX
    lost.payload[0, :4] = list((77).to_bytes(4, "little"))
    kept = np.concatenate((lost, driven.frames[ends_of(driven.frames)[100] :]))
    with pytest.raises(InputError, match="begins with a gap of 77 frames"):
        replay(driven.write(tmp_path / "late.blf", kept), driven.fresh())


def test_a_tick_written_again_in_the_next_part_counts_once(driven, tmp_path):
    ends = ends_of(driven.frames)
    log = driven.write(tmp_path / "drive.blf", driven.frames[: ends[600] - 2])
    driven.write(tmp_path / "drive.2.blf", driven.frames[ends[550] :])
    assert len(list(read_ticks(log))) == driven.ticks
    outcome = replay(log, driven.fresh())
    assert (outcome.ticks, outcome.mismatches) == (driven.ticks, 0)


def test_a_log_whose_beginning_was_dropped_is_refused_and_one_with_a_hole_ends_there(
    driven, tmp_path
):
    ends = ends_of(driven.frames)
    log = driven.write(tmp_path / "drive.blf", driven.frames[: ends[100]])
    driven.write(tmp_path / "drive.3.blf", driven.frames[ends[200] :])
    recorded = OwnLog(log)
    assert sum(stretch.t_ns.size for stretch in recorded.stretches()) == 101
    assert recorded.notes == ["drive.2.blf is missing: what comes after it cannot be compared"]
    log.unlink()
    with pytest.raises(InputError, match=r"before drive\.3\.blf were dropped"):
        OwnLog(log)


class InFour(Log):
    """A log whose frames come in four blocks, the third of them from beyond some garbage."""

    last: int

    def blocks(self):
        (whole,) = super().blocks()
        for k, block in enumerate(np.array_split(whole, 4)[: self.last]):
            if k == 2:
                self.notes.add("garbage bytes", "byte 4711")
            yield block.view(np.recarray)


@pytest.mark.parametrize(("last", "whole"), [(4, 2), (3, 3)])
def test_a_log_damaged_in_its_middle_is_compared_up_to_there(driven, log, monkeypatch, last, whole):
    """What comes last may be cut off, and is whole up to there."""
    monkeypatch.setattr(InFour, "last", last, raising=False)
    monkeypatch.setattr(own, "Log", InFour)
    count = len(np.concatenate(np.array_split(driven.frames, 4)[:whole]))
    ticks = int(np.searchsorted(ends_of(driven.frames), count, side="right"))

    outcome = replay(log, driven.fresh())

    assert (outcome.ticks, outcome.mismatches) == (ticks, 0)
    assert any("is damaged: what comes after that" in note for note in outcome.notes) == (
        whole == 2
    )


@pytest.mark.parametrize("name", ["drive.blf", "drive.mf4", "drive.log.gz"])
def test_what_the_recorder_writes_in_parts_replays_whatever_the_format(driven, tmp_path, name):
    log = tmp_path / name
    limits = Limits(part_s=3.0)
    ends = ends_of(driven.frames)
    with Segments(log, 1, limits, None) as segments:
        for first, last in pairwise([0, *ends[::25].tolist(), int(ends[-1])]):
            segments.append(driven.frames[first:last].view(np.ndarray), 10**18)
    assert list(numbered_parts(log)) == [1, 2, 3, 4]
    outcome = replay(log, driven.fresh())
    assert (outcome.ticks, outcome.mismatches, outcome.notes) == (driven.ticks, 0, ())


def test_a_replay_of_another_configuration_differs(driven, log):
    other = driven.fresh()
    other.tables.driver.limits_steer_rate_radps[0] *= 0.1
    assert replay(log, other).mismatches > 0
