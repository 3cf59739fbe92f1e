"""Logs of our own replay to the bit; where they do not, the first difference is shown by name."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from tests.hil.replay.conftest import TICKS
from tianyuan.control.errors import InputError
from tianyuan.dbc.frame import TX, frames
from tianyuan.drivers.logs import text
from tianyuan.drivers.logs.log import Log
from tianyuan.firmware.host_record import GAP_ID, HOST_CHANNEL, SNAPSHOT_ID, TICK_ID
from tianyuan.firmware.log_file import Limits, numbered_parts
from tianyuan.firmware.recording.segments import Segments
from tianyuan.hil.replay import own, read_ticks, replay
from tianyuan.hil.replay.difference import Names, around, changed_signals

pytestmark = pytest.mark.compiled


def ends_of(kept: np.ndarray) -> np.ndarray:
    """Where each tick's frames end."""
    return np.flatnonzero((kept["can_id"] == TICK_ID) & (kept["reserved"] == TX)) + 1


def test_every_frame_of_a_drive_comes_out_again(driven, log):
    again = driven.fresh()
    outcome = replay(log, again)
    assert (outcome.ticks, outcome.mismatches, outcome.gaps) == (driven.ticks, 0, ())
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


def gap_of(lost: int, t_ns: int) -> np.recarray:
    made = frames(1)
    made.can_id, made.length, made.channel, made.reserved = GAP_ID, 4, HOST_CHANNEL, TX
    made.payload[0, :4] = list(lost.to_bytes(4, "little"))
    made.t_ns = t_ns
    return made


def with_gaps(driven, *pieces: tuple[int, int]) -> np.ndarray:
    """The frames of the pieces, in ticks, with 77 lost at the end of each but the last."""
    ends = [0, *ends_of(driven.frames)]
    kept = []
    for first, last in pieces:
        piece = driven.frames[ends[first] : ends[last]]
        kept += [piece, gap_of(77, int(piece.t_ns[-1]))]
    return np.concatenate(kept[:-1])


def test_after_a_gap_it_goes_on_with_the_hosts_next_state(driven, tmp_path):
    kept = with_gaps(driven, (0, 400), (450, TICKS))
    again = driven.fresh()
    outcome = replay(driven.write(tmp_path / "gap.blf", kept), again)
    assert (outcome.ticks, outcome.mismatches) == (400 + TICKS - 501, 0)
    assert outcome.gaps == ((400, 77, pytest.approx(1.01)),)
    assert again.memory.driver.tobytes() == driven.host.memory.driver.tobytes()


def test_a_gap_that_no_state_follows_ends_what_is_compared_and_is_told(driven, tmp_path):
    ends = ends_of(driven.frames)
    late = driven.frames[ends[500] :]
    kept = np.concatenate(
        (driven.frames[: ends[400] - 3], gap_of(77, 0), late[late["can_id"] != SNAPSHOT_ID])
    )
    outcome = replay(driven.write(tmp_path / "gap.blf", kept), driven.fresh())
    assert (outcome.ticks, outcome.mismatches) == (400, 0)
    assert outcome.gaps == ((400, 77, None),)
    assert outcome.notes[-1].endswith("what comes after it is not compared")


@pytest.mark.parametrize("block", [50, 700, 1 << 16])
def test_gaps_one_after_the_other_are_one_until_a_state_comes_whole(
    driven, tmp_path, monkeypatch, block
):
    monkeypatch.setattr(text, "BLOCK", block)  # so that states are cut by blocks, too
    kept = with_gaps(driven, (0, 200), (250, 300), (310, 350), (390, 700), (702, TICKS))
    outcome = replay(driven.write(tmp_path / "gap.log", kept), driven.fresh())
    compared = 200 + (700 - 401) + (TICKS - 801)
    assert (outcome.ticks, outcome.mismatches) == (compared, 0)
    assert [gap[:2] for gap in outcome.gaps] == [(200, 3 * 77), (200 + 700 - 401, 77)]


def test_a_state_of_another_host_is_not_gone_on_with(driven, tmp_path):
    kept = with_gaps(driven, (0, 400), (450, TICKS)).view(np.recarray)
    kept.payload[kept.can_id == SNAPSHOT_ID, 4] ^= 1
    outcome = replay(driven.write(tmp_path / "gap.blf", kept), driven.fresh())
    assert (outcome.ticks, outcome.gaps) == (400, ((400, 77, None),))


