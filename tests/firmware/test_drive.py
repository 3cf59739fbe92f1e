"""The host's start, its loop and its end, on a bus that is empty or has a puppet of the car."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import can
import numpy as np
import pytest
from numba import njit

from tianyuan import names
from tianyuan.control.errors import InputError
from tianyuan.control.records import Controller, Mode
from tianyuan.dbc.frame import TX
from tianyuan.drivers.buses import Buses
from tianyuan.firmware import loop
from tianyuan.firmware.accounting import CYCLE, WAKE
from tianyuan.firmware.boot import STAGES, Boot, Unwanted, process_age_s, sealed
from tianyuan.firmware.companion import Companion
from tianyuan.firmware.drive import Terms, drive
from tianyuan.firmware.host import Host, make_host
from tianyuan.firmware.host_record import TICK_ID
from tianyuan.firmware.log_file import part, parts
from tianyuan.firmware.loop_thread import controls
from tianyuan.firmware.racing_line import line_for
from tianyuan.firmware.rehearsal import Puppet, rehearse
from tianyuan.firmware.ring_file import ring_file
from tianyuan.firmware.shared_ring import RingReader

pytestmark = [pytest.mark.compiled, pytest.mark.timed]

MILLION = 1_000_000
PERIOD_NS = 10_000_000


@njit(cache=True)
def allocate(n: int) -> np.ndarray:
    return np.zeros(n)


@pytest.fixture(scope="module")
def path(car):
    return line_for(car, names.track_file("oval"))


@pytest.fixture
def host(car, path) -> Host:
    return make_host(car, path, Controller.STANLEY, PERIOD_NS)


@pytest.fixture(autouse=True)
def bus(rings) -> Iterator[str]:
    directory = tempfile.mkdtemp(prefix="bus-")
    yield f"{directory}/can0"
    shutil.rmtree(directory)


@pytest.mark.parametrize("law", list(Controller))
def test_the_rehearsal_takes_the_loop_through_every_mode(car, path, law):
    host = make_host(car, path, law, PERIOD_NS)
    before = [part.tobytes() for part in (host.sensors, host.command, *host.memory)]
    assert rehearse(host, 0) == set(Mode)
    # And leaves no trace in the host that is going to drive.
    assert [part.tobytes() for part in (host.sensors, host.command, *host.memory)] == before


def a_million_ticks(host, bus):
    """As fast as it goes: so short a period that every deadline is missed."""
    asked, ended = controls(), threading.Event()
    asked.words[loop.LIMIT] = MILLION
    with Buses((bus,), "car") as car:
        puppet = Puppet(host, car)
        puppet.place(0, 0.0)

        def work() -> None:
            while not ended.wait(0.001):
                puppet.speak()

        feeding = threading.Thread(target=work)
        feeding.start()
        result = drive(host, Terms((bus,), period_ns=1000), asked)
        ended.set()
        feeding.join()
    return result


def test_a_million_ticks_allocate_nothing_compile_nothing_and_touch_no_new_page(host, bus):
    """A loop that touches new pages does so every time; a kernel moves locked ones now and then."""
    faults = []
    for _ in range(3):
        result = a_million_ticks(host, bus)
        figures = result.figures()
        assert result.ticks == MILLION
        assert figures["allocations"] == 0
        assert figures["compilations"] == 0
        faults.append(figures["page_faults"])
        if not figures["privileges"]["memory locked"] or faults[-1] == 0:
            break
    else:
        assert 0 in faults
    assert host.memory.received.count.sum() > 1000


def machine_code(kernel) -> bytes:
    """The object code that is kept and loaded, symbols and all, of every variant there is."""
    place = Path(kernel.stats.cache_path)
    return b"".join(file.read_bytes() for file in place.glob(f"*.{kernel.__name__}-*.nbc"))


def test_the_loops_machine_code_knows_no_allocator(host):
    rehearse(host, 0)
    code = machine_code(loop.run)
    assert b"clock_nanosleep" in code
    assert b"NRT_" not in code
    assert b"malloc" not in code


def test_the_machine_code_of_what_allocates_does():
    allocate(1)
    assert b"NRT_" in machine_code(allocate)


def test_what_must_not_happen_is_counted_when_it_does():
    watch = Unwanted()
    with watch.watch():
        njit(allocate.py_func)(3)
    assert watch.compilations > 0
    assert watch.allocations > 0


def test_a_sealed_kernel_refuses_what_it_was_not_compiled_for():
    @njit
    def double(x):
        return 2 * x

    double(1)
    with sealed(double):
        assert double(2) == 4
        with pytest.raises(TypeError):
            double(np.zeros(2))
    assert double(np.ones(2)).sum() == 4.0


def test_every_stage_of_the_start_is_told_with_its_time(host, bus):
    boot = Boot()
    boot.reached("load")
    result = drive(host, Terms((bus,), PERIOD_NS, seconds=0.2), controls(), boot)
    assert tuple(result.boot.seconds) == STAGES
    assert all(seconds >= 0.0 for seconds in result.boot.seconds.values())
    assert sum(result.boot.seconds.values()) == pytest.approx(result.boot.ready_s)
    assert 0.0 < result.boot.ready_s < process_age_s()


def test_the_ring_goes_with_a_host_that_ends_and_the_log_keeps_all(host, bus, tmp_path):
    log = tmp_path / "drive.blf"
    result = drive(host, Terms((bus,), PERIOD_NS, log=log, seconds=0.5), controls())
    assert not ring_file(bus).exists()
    assert list(ring_file(bus).parent.iterdir()) == []
    assert (result.lost, result.parts, result.recorder_starts) == (0, 1, 1)
    assert result.ticks == markers_in(log)


def test_a_recorder_that_is_killed_comes_back_within_two_seconds(host, bus, tmp_path):
    asked, log, seen = controls(), tmp_path / "drive.blf", []

    def watch(elapsed_s: float) -> None:
        marks = ring_file(bus).with_name(ring_file(bus).name + ".marks")
        if not seen and marks.exists():
            os.kill(recorder(), signal.SIGKILL)
            seen.append(elapsed_s)
        if seen and elapsed_s > seen[0] + 4.0:
            asked.stop()

    result = drive(host, Terms((bus,), PERIOD_NS, log=log), asked, None, watch)
    assert (result.recorder_starts, result.parts, result.lost) == (2, 2, 0)


def test_a_recorder_that_is_killed_at_the_very_end_is_started_for_what_is_left(host, bus, tmp_path):
    asked, log = controls(), tmp_path / "drive.log"

    def watch(elapsed_s: float) -> None:
        if elapsed_s > 2.0 and not asked.words[loop.QUIT]:
            os.kill(recorder(), signal.SIGKILL)
            asked.quit()

    result = drive(host, Terms((bus,), PERIOD_NS, log=log), asked, None, watch)
    assert (result.recorder_starts, result.lost) == (2, 0)
    assert markers_in(log) == result.ticks


def test_what_a_full_disk_kept_from_the_log_is_counted(host, bus, tmp_path):
    log = tmp_path / "drive.log"
    log.symlink_to("/dev/full")

    def watch(_: float) -> None:
        for number in range(2, 9):
            if not part(log, number).is_symlink():
                part(log, number).symlink_to("/dev/full")

    result = drive(host, Terms((bus,), PERIOD_NS, log=log, seconds=1.0), controls(), None, watch)
    assert result.lost > result.ticks > 50


def recorder() -> int:
    """The recorder that this process has started, among what earlier tests have started."""
    task = Path("/proc/self/task") / str(threading.main_thread().native_id)
    started = (task / "children").read_text().split()
    programs = {int(pid): Path(f"/proc/{pid}/cmdline").read_bytes() for pid in started}
    (found,) = (pid for pid, words in programs.items() if b"tianyuan.firmware.recorder" in words)
    return found


def markers_in(log: Path) -> int:
    """Ticks in a log, each counted once."""
    seen = set()
    for file in parts(log):
        with can.LogReader(str(file)) as reader:
            seen |= {bytes(m.data) for m in reader if m.arbitration_id == TICK_ID}
    return len(seen)


def test_a_program_that_ends_at_once_is_not_started_without_a_pause():
    companion = Companion(["false"], {0})
    end = time.monotonic() + 2.0
    while time.monotonic() < end:
        companion.look()
        time.sleep(0.01)
    assert 2 <= companion.starts <= 5
    companion.finish(1.0)


def test_a_program_that_does_not_end_is_killed():
    companion = Companion(["sleep", "600"], {0})
    companion.look()
    assert companion.starts == 1
    companion.finish(0.1)
    with pytest.raises(ProcessLookupError):
        os.kill(companion.pid, 0)


def test_a_second_host_is_refused_while_the_first_one_drives(car, path, host, bus):
    asked, refused = controls(), []
    other = make_host(car, path, Controller.STANLEY, PERIOD_NS)

    def watch(_: float) -> None:
        if not refused:
            with pytest.raises(InputError) as caught:
                drive(other, Terms((bus,), PERIOD_NS), controls())
            refused.append(caught.value)
            asked.stop()

    drive(host, Terms((bus,), PERIOD_NS), asked, None, watch)
    assert "a host drives on it already" in str(refused[0])
    assert other.memory.driver.t_ns[0] == 0


@pytest.mark.parametrize("early_ns", [0, 200_000])
def test_no_tick_begins_before_its_deadline(host, bus, early_ns):
    asked = controls()
    reader = []

    def watch(elapsed_s: float) -> None:
        if not reader:
            reader.append(RingReader(ring_file(bus)))
        if elapsed_s > 1.0:
            asked.stop()

    result = drive(host, Terms((bus,), PERIOD_NS, early_ns=early_ns), asked, None, watch)
    frames = reader[0].take()
    markers = frames[(frames["can_id"] == 0x700) & (frames["reserved"] == TX)]
    apart = np.diff(markers["t_ns"])
    assert len(markers) == result.ticks
    # Each tick is at or after a multiple of the period from the first deadline on.
    phase = (markers["t_ns"] - markers["t_ns"][0] + PERIOD_NS // 2) % PERIOD_NS - PERIOD_NS // 2
    assert (apart > 0).all()
    assert np.median(np.abs(phase)) < PERIOD_NS / 20
    assert result.accounts.bins[WAKE].sum() == result.accounts.bins[CYCLE].sum() == result.ticks


def test_what_goes_wrong_beside_the_loop_ends_the_loop(host, bus):
    def fail(_: float) -> None:
        raise RuntimeError("the terminal is gone")

    with pytest.raises(RuntimeError, match="the terminal is gone"):
        drive(host, Terms((bus,), PERIOD_NS), controls(), None, fail)
    assert not any(thread.name == "loop" for thread in threading.enumerate())
