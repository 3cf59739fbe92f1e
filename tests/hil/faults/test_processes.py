"""Faults of processes, on stand-ins that are called as the real ones: found, hit, let go."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tianyuan.control.errors import InputError
from tianyuan.hil.faults import interpreter, memory, processes, wall_clock

SLEEP = [sys.executable, "-S", "-c", "import time; time.sleep(60)"]
WORDS = {
    "host": ["tianyuan", "drive", "--log", "guard.blf"],
    "guard": ["tianyuan", "guard"],
    "recorder": ["-m", "tianyuan.firmware.recorder", "ring", "drive.blf"],
}
Cast = dict[str, subprocess.Popen]


def until(wanted: Callable[[], bool], seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while not wanted() and time.monotonic() < end:
        time.sleep(0.005)
    return wanted()


@pytest.fixture
def cast() -> Iterator[Cast]:
    """A host, a guard and a recorder below this process, all asleep."""
    made = {role: subprocess.Popen([*SLEEP, *words]) for role, words in WORDS.items()}
    assert until(lambda: all(processes.find(os.getpid(), role) for role in WORDS))
    yield made
    for process in made.values():
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        process.wait()


def test_each_role_is_found_and_no_other(cast):
    for role, process in cast.items():
        assert processes.find(os.getpid(), role) == [process.pid]
    assert processes.find(os.getpid(), "rig") == []
    with pytest.raises(InputError, match="no rig below process"):
        processes.kill(os.getpid(), "rig")


def test_a_recorder_is_found_below_its_host(cast):
    script = f"import subprocess; subprocess.run({[*SLEEP, *WORDS['recorder']]!r})"
    with subprocess.Popen([sys.executable, "-S", "-c", script, *WORDS["host"]]) as host:
        assert until(lambda: processes.find(host.pid, "recorder") != [])
        (recorder,) = processes.find(host.pid, "recorder")
        assert recorder in processes.find(os.getpid(), "recorder")
        processes.kill(host.pid, "recorder")
        assert host.wait(10) == 0


@pytest.mark.parametrize("role", WORDS)
def test_a_kill_and_a_request_to_end_hit_the_one_that_was_meant(role, cast):
    processes.kill(os.getpid(), role)
    assert cast[role].wait(10) == -9
    others = [process for other, process in cast.items() if other != role]
    assert [process.poll() for process in others] == [None, None]


def test_a_request_to_end_is_one(cast):
    processes.terminate(os.getpid(), "host")
    assert cast["host"].wait(10) == -15


def test_a_stop_lasts_as_long_as_it_was_asked_to(cast):
    pid = cast["host"].pid
    with processes.stopped(os.getpid(), "host") as pids:
        assert pids == [pid]
        assert until(lambda: processes.state_of(pid) == "T")
    assert until(lambda: processes.state_of(pid) == "S")


def test_overruns_stop_the_host_once_a_tick_and_let_it_go(cast):
    pid, seen = cast["host"].pid, set()
    worker = threading.Thread(target=processes.overrun, args=(os.getpid(), 3, 0.05))
    worker.start()
    while worker.is_alive():
        seen.add(processes.state_of(pid))
        time.sleep(0.001)
    assert "T" in seen
    assert until(lambda: processes.state_of(pid) == "S")


def test_hogs_are_one_a_cpu_and_gone_afterwards():
    cpus = os.sched_getaffinity(0)
    with processes.hogged(cpus) as pids:
        assert len(pids) == len(cpus)
        assert until(lambda: {frozenset(os.sched_getaffinity(pid)) for pid in pids}
                     == {frozenset({cpu}) for cpu in cpus})  # fmt: skip
        assert until(lambda: all(processes.state_of(pid) == "R" for pid in pids))
    assert all(processes.state_of(pid) == "" for pid in pids)


def test_out_of_memory_takes_the_recorder_first_and_leaves_the_host(cast):
    recorder, host = cast["recorder"], cast["host"]
    try:
        Path(f"/proc/{recorder.pid}/oom_score_adj").write_text("1000")  # as the recorder does
        with memory.short_of_memory([recorder.pid, host.pid], 8):
            assert recorder.wait(20) == -9
            time.sleep(0.1)
            assert host.poll() is None
    except InputError as error:
        pytest.skip(str(error))


def test_out_of_memory_spares_a_host_that_is_the_largest_of_all(cast):
    recorder = cast["recorder"]
    large = "held = b'x' * (64 << 20); import time; time.sleep(60)"
    with subprocess.Popen([sys.executable, "-S", "-c", large]) as host:
        try:
            assert until(lambda: memory._held_mib(host.pid) > 64)
            Path(f"/proc/{recorder.pid}/oom_score_adj").write_text("1000")
            with memory.short_of_memory([recorder.pid, host.pid], 8):
                assert recorder.wait(20) == -9
                time.sleep(0.1)
                assert host.poll() is None
        except InputError as error:
            pytest.skip(str(error))
        finally:
            host.kill()


def test_the_collector_and_the_compiler_work_in_this_process_until_they_are_told_to_end():
    for how in ("collection", "compilation"):
        with interpreter.at_work(how) as done:
            assert until(lambda done=done: done[0] >= 2, 60.0)
        count = done[0]
        time.sleep(0.01)
        assert done[0] == count


@pytest.mark.socketcan  # in the guest, whose clock is its own
def test_the_wall_clock_jumps_and_monotonic_time_does_not():
    if "User Mode Linux" not in Path("/proc/cpuinfo").read_text():
        pytest.skip("this machine's clock is not ours to set")
    before, steady = time.time(), time.monotonic()
    with wall_clock.jumped(3600.0):
        assert 3590 < time.time() - before < 3660
        assert time.monotonic() - steady < 60
    assert abs(time.time() - before) < 60
