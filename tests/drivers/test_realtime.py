from __future__ import annotations

import gc
import os
import re
import resource
from pathlib import Path

import pytest

from tianyuan.control.errors import InputError
from tianyuan.drivers.realtime import real_time

ROWS = [
    "garbage frozen",
    "memory locked",
    "thread pinned",
    "CPU kept awake",
    "spared when memory runs out",
    "real-time priority",
]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="takes privileges")


def locked_kib() -> int:
    return int(re.search(r"VmLck:\s*(\d+)", Path("/proc/self/status").read_text())[1])


def a_cpu() -> int:
    return max(os.sched_getaffinity(0))


def in_a_child(fork, work) -> None:
    """Run in a process of its own, so that limits and privileges come back."""
    child = fork(work)
    child.join(30)
    assert child.exitcode == 0


@as_root
def test_each_step_is_taken_and_verified_and_undone_after(fork):
    def work() -> None:
        gc.unfreeze()  # the front door froze its imports, where an earlier test came through it
        before = os.sched_getaffinity(0), os.sched_getscheduler(0), gc.get_freeze_count()
        cpu = a_cpu()

        with real_time(cpu, 42) as steps:
            assert [step.name for step in steps] == ROWS
            assert os.sched_getaffinity(0) == {cpu}
            assert os.sched_getparam(0).sched_priority == 42
            assert os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK == os.SCHED_FIFO
            assert locked_kib() > 10_000
            assert gc.get_freeze_count() > before[2]
            for step in steps:
                assert step.ok == (step.remedy == "")
                # A virtual machine may have no idle states, a container not every capability.
                assert step.ok or step.name in {"CPU kept awake", "spared when memory runs out"}

        after = os.sched_getaffinity(0), os.sched_getscheduler(0), gc.get_freeze_count()
        assert after == before
        assert locked_kib() == 0

    in_a_child(fork, work)


@as_root
def test_without_privileges_it_says_what_is_lost_and_goes_on(fork):
    def work() -> None:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (65536, 65536))
        resource.setrlimit(resource.RLIMIT_RTPRIO, (0, 0))
        os.setgid(65534)
        os.setuid(65534)
        cpu = a_cpu()

        with real_time(cpu, 80) as steps:
            rows = {step.name: step for step in steps}

        assert list(rows) == ROWS
        assert rows["garbage frozen"].ok and rows["thread pinned"].ok
        lost = [rows[name] for name in ("memory locked", "real-time priority", "CPU kept awake")]
        assert not any(step.ok for step in lost)
        assert "LimitMEMLOCK" in lost[0].remedy
        assert "policy 0, priority 0 (Operation not permitted)" in lost[1].found
        assert "LimitRTPRIO=80" in lost[1].remedy
        assert "udev" in lost[2].remedy or "processor" in lost[2].remedy
        assert os.sched_getscheduler(0) == os.SCHED_OTHER

    in_a_child(fork, work)


def test_a_cpu_that_is_not_there_is_a_row_that_is_not_ok(fork):
    def work() -> None:
        gc.unfreeze()  # the front door froze its imports, where an earlier test came through it
        before = os.sched_getaffinity(0)
        with real_time(1000, 1) as steps:
            pinned = next(step for step in steps if step.name == "thread pinned")
            assert not pinned.ok
            assert pinned.wanted == "CPU 1000"
            assert "Invalid argument" in pinned.found
            assert os.sched_getaffinity(0) == before

    in_a_child(fork, work)


def test_a_thread_may_stay_unpinned(fork):
    def work() -> None:
        with real_time(None, 1) as steps:
            assert "thread pinned" not in [step.name for step in steps]

    in_a_child(fork, work)


@pytest.mark.parametrize("priority", [0, 100, -5])
def test_a_priority_out_of_bounds_is_refused(priority):
    with (
        pytest.raises(InputError, match=f"priority {priority}: not 1 to 99"),
        real_time(None, priority),
    ):
        pass