def test_a_log_that_begins_with_a_gap_begins_with_its_first_state_or_is_refused(driven, tmp_path):
    """As of a recorder that was started while the host drove."""
    late = driven.frames[ends_of(driven.frames)[130] :]
    kept = np.concatenate((gap_of(77, 0), late))
    outcome = replay(driven.write(tmp_path / "late.blf", kept), driven.fresh())
    assert (outcome.ticks, outcome.mismatches) == (TICKS - 201, 0)
    assert outcome.gaps == ((0, 77, 0.0),)
    stateless = kept[kept["can_id"] != SNAPSHOT_ID]
    with pytest.raises(InputError, match="77 frames are missing at its beginning; no state"):
        replay(driven.write(tmp_path / "late.blf", stateless), driven.fresh())


def test_a_tick_written_again_in_the_next_part_counts_once(driven, tmp_path):
    ends = ends_of(driven.frames)
    log = driven.write(tmp_path / "drive.blf", driven.frames[: ends[600] - 2])
    driven.write(tmp_path / "drive.2.blf", driven.frames[ends[550] :])
    assert len(list(read_ticks(log))) == driven.ticks
    outcome = replay(log, driven.fresh())
    assert (outcome.ticks, outcome.mismatches) == (driven.ticks, 0)


def test_a_log_whose_beginning_was_dropped_begins_with_its_first_state(driven, tmp_path):
    ends = ends_of(driven.frames)
    log = tmp_path / "drive.blf"
    driven.write(log, driven.frames[: ends[-1]])
    log.unlink()
    driven.write(tmp_path / "drive.3.blf", driven.frames[ends[250] :])
    again = driven.fresh()
    outcome = replay(log, again)
    assert (outcome.ticks, outcome.mismatches) == (TICKS - 301, 0)
    assert outcome.gaps == ((0, 0, 0.0),)
    assert outcome.notes == ("what was before drive.3.blf is missing",)
    assert again.memory.driver.tobytes() == driven.host.memory.driver.tobytes()


def test_a_log_with_a_hole_goes_on_after_it_and_without_a_state_ends_there(driven, tmp_path):
    ends = ends_of(driven.frames)
    log = driven.write(tmp_path / "drive.blf", driven.frames[: ends[100]])
    late = driven.frames[ends[220] :]
    driven.write(tmp_path / "drive.3.blf", late)
    outcome = replay(log, driven.fresh())
    assert (outcome.ticks, outcome.mismatches) == (101 + TICKS - 301, 0)
    assert (outcome.gaps[0].tick, outcome.notes[0]) == (101, "drive.2.blf is missing")
    driven.write(tmp_path / "drive.3.blf", late[late["can_id"] != SNAPSHOT_ID])
    assert replay(log, driven.fresh()).ticks == 101
    log.unlink()
    with pytest.raises(InputError, match=r"before drive\.3\.blf is missing; no state"):
        replay(log, driven.fresh())


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
def test_a_log_damaged_in_its_middle_is_compared_around_it(driven, log, monkeypatch, last, whole):
    """What comes last may be cut off, and is whole up to there."""
    monkeypatch.setattr(InFour, "last", last, raising=False)
    monkeypatch.setattr(own, "Log", InFour)
    count = len(np.concatenate(np.array_split(driven.frames, 4)[:whole]))
    ticks = int(np.searchsorted(ends_of(driven.frames), count, side="right"))

    outcome = replay(log, driven.fresh())

    assert outcome.mismatches == 0
    if whole == 2:
        assert [gap.tick for gap in outcome.gaps] == [ticks]
        assert any(note.endswith(f"is damaged about tick {ticks}") for note in outcome.notes)
        assert ticks < outcome.ticks < driven.ticks * 3 // 4
    else:
        assert (outcome.ticks, outcome.gaps) == (ticks, ())


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
    log.unlink()
    outcome = replay(log, driven.fresh())
    assert TICKS // 2 < outcome.ticks < TICKS - 300
    assert outcome.mismatches == 0


def test_a_replay_of_another_configuration_differs(driven, log):
    other = driven.fresh()
    other.tables.driver.limits_steer_rate_radps[0] *= 0.1
    assert replay(log, other).mismatches > 0
