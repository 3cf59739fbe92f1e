"""Host, guard and rig in real time over the local bus, and the replay of what was recorded.

One drive of a few seconds serves most tests; it runs at 100 ticks a second, so that a busy
machine misses no three deadlines in a row.
"""

from __future__ import annotations

import itertools
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import can
import numpy as np
import pytest

from tianyuan import names
from tianyuan.control.errors import InputError
from tianyuan.control.records import Cause, Controller, Mode
from tianyuan.firmware.car_file import load_car
from tianyuan.firmware.drive import Drive, Terms, drive
from tianyuan.firmware.guard.process import guard as run_guard
from tianyuan.firmware.host import Host, make_host
from tianyuan.firmware.host_record import TICK_ID
from tianyuan.firmware.loop_thread import controls
from tianyuan.firmware.run_card import read_card, write_card
from tianyuan.hil import virtual
from tianyuan.hil.life import Life
from tianyuan.hil.realtime import drive_rig
from tianyuan.hil.replay import read_ticks, replay

pytestmark = [pytest.mark.compiled, pytest.mark.timed]

RATE_HZ = 100
PERIOD_NS = 1_000_000_000 // RATE_HZ
SECONDS = 6.0
PATIENCE_S = 30.0


class Driven(NamedTuple):
    """A drive that is over: the car, its log, and what host and rig left behind."""

    car: object
    log: Path
    result: Drive
    host: Host
    life: Life
    stopped: float  # seconds from the wish to stop to the end


@pytest.fixture(scope="module")
def eager(tmp_path_factory):
    """The shipped car, without its five seconds of dwell."""
    file = tmp_path_factory.mktemp("car") / "tianyuan.toml"
    shipped = names.car_file("tianyuan").read_text()
    file.write_text(shipped + "\n[supervisor]\nready_dwell_s = 0.0\n")
    return load_car(file)


@pytest.fixture
def bus() -> Iterator[str]:
    """A new directory; pytest's own are too long for a socket's path."""
    directory = tempfile.mkdtemp(prefix="bus-")
    yield f"{directory}/can0"
    shutil.rmtree(directory)


@pytest.fixture(scope="module")
def driven(eager, oval, tmp_path_factory) -> Driven:
    folder = Path(tempfile.mkdtemp(prefix="bus-"))
    log = tmp_path_factory.mktemp("run") / "drive.blf"
    host = make_host(eager, oval, Controller.STANLEY, PERIOD_NS)
    world = virtual.make_rig(eager, names.vehicle_file("tianyuan"), host, 1)
    life = virtual.birth(world, host, 5)
    end, asked, when = threading.Event(), controls(), []

    def card(beside: Path, wall_ns: int) -> None:
        write_card(beside, eager, oval, Controller.STANLEY, RATE_HZ, wall_ns)

    def stop_in_time(elapsed: float) -> None:
        if elapsed > PATIENCE_S or (life.host.speed_mps[0] > 0 and elapsed > SECONDS):
            when.append(time.monotonic())
            asked.stop()

    guard = virtual.make_guard(eager, host)
    guard_thread = threading.Thread(target=run_guard, args=(*guard, (str(folder / "can0"),), end))
    rig_thread = threading.Thread(
        target=drive_rig, args=(world, life, (str(folder / "can0"),), None, None, end)
    )
    rig_thread.start()
    guard_thread.start()
    while rig_thread.is_alive() and life.history["count"][0] == 0:
        time.sleep(0.05)  # it compiles
    try:
        terms = Terms((str(folder / "can0"),), PERIOD_NS, log=log, card=card)
        result = drive(host, terms, asked, progress=stop_in_time)
    finally:
        stopped = time.monotonic() - (when or [time.monotonic()])[0]
        time.sleep(0.3)
        end.set()
        rig_thread.join()
        guard_thread.join()
        shutil.rmtree(folder)
    return Driven(eager, log, result, host, life, stopped)


