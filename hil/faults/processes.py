"""Faults of processes in real time: the host's, the guard's, the recorder's.

They are found as those that the runner has started, below its own process.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from tianyuan.control.errors import InputError
from tianyuan.hil.faults.interpreter import again_and_again

# A word of each one's command line, beside the program's name.
ROLES: Final = {
    "host": "drive",
    "guard": "guard",
    "rig": "rig",
    "recorder": "tianyuan.firmware.recorder",
}
PROGRAM: Final = "tianyuan"
RELEASED: Final = 0.1  # of a period: for so long a host that overruns may run
HELD: Final = 2.6
_HOG: Final = "import os\nos.sched_setaffinity(0, {%d})\nwhile True: pass\n"


def children_of(parent: int) -> list[int]:
    """The child processes of a process; none where it has ended."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{parent}/task").iterdir():
            with contextlib.suppress(OSError):
                found += map(int, (task / "children").read_text().split())
    return found


def words_of(pid: int) -> list[str]:
    """The command line of a process; nothing where it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []


def state_of(pid: int) -> str:
    """R, S, D, T or Z as the kernel has it; nothing where the process has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def find(runner: int, role: str) -> list[int]:
    """The processes of a role below a runner's, children of children included."""
    waiting, found = children_of(runner), list[int]()
    while waiting:
        pid = waiting.pop()
        words = words_of(pid)
        if ROLES[role] in words and any(PROGRAM in word for word in words):
            found.append(pid)
        waiting += children_of(pid)
    return sorted(found)


def found(runner: int, role: str) -> list[int]:
    """As ``find``; raises InputError where there is none."""
    pids = find(runner, role)
    if not pids:
        raise InputError(f"no {role} below process {runner}; start it before its fault")
    return pids


def _send(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def kill(runner: int, role: str) -> None:
    """Kill, as a crash does: nothing is tidied up."""
    _send(found(runner, role), signal.SIGKILL)


def terminate(runner: int, role: str) -> None:
    """Ask to end, as a supervisor of services does."""
    _send(found(runner, role), signal.SIGTERM)


@contextmanager
def stopped(runner: int, role: str) -> Iterator[list[int]]:
    """Stopped inside a ``with``, and let go after it."""
    pids = found(runner, role)
    _send(pids, signal.SIGSTOP)
    try:
        yield pids
    finally:
        _send(pids, signal.SIGCONT)


def overrun(runner: int, ticks: int, period_s: float) -> None:
    """Make the host miss the deadlines of so many ticks in a row, and each time tick once.

    The phase is not known, so more may be missed; never fewer, where the signal finds a CPU.
    """
    for _ in range(ticks):
        with stopped(runner, "host"):
            time.sleep(HELD * period_s)
        time.sleep(RELEASED * period_s)


@contextmanager
def hogged(cpus: set[int]) -> Iterator[list[int]]:
    """Somebody of normal priority on each of these CPUs, who takes all that is left of it."""
    with ExitStack() as stack:
        yield [stack.enter_context(_hog(cpu)).pid for cpu in sorted(cpus)]


@contextmanager
def _hog(cpu: int) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-S", "-c", _HOG % cpu])
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def killed_again_and_again(runner: int, role: str, every_s: float) -> Iterator[list[int]]:
    """Kill the processes of a role whenever they are back; the killed are listed."""
    killed = list[int]()

    def kill() -> None:
        pids = find(runner, role)
        _send(pids, signal.SIGKILL)
        killed.extend(pids)

    with again_and_again(kill, every_s):
        yield killed
