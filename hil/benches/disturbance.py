"""What must not cost the loop a deadline.

A hog on its CPU, readers that never read, a recorder that dies again and again, a full disk.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from tianyuan.drivers.port import open_port
from tianyuan.firmware.bus_names import host_bus

KILL_EVERY_S: Final = 5.0
DISK_BYTES: Final = 64 << 10  # full after a second or two of a log
LOG: Final = "drive.blf"
RECORDER: Final = "recorder"  # in the name or the command line of the recorder's process
_HOG: Final = "import os\nos.sched_setaffinity(0, {%d})\nwhile True: pass\n"

Pids = Callable[[], list[int]]


class Disturbed(NamedTuple):
    """A disturbance that is going on: where to log to, and what is done."""

    log: Path
    figures: dict[str, Any]


@contextmanager
def disturbance(bus: str, cpu: int, folder: Path, recorders: Pids) -> Iterator[Disturbed]:
    """Disturb the host on ``bus``, whose loop runs on ``cpu``, inside a ``with``.

    ``recorders`` gives the processes to kill every five seconds. ``figures`` are complete
    after the ``with``.
    """
    with ExitStack() as stack:
        for each in (bus, host_bus(bus)):
            stack.enter_context(open_port(each, "never-reads"))
        stack.enter_context(_hog(cpu))
        place, disk = stack.enter_context(full_disk(folder))
        kills = stack.enter_context(_killing(recorders, KILL_EVERY_S))
        figures: dict[str, Any] = {"hog_cpu": cpu, "never_read": 2, "disk": disk}
        yield Disturbed(place / LOG, figures)
        figures["recorder_kills"] = len(kills)


@contextmanager
def _hog(cpu: int) -> Iterator[None]:
    """Somebody who takes all of the loop's CPU that the loop leaves, at normal priority."""
    process = subprocess.Popen([sys.executable, "-S", "-c", _HOG % cpu])
    try:
        yield
    finally:
        process.kill()
        process.wait()


@contextmanager
def full_disk(folder: Path) -> Iterator[tuple[Path, str]]:
    """A folder whose disk is soon full, and what it is: small where we may mount, else none."""
    place = folder / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "none", str(place)]
    try:
        mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        (place / LOG).symlink_to("/dev/full")
    try:
        yield place, f"tmpfs of {DISK_BYTES >> 10} KiB" if mounted else "/dev/full"
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(place)], check=False)


@contextmanager
def _killing(pids: Pids, every_s: float) -> Iterator[list[int]]:
    """Kill the processes that ``pids`` gives again and again; the killed are listed."""
    ended, killed = threading.Event(), list[int]()

    def work() -> None:
        while not ended.wait(every_s):
            for pid in pids():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    killed.append(pid)

    thread = threading.Thread(target=work, name="killer", daemon=True)
    thread.start()
    try:
        yield killed
    finally:
        ended.set()
        thread.join()


def recorders_of(host: int) -> list[int]:
    """The recorders among a host's child processes, by their name or command line."""
    return [pid for pid in _children(host) if RECORDER in _named(pid)]


def _children(parent: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{parent}/task").iterdir():
        with contextlib.suppress(OSError):
            found += map(int, (task / "children").read_text().split())
    return found


def _named(pid: int) -> str:
    """Name and command line of a process; nothing where it has ended."""
    said = ""
    for file in ("comm", "cmdline"):
        with contextlib.suppress(OSError):
            said += Path(f"/proc/{pid}/{file}").read_bytes().decode(errors="replace")
    return said