def test_the_car_drives_along_the_line_and_stands_when_asked_to_stop(driven):
    rows = driven.life.rows[: driven.life.written[0]]
    assert rows.speed_mps.max() > 5.0
    assert np.abs(rows.cross_track_m).max() < 0.5
    assert rows.edge_margin_m.min() > 0
    assert driven.host.memory.driver.speed_mps[0] < 0.5
    assert abs(rows.speed_mps[-1]) < 0.5
    assert driven.host.memory.driver.mode[0] in (Mode.CONTROLLED_STOP, Mode.OFF)
    assert Cause.SHUTDOWN in set(rows.cause)
    assert 0.5 < driven.stopped < 10.0


def test_every_tick_is_accounted_for(driven):
    result = driven.result
    assert result.ticks == result.accounts.bins[-1].sum()
    # The thread's privileges and the last look at it take some of the seconds.
    assert 0 <= result.seconds * RATE_HZ - result.ticks - result.overruns < 2 * RATE_HZ
    assert result.accounts.missed.sum() == result.overruns
    assert result.lost == 0
    figures = result.figures()
    assert figures["wake_us"]["p50"] > 0
    assert set(figures["privileges"]) >= {"memory locked", "real-time priority"}


def fresh(driven: Driven) -> Host:
    return make_host(driven.car, driven.host.path, Controller.STANLEY, PERIOD_NS)


def test_the_log_holds_every_tick(driven):
    ticks = list(read_ticks(driven.log))
    assert len(ticks) == driven.result.ticks
    times = np.array([t_ns for t_ns, _, _ in ticks])
    assert (np.diff(times) > 0).all()
    assert sum(came.size for _, came, _ in ticks) > 100


