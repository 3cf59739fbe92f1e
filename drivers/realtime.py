"""What a thread needs from the system to be on time: taken, verified, and given back.

Each step is a row of what was found and what was wanted. A step that fails (most of them
need privileges) is reported with its remedy, and the rest goes on.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import re
import struct
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final, NamedTuple

from tianyuan.control.errors import InputError

_LIBC: Final = ctypes.CDLL(None, use_errno=True)
_LOCK_CURRENT, _LOCK_FUTURE = 1, 2  # MCL_CURRENT, MCL_FUTURE
_DMA_LATENCY: Final = Path("/dev/cpu_dma_latency")
_OOM_SCORE: Final = Path("/proc/self/oom_score_adj")
_SPARED: Final = -900  # of -1000 to 1000: hardly ever chosen, and still not above everything


class Step(NamedTuple):
    """One thing asked of the system, and what came of it."""

    name: str
    ok: bool
    found: str
    wanted: str
    remedy: str  # empty where all is well


def _step(name: str, ok: bool, found: str, wanted: str, remedy: str) -> Step:
    return Step(name, ok, found, wanted, "" if ok else remedy)


def _locked_kib() -> int:
    match = re.search(r"VmLck:\s*(\d+) kB", Path("/proc/self/status").read_text())
    return int(match[1]) if match else 0


def _lock_memory(undo: ExitStack) -> Step:
    """Lock all memory, now and to come; the kernel faults it in at once."""
    failed = _LIBC.mlockall(_LOCK_CURRENT | _LOCK_FUTURE) != 0
    why = os.strerror(ctypes.get_errno()) if failed else ""
    if not failed:
        undo.callback(_LIBC.munlockall)
    locked_kib = _locked_kib()
    return _step(
        "memory locked",
        not failed and locked_kib > 0,
        why or f"{locked_kib} KiB locked",
        "all memory locked",
        "allow it: LimitMEMLOCK=infinity in the service, or ulimit -l unlimited",
    )


def _pin(undo: ExitStack, cpu: int) -> Step:
    before = os.sched_getaffinity(0)
    why = ""
    try:
        os.sched_setaffinity(0, {cpu})
        undo.callback(os.sched_setaffinity, 0, before)
    except OSError as error:
        why = f" ({error.strerror})"
    found = os.sched_getaffinity(0)
    return _step(
        "thread pinned",
        found == {cpu},
        f"CPU {', '.join(map(str, sorted(found)))}{why}",
        f"CPU {cpu}",
        f"choose a CPU that exists and that this process may use: {sorted(before)}",
    )


def _raise_priority(undo: ExitStack, priority: int) -> Step:
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    wanted = os.SCHED_FIFO | os.SCHED_RESET_ON_FORK  # processes started from here stay ordinary
    why = ""
    try:
        os.sched_setscheduler(0, wanted, os.sched_param(priority))
        undo.callback(os.sched_setscheduler, 0, *before)
    except OSError as error:
        why = f" ({error.strerror})"
    policy, found = os.sched_getscheduler(0), os.sched_getparam(0).sched_priority
    return _step(
        "real-time priority",
        policy == wanted and found == priority,
        f"policy {policy & ~os.SCHED_RESET_ON_FORK}, priority {found}{why}",
        f"policy {os.SCHED_FIFO} (SCHED_FIFO), priority {priority}",
        f"allow it: LimitRTPRIO={priority} in the service, or ulimit -r {priority}",
    )


def _forbid_deep_sleep(undo: ExitStack) -> Step:
    """Ask for a wake-up latency of 0 µs, for as long as the file is open."""
    found = ""
    latency_us = -1
    try:
        descriptor = os.open(_DMA_LATENCY, os.O_RDWR | os.O_CLOEXEC)
        undo.callback(os.close, descriptor)
        os.write(descriptor, struct.pack("=i", 0))
        (latency_us,) = struct.unpack("=i", os.read(descriptor, 4))
        found = f"{latency_us} µs"
    except OSError as error:
        found = f"{error.strerror}"
    return _step(
        "CPU kept awake",
        latency_us == 0,
        found,
        "wake-up latency of 0 µs",
        f"let this user write {_DMA_LATENCY} (a udev rule), or boot with processor.max_cstate=1",
    )


def _spare(undo: ExitStack) -> Step:
    """Have the kernel choose others first when memory runs out."""
    before, why = _OOM_SCORE.read_text(), ""
    try:
        _OOM_SCORE.write_text(str(_SPARED))
        undo.callback(_OOM_SCORE.write_text, before)
    except OSError as error:
        why = f" ({error.strerror})"
    found = int(_OOM_SCORE.read_text())
    return _step(
        "spared when memory runs out",
        found == _SPARED,
        f"{found}{why}",
        f"OOM score adjusted by {_SPARED}",
        f"allow it: OOMScoreAdjust={_SPARED} in the service",
    )


def _freeze_garbage(undo: ExitStack) -> Step:
    """Take what is alive now out of the collector's sight: a collection then takes µs."""
    gc.collect()
    gc.freeze()
    undo.callback(gc.unfreeze)
    count = gc.get_freeze_count()
    return _step("garbage frozen", count > 0, f"{count} objects", "all objects", "report this")


@contextlib.contextmanager
def real_time(cpu: int | None, priority: int) -> Iterator[list[Step]]:
    """Make the calling thread real-time, and the process fit for it, inside a ``with``.

    ``cpu`` is the CPU to pin the thread to, or None to leave it free; ``priority`` is 1 to
    99. Gives the steps taken; on leaving, all is as before. Raises InputError on a priority
    out of bounds, and nothing on a missing privilege, which is a row that is not ok.
    """
    if not 1 <= priority <= 99:
        raise InputError(f"real-time priority {priority}: not 1 to 99")
    steps: list[Callable[[ExitStack], Step]] = [_freeze_garbage, _lock_memory]
    if cpu is not None:
        steps.append(lambda undo: _pin(undo, cpu))
    steps += [_forbid_deep_sleep, _spare, lambda undo: _raise_priority(undo, priority)]
    with ExitStack() as undo:
        yield [step(undo) for step in steps]
