"""The receiver's process: from its serial port to the car's bus."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np

from tianyuan.dbc.frame import frames
from tianyuan.dbc.identifiers import has_fd
from tianyuan.drivers.address import Address
from tianyuan.drivers.port import empty, open_port, send
from tianyuan.drivers.realtime import Step, real_time
from tianyuan.drivers.sentences import Sentences
from tianyuan.drivers.serial_line import SerialLines
from tianyuan.firmware.gnss.receiver import Receiver

PRIORITY: Final = 70  # below the host's: a fix tells its age, a tick does not wait
LOOK_S: Final = 0.05
FRAMES_IN: Final = 256
SLOW: Final = 0.9  # of the time that the car trusts a sensor: no fix may be missed then


class Published(NamedTuple):
    """What a receiver's process leaves behind."""

    seconds: float
    port: dict[str, int]  # LineCounts
    sentences: dict[str, int]  # SentenceCounts
    fixes: dict[str, int]  # FixCounts
    age_ms: dict[str, float]  # p50, p99, max; empty where there was no fix
    period_s: float | None  # between the last two epochs
    sd_m: float | None  # of the position, as last told by GST
    steps: list[Step]  # what was asked of the system, and got

    def figures(self) -> dict[str, Any]:
        """The figures, as ``--json`` writes them."""
        table = self._asdict()
        table["privileges"] = {step.name: step.ok for step in table.pop("steps")}
        return table


def _ages_ms(receiver: Receiver) -> dict[str, float]:
    if not receiver.ages_s:
        return {}
    p50, p99, most = np.percentile(np.array(receiver.ages_s) * 1e3, [50, 99, 100])
    return {"p50": float(p50), "p99": float(p99), "max": float(most)}


def publish(
    receiver: Receiver,
    lines: SerialLines,
    bus: str | Address,
    stop: threading.Event,
    seconds: float | None = None,
    cpu: int | None = None,
    told: Callable[[str], None] = lambda news: None,
) -> Published:
    """Publish what comes from ``lines`` on a bus until ``stop`` is set, or for a time.

    ``told`` hears when the receiver is too slow for the car. Raises InputError for a bus that
    cannot be joined.
    """
    sentences, nothing = Sentences(), frames(FRAMES_IN)
    receiver.rehearse()  # before joining: a node on the bus reads
    if isinstance(bus, Address):
        fd = has_fd((receiver.codec,), receiver.channel)
        bus = bus._replace(identifiers=frozenset(), fd=fd)
    with open_port(bus, "gnss") as port, real_time(cpu, PRIORITY) as steps:
        began, lost, warned = time.monotonic(), 0, False
        lines.discard()
        while not stop.is_set() and (seconds is None or time.monotonic() - began < seconds):
            for line in lines.read(LOOK_S):
                fix = sentences.take(line.text)
                if fix is not None:
                    send(port.record, receiver.frames, 0, receiver.take(fix, line.t_ns))
            if lines.counts.lost != lost:
                lost = lines.counts.lost
                receiver.forget()
            if not warned and _is_slow(receiver):
                warned = True
                told(_slowness(receiver))
            empty(port.record, nothing)  # a node that does not read costs the others
        elapsed = time.monotonic() - began
    return Published(
        elapsed,
        lines.counts.figures(),
        sentences.counts.figures(),
        receiver.counts.figures(),
        _ages_ms(receiver),
        receiver.epochs.period_s,
        receiver.sd_m,
        steps,
    )


def _is_slow(receiver: Receiver) -> bool:
    period_s = receiver.epochs.period_s
    return period_s is not None and period_s > SLOW * receiver.oldest_s


def _slowness(receiver: Receiver) -> str:
    return (
        f"a fix every {receiver.epochs.period_s:.3f} s is too slow: this car takes a sensor for "
        f"lost after supervisor.stale_s = {receiver.oldest_s:g} s; set the receiver to at least "
        f"{2.0 / receiver.oldest_s:.0f} fixes a second"
    )