def test_replay_gives_every_frame_bit_for_bit(driven, tmp_path):
    outcome = replay(driven.log, fresh(driven))
    assert (outcome.ticks, outcome.mismatches) == (driven.result.ticks, 0)
    assert outcome.first_mismatch is None
    assert outcome.seconds == pytest.approx(driven.result.seconds, abs=2.0)
    card = read_card(driven.log, tmp_path)
    again = make_host(card.car, card.path, card.controller, 1_000_000_000 // card.rate_hz)
    assert replay(driven.log, again).mismatches == 0
    assert again.memory.driver.tobytes() == driven.host.memory.driver.tobytes()


def test_a_log_without_its_beginning_replays_from_the_state_that_the_loop_added(driven, tmp_path):
    with (
        can.LogReader(str(driven.log)) as reader,
        can.Logger(str(tmp_path / "drive.2.blf")) as writer,
    ):
        for message in itertools.islice(reader, 5000, None):
            writer.on_message_received(message)
    again = fresh(driven)
    outcome = replay(tmp_path / "drive.blf", again)
    assert driven.result.ticks // 2 < outcome.ticks < driven.result.ticks
    assert outcome.mismatches == 0
    assert again.memory.driver.tobytes() == driven.host.memory.driver.tobytes()


def rewritten(driven: Driven, file: Path, spoil, ending: str = ".blf") -> Path:
    """A copy of the log with one message changed by ``spoil(index, message)``."""
    with can.LogReader(str(driven.log)) as reader, can.Logger(str(file.with_suffix(ending))) as out:
        for index, message in enumerate(reader):
            spoil(index, message)
            out.on_message_received(message)
    return file.with_suffix(ending)


@pytest.mark.parametrize("ending", [".asc", ".log"])
def test_every_format_replays(driven, tmp_path, ending):
    log = rewritten(driven, tmp_path / "drive", lambda *_: None, ending)
    outcome = replay(log, fresh(driven))
    assert (outcome.ticks, outcome.mismatches) == (driven.result.ticks, 0)


@pytest.mark.parametrize("rx", [True, False])
def test_one_bit_flipped_in_one_frame_is_found_with_its_tick(driven, tmp_path, rx):
    state = {"ticks": 0, "wanted": None}

    def spoil(_, message) -> None:
        if message.arbitration_id == TICK_ID:
            state["ticks"] += 1
        # A steering command that went out, or the position that decides the next ones.
        wanted = 0x100 if rx else 0x080
        if state["ticks"] > 300 and message.arbitration_id == wanted and state["wanted"] is None:
            data = bytearray(message.data)
            data[2] ^= 1
            message.data = data
            state["wanted"] = state["ticks"]

    outcome = replay(rewritten(driven, tmp_path / "spoilt", spoil), fresh(driven))
    assert outcome.mismatches >= 1
    first = outcome.first_mismatch
    if rx:  # the CRC no longer fits: refused, and the position is that of the frame before
        assert state["wanted"] <= first.tick <= state["wanted"] + 3
    else:
        assert outcome.mismatches == 1
        assert first.tick == state["wanted"]
        assert first.recorded.startswith("80#")
        assert first.replayed.startswith("80#")
        assert first.recorded != first.replayed


def test_a_frame_missing_from_the_log_is_found(driven, tmp_path):
    cut = tmp_path / "cut.blf"
    dropped = False
    with can.LogReader(str(driven.log)) as reader, can.Logger(str(cut)) as out:
        for index, message in enumerate(reader):
            if index > 2000 and message.arbitration_id == 0x081 and not dropped:
                dropped = True
                continue
            out.on_message_received(message)
    outcome = replay(cut, fresh(driven))
    assert outcome.mismatches > 0


@pytest.mark.parametrize("keep", [0, 10, 200, 0.5, 0.99])
def test_a_log_cut_off_or_garbled_is_refused_or_replayed_as_far_as_it_goes(driven, tmp_path, keep):
    whole = driven.log.read_bytes()
    log = tmp_path / "cut.blf"
    log.write_bytes(whole[: int(keep * len(whole)) if isinstance(keep, float) else keep])
    try:
        outcome = replay(log, fresh(driven))
    except InputError as error:
        assert str(log) in str(error)
        assert "\n" not in str(error)
    else:
        assert outcome.mismatches == 0
        assert 0 < outcome.ticks < driven.result.ticks


@pytest.mark.parametrize("name", ["log.blf", "log.asc", "log.log", "log.xyz", "log.csv"])
@pytest.mark.parametrize("content", [b"", b"nonsense\n\x00\xff 7\n", b"LOGG" + bytes(500)])
def test_what_is_no_log_is_refused_in_one_line(driven, tmp_path, name, content):
    log = tmp_path / name
    log.write_bytes(content)
    with pytest.raises(InputError) as caught:
        replay(log, fresh(driven))
    assert str(log) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_log_without_ticks_of_ours_is_refused(driven, tmp_path):
    log = tmp_path / "foreign.blf"
    with can.Logger(str(log)) as out:
        for i in range(2000):
            out.on_message_received(can.Message(arbitration_id=TICK_ID, data=bytes(8), timestamp=i))
    with pytest.raises(InputError, match="no tick of ours"):
        replay(log, fresh(driven))


def test_more_frames_in_a_tick_than_the_loop_takes_are_no_log_of_ours(driven, tmp_path):
    log = tmp_path / "flood.blf"
    with can.Logger(str(log)) as out:
        for i in range(2000):
            out.on_message_received(can.Message(arbitration_id=5, data=bytes(8), timestamp=i))
        out.on_message_received(
            can.Message(arbitration_id=TICK_ID, data=bytes(8), timestamp=i, is_rx=False)
        )
    with pytest.raises(InputError, match=str(log)):
        replay(log, fresh(driven))


@pytest.mark.parametrize("name", ["none/run.blf", "run.xyz"])
def test_a_log_that_cannot_be_written_ends_the_drive_before_it_begins(
    eager, oval, bus, tmp_path, name
):
    host = make_host(eager, oval, Controller.STANLEY, PERIOD_NS)
    with pytest.raises(InputError):
        drive(host, Terms((bus,), PERIOD_NS, log=tmp_path / name, seconds=0.1), controls())
    assert host.memory.driver.t_ns[0] == 0


def test_a_host_without_a_rig_ends_when_asked(eager, oval, bus):
    host = make_host(eager, oval, Controller.STANLEY, PERIOD_NS)
    result = drive(host, Terms((bus,), PERIOD_NS, seconds=0.3), controls())
    assert 0.2 < result.seconds < 3.0
    assert host.memory.driver.mode[0] == Mode.OFF
