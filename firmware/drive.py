"""The onboard host in real time: ports, privileges, the loop's thread, the log."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from tianyuan.drivers import clock
from tianyuan.drivers.port import open_port
from tianyuan.drivers.realtime import Step, real_time
from tianyuan.firmware import loop
from tianyuan.firmware.accounting import STAGES, Accounts, accounts, summary
from tianyuan.firmware.host import Host
from tianyuan.firmware.host_record import CAR_CHANNEL, HOST_CHANNEL
from tianyuan.firmware.recorder import Recorder
from tianyuan.firmware.ring import Ring, ring

PRIORITY: Final = 80
RING_FRAMES: Final = 1 << 16  # some fifteen seconds of a car's traffic
LOOK_S: Final = 0.05


class Drive(NamedTuple):
    """What a drive leaves behind."""

    ticks: int
    seconds: float
    accounts: Accounts
    steps: list[Step]  # what was asked of the system, and got
    overruns: int
    lost: int  # frames that the recorder did not write

    def figures(self) -> dict:
        """The drive's figures, as ``--json`` writes them."""
        missed = self.accounts.missed.tolist()
        return summary(self.accounts) | {
            "ticks": self.ticks,
            "seconds": self.seconds,
            "overruns": self.overruns,
            "missed": dict(zip(STAGES, missed, strict=True)),
            "lost_by_recorder": self.lost,
            "privileges": {step.name: step.ok for step in self.steps},
        }


def host_bus(bus: str) -> str:
    """The bus that the host publishes about itself on, beside the car's."""
    return f"{bus}.host"


class Controls(NamedTuple):
    """The words through which a running loop is spoken to; see ``loop.py``."""

    words: np.ndarray

    @property
    def stopping(self) -> bool:
        """Whether a stop has been asked for."""
        return bool(self.words[loop.SHUTDOWN])

    def stop(self) -> None:
        """Ask for a controlled stop, and the end once the car stands."""
        self.words[loop.SHUTDOWN] = 1

    def quit(self) -> None:
        """End at once."""
        self.words[loop.QUIT] = 1


def controls() -> Controls:
    """Words that ask for nothing."""
    return Controls(np.zeros(loop.CONTROL_WORDS, np.int64))


def _in_thread(
    host: Host,
    ports: tuple[np.recarray, np.recarray],
    kept: Ring,
    books: Accounts,
    asked: Controls,
    period_ns: int,
    cpu: int | None,
    steps: list[Step],
) -> None:
    with real_time(cpu, PRIORITY) as taken:
        steps.extend(taken)
        loop.run(
            host.tables, host.path, host.sensors, host.memory, host.command, *ports,
            host.frames_in, host.frames_out, kept, books, asked.words, clock.scratch(), period_ns,
        )  # fmt: skip


def compile_loop(host: Host, ports: tuple[np.recarray, np.recarray], period_ns: int) -> None:
    """Compile the loop, or take it from the cache, by a run that ends before its first tick."""
    ended = controls()
    ended.quit()
    loop.run(
        host.tables, host.path, host.sensors, host.memory, host.command, *ports,
        host.frames_in, host.frames_out, ring(64), accounts(), ended.words, clock.scratch(),
        period_ns,
    )  # fmt: skip


def drive(
    host: Host,
    bus: str,
    period_ns: int,
    asked: Controls,
    log: Path | None = None,
    seconds: float | None = None,
    cpu: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> Drive:
    """Run the host on a local bus until it is asked to stop and the car stands.

    ``seconds`` asks for the stop by itself. Raises InputError for a bus or a log that
    cannot be opened; nothing has moved by then.
    """
    kept, books, steps = ring(RING_FRAMES), accounts(), list[Step]()
    with (
        open_port(bus, "host", CAR_CHANNEL) as car,
        open_port(host_bus(bus), "host", HOST_CHANNEL) as about,
    ):
        ports = (car.record, about.record)
        compile_loop(host, ports, period_ns)
        recorder = Recorder(kept, log) if log is not None else None
        if recorder is not None:
            recorder.start()
        thread = threading.Thread(
            target=_in_thread, args=(host, ports, kept, books, asked, period_ns, cpu, steps)
        )
        began = time.monotonic()
        thread.start()
        while thread.is_alive():
            thread.join(LOOK_S)
            elapsed = time.monotonic() - began
            if progress is not None:
                progress(elapsed)
            if seconds is not None and elapsed >= seconds:
                asked.stop()
        elapsed = time.monotonic() - began
        if recorder is not None:
            recorder.stop()
    return Drive(
        int(asked.words[loop.TICKS]),
        elapsed,
        books,
        steps,
        int(host.memory.host.overruns[0]),
        recorder.lost if recorder is not None else 0,
    )
