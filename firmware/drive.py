"""The onboard host in real time: bus, ring, recorder, and the loop in its thread."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from tianyuan.drivers.address import Address, Places, name_of
from tianyuan.drivers.buses import Buses
from tianyuan.drivers.can_port import can_interfaces
from tianyuan.drivers.port import open_port
from tianyuan.drivers.realtime import Step
from tianyuan.firmware import loop
from tianyuan.firmware.accounting import STAGES, Accounts, summary
from tianyuan.firmware.boot import Boot, Unwanted
from tianyuan.firmware.bus_names import host_bus
from tianyuan.firmware.companion import Companion
from tianyuan.firmware.hearing import asked_of
from tianyuan.firmware.host import Host
from tianyuan.firmware.host_record import HOST_CHANNEL
from tianyuan.firmware.log_file import USUAL, Limits, copy_card, new_log
from tianyuan.firmware.loop_thread import Beat, Controls, LoopThread, compile_loop
from tianyuan.firmware.marks import marks_file, read_marks
from tianyuan.firmware.recorder import recorder_command
from tianyuan.firmware.rehearsal import rehearse
from tianyuan.firmware.shared_ring import SharedRing

EARLY_NS: Final = 50_000  # of watching the clock before each deadline
RING_FRAMES: Final = 1 << 16  # some ten seconds of a car's traffic
LOOK_S: Final = 0.05
RECORDER_S: Final = 30.0  # for what is left in the ring, at the end


class Terms(NamedTuple):
    """How a host is to be run."""

    buses: Places  # the car's
    period_ns: int
    cpu: int | None = None  # to pin the loop to
    log: Path | None = None
    card: Callable[[Path, int], object] | None = None  # writes one for a log, once the bus is ours
    seconds: float | None = None  # after which the car is stopped by itself
    early_ns: int = EARLY_NS
    about: Address | None = None  # the host's own bus, if not a local one after the car's first
    keep: Limits = USUAL  # of the log

    @property
    def bus(self) -> str:
        """The first of them, after which the host's own bus and its ring are called."""
        return name_of(self.buses[0])

    @property
    def beat(self) -> Beat:
        """When and where the loop ticks."""
        return Beat(self.period_ns, self.early_ns, self.cpu)


class Drive(NamedTuple):
    """What a drive leaves behind."""

    ticks: int
    seconds: float
    accounts: Accounts
    steps: list[Step]  # what was asked of the system, and got
    overruns: int
    boot: Boot
    unwanted: Unwanted  # while the loop was armed
    page_faults: int  # of the loop's thread while it was armed
    preempted: int  # how often the loop's thread was made to wait for another one
    lost: int  # frames that should be in the log and are not
    parts: int  # files of the log
    dropped: int  # the oldest of them, which gave their room to newer ones
    recorder_starts: int
    interfaces: dict[str, dict[str, Any]]  # what each CAN interface counted
    aside: Path | None = None  # the log of the same name that was there before

    def figures(self) -> dict:
        """The drive's figures, as ``--json`` writes them."""
        missed = self.accounts.missed.tolist()
        return summary(self.accounts) | {
            "ticks": self.ticks,
            "seconds": self.seconds,
            "overruns": self.overruns,
            "missed": dict(zip(STAGES, missed, strict=True)),
            "allocations": self.unwanted.allocations,
            "compilations": self.unwanted.compilations,
            "page_faults": self.page_faults,
            "preempted": self.preempted,
            "ready_s": self.boot.ready_s,
            "boot_s": self.boot.seconds,
            "lost_by_recorder": self.lost,
            "log_parts": self.parts,
            "log_parts_dropped": self.dropped,
            "log_before": str(self.aside) if self.aside else None,
            "recorder_starts": self.recorder_starts,
            "interfaces": self.interfaces,
            "privileges": {step.name: step.ok for step in self.steps},
        }


def _told_about(terms: Terms) -> str | Address:
    """The host's own bus, on which it hears nothing."""
    if terms.about is None:
        return host_bus(terms.bus)
    return terms.about._replace(identifiers=frozenset())


def other_cpus(cpu: int | None) -> set[int]:
    """The CPUs left to all but the loop; its own too where it is the only one."""
    usable = os.sched_getaffinity(0)
    return (usable - {cpu}) or usable


@contextlib.contextmanager
def _kept_off(cpu: int | None) -> Iterator[set[int]]:
    """Inside a ``with`` this thread, and those it starts, leave the loop's CPU alone."""
    before = os.sched_getaffinity(0)
    others = other_cpus(cpu)
    os.sched_setaffinity(0, others)
    try:
        yield others
    finally:
        os.sched_setaffinity(0, before)


def drive(
    host: Host,
    terms: Terms,
    asked: Controls,
    boot: Boot | None = None,
    progress: Callable[[float], None] | None = None,
) -> Drive:
    """Run the host on its buses until it is asked to stop and the car stands.

    ``boot`` has kept time of the start so far; ``progress`` is told the seconds since the
    first tick. Raises InputError for a bus or a log that cannot be opened, and where another
    host drives on the bus; nothing has moved by then.
    """
    boot, plan = boot or Boot(), host.tables
    boot.reached("check")
    with (
        Buses(asked_of(terms.buses, (plan.sensors,), (plan.commands,)), "host") as cars,
        open_port(_told_about(terms), "host", HOST_CHANNEL) as about,
        SharedRing(terms.bus, RING_FRAMES) as kept,
        _kept_off(terms.cpu) as others,
    ):
        aside = new_log(terms.log) if terms.log is not None else None
        if terms.card is not None:
            terms.card(kept.file, kept.wall_ns)  # for whoever records this ring
        if terms.log is not None:
            copy_card(kept.file, terms.log)
        ports = (cars.record, about.record)
        compile_loop(host, ports, kept.ring, terms.beat)
        boot.reached("compile")
        rehearse(host, terms.early_ns)
        boot.reached("warm up")
        work = LoopThread(host, ports, kept.ring, asked, terms.beat, boot)
        recorder = None
        if terms.log is not None:
            recorder = Companion(recorder_command(kept.file, terms.log, terms.keep), others)
        seconds = _watch(work, recorder, asked, terms, progress)
        kept.end()
        if recorder is not None:
            recorder.finish(RECORDER_S)
        recorded = read_marks(marks_file(kept.file), os.getpid())
        unrecorded = kept.written - recorded.read + recorded.lost
        kept.remove()
        interfaces = can_interfaces(terms.buses, cars.record)
    return Drive(
        int(asked.words[loop.TICKS]),
        seconds,
        work.books,
        work.steps,
        int(host.memory.host.overruns[0]),
        boot,
        work.unwanted,
        work.page_faults,
        work.preempted,
        unrecorded if recorder is not None else 0,
        recorded.parts,
        recorded.dropped,
        recorder.starts if recorder is not None else 0,
        interfaces,
        aside,
    )


def _watch(
    work: LoopThread,
    recorder: Companion | None,
    asked: Controls,
    terms: Terms,
    progress: Callable[[float], None] | None,
) -> float:
    """Stand by while the loop runs; returns for how many seconds it was armed."""
    work.start()
    began_s = time.monotonic()
    try:
        while not work.ended(LOOK_S):
            elapsed_s = time.monotonic() - began_s
            if recorder is not None:
                recorder.look()
            if progress is not None:
                progress(elapsed_s)
            if terms.seconds is not None and elapsed_s >= terms.seconds:
                asked.stop()
    except BaseException:
        asked.quit()
        work.ended()
        raise
    return time.monotonic() - began_s
