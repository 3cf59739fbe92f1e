"""A log played onto buses: each frame at its own time after the first, by absolute deadlines."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import can
import numpy as np

from tianyuan.control.errors import InputError
from tianyuan.control.kernels import unlocked
from tianyuan.dbc.frame import ERROR, TX, frames
from tianyuan.drivers import clock
from tianyuan.drivers.address import CAN_INTERFACE, LOCAL_INTERFACE, Address
from tianyuan.drivers.bridge import UNOPENED
from tianyuan.drivers.buses import Buses, send_all
from tianyuan.drivers.clock import monotonic_ns, wait_until
from tianyuan.drivers.logs.log import Log
from tianyuan.drivers.messages import read_frame
from tianyuan.firmware.host_record import HOST_CHANNEL, TICK_ID
from tianyuan.firmware.log_file import parts

Way = Literal["all", "in", "out"]
HEAD_START_NS: Final = 200_000_000  # from joining to the first frame
PIECE_NS: Final = 200_000_000  # of playing between two looks at whether to stop
EARLY_NS: Final = 50_000


class Told(NamedTuple):
    """What was played: how late frames left, in nanoseconds, and what was left out, by why."""

    sent: int
    seconds: float
    late_ns: np.ndarray
    left_out: dict[str, int]
    notes: tuple[str, ...]

    def figures(self) -> dict[str, Any]:
        """Counts, and percentiles of the lateness in microseconds."""
        shares = {"p50_us": 50, "p99_us": 99, "p999_us": 99.9, "max_us": 100}
        late_us = self.late_ns * 1e-3
        return {
            "sent": self.sent,
            "seconds": self.seconds,
            **{name: float(np.percentile(late_us, p)) if self.sent else None
               for name, p in shares.items()},
            "left_out": self.left_out,
            "notes": list(self.notes),
        }  # fmt: skip


@unlocked
def play(ports, due, late_ns, scratch, early_ns):
    """Send each of ``due`` (n,) by the port of its channel at its ``t_ns``, monotonic.

    Frames whose time has come leave in one call. ``late_ns`` (n,) gets how late each had left,
    ``scratch`` as in ``clock.monotonic_ns``, ``early_ns`` as in ``clock.wait_until``.
    """
    first = 0
    while first < due.size:
        now_ns = wait_until(scratch, due[first].t_ns, early_ns)
        end = first + 1
        while end < due.size and due[end].t_ns <= now_ns:
            end += 1
        send_all(ports, due[first:end], end - first)
        now_ns = monotonic_ns(scratch)
        for k in range(first, end):
            late_ns[k] = now_ns - due[k].t_ns
        first = end


class Ports:
    """The local bus and the kernel's CAN, by compiled code."""

    def __init__(self, places: Sequence[str], interface: str) -> None:
        """Raises InputError for a bus that cannot be joined."""
        self._scratch = clock.scratch()
        addresses = tuple(Address(place, interface) for place in places)
        self._buses = Buses(addresses, "replay")
        self.play(frames(0), np.zeros(0, np.int64))  # compiled before the first frame is due

    def play(self, due: np.recarray, late_ns: np.ndarray) -> None:
        """Send each frame when its ``t_ns`` has come, and note how late that was."""
        play(self._buses.record, due, late_ns, self._scratch, EARLY_NS)

    @property
    def dropped(self) -> int:
        """Frames that a node or a transmit queue had no room for."""
        return int(self._buses.record.dropped.sum())

    def close(self) -> None:
        """Leave the buses."""
        self._buses.close()


class Adapters:
    """Whatever python-can opens, a frame at a time."""

    dropped = 0

    def __init__(self, places: Sequence[str], interface: str, settings: dict[str, Any]) -> None:
        """Raises InputError for an adapter that cannot be opened."""
        with ExitStack() as opened:
            self._buses = [
                opened.enter_context(_opened(interface, place, settings)) for place in places
            ]
            self._opened = opened.pop_all()

    def play(self, due: np.recarray, late_ns: np.ndarray) -> None:
        """As Ports does."""
        scratch, plain = clock.scratch(), due.view(np.ndarray)
        for k in range(due.size):
            message = read_frame(plain, k, 0.0, None, own=True)
            t_ns = int(plain[k]["t_ns"])
            wait_until(scratch, t_ns, EARLY_NS)
            try:
                self._buses[plain[k]["channel"]].send(message)
            except (can.CanError, OSError, ValueError):
                self.dropped += 1
            late_ns[k] = time.monotonic_ns() - t_ns

    def close(self) -> None:
        """Close the adapters."""
        self._opened.close()


def _opened(interface: str, place: str, settings: dict[str, Any]) -> can.BusABC:
    try:
        return can.Bus(interface=interface, channel=place, **settings)
    except UNOPENED as error:
        raise InputError(
            f"-i {interface} -c {place}: {error}; check the adapter, its driver and settings"
        ) from None


def player(places: Sequence[str], interface: str, settings: dict[str, Any]) -> Ports | Adapters:
    """What plays onto these buses; raises InputError for those that cannot be joined."""
    if interface in (LOCAL_INTERFACE, CAN_INTERFACE) and not settings:
        return Ports(places, interface)
    return Adapters(places, interface, settings)


class Tape:
    """The frames of a log that are to be sent, with what is left out of it counted.

    The host's own frames are left out, as they went by no bus of the car; error frames are said
    by controllers alone.
    """

    def __init__(self, log: Path, buses: int, way: Way) -> None:
        self.left_out: Counter[str] = Counter()
        self.notes: list[str] = []
        self._log, self._buses, self._way = log, buses, way

    def blocks(self) -> Iterator[np.recarray]:
        """Frames whose ``t_ns`` is since the log's first one, and never falls."""
        first_ns, latest_ns = None, 0
        for file in parts(self._log):
            log = Log(file)
            for block in log.blocks():
                found = self._wanted(log, block.view(np.ndarray))
                if not found.size:
                    continue
                first_ns = int(found["t_ns"][0]) if first_ns is None else first_ns
                since_ns = np.maximum.accumulate(found["t_ns"] - first_ns)
                found["t_ns"] = np.maximum(since_ns, latest_ns)
                latest_ns = int(found["t_ns"][-1])
                yield found.view(np.recarray)
            self.notes += [f"{note.kind}, {note.times} times: {note.first}"
                           for note in log.notes.all()]  # fmt: skip

    def _wanted(self, log: Log, block: np.ndarray) -> np.ndarray:
        own = (block["reserved"] == TX) & (block["channel"] == HOST_CHANNEL)
        left = {"of the host's own": own | (block["can_id"] == TICK_ID) & (block["reserved"] == TX)}
        left["error frames"] = (block["can_id"] & ERROR) != 0
        for channel in np.unique(block["channel"]).tolist():
            if channel >= self._buses:
                name = log.channels[channel]
                left[f"of {name}, for which no bus is given"] = block["channel"] == channel
        if self._way != "all":
            sent = block["reserved"] == TX
            left[f"not {self._way}"] = sent if self._way == "in" else ~sent
        keep = np.ones(block.size, bool)
        for why, which in left.items():
            self.left_out[why] += int((which & keep).sum())
            keep &= ~which
        found = block[keep]
        found["reserved"] = 0
        return found


def play_log(
    tape: Tape,
    onto: Ports | Adapters,
    speed: float = 1.0,
    stop: threading.Event | None = None,
    progress: Callable[[float], None] = lambda _: None,
) -> Told:
    """Play a log ``speed`` times as fast as it was recorded; ``progress`` is told seconds of it."""
    began_ns = time.monotonic_ns() + HEAD_START_NS
    late: list[np.ndarray] = []
    end_ns = began_ns
    for block in tape.blocks():
        block.t_ns = began_ns + (block.t_ns / speed).astype(np.int64)
        for piece in _pieces(block):
            if stop is not None and stop.is_set():
                break
            late_ns = np.zeros(piece.size, np.int64)
            onto.play(piece, late_ns)
            late.append(late_ns)
            end_ns = int(piece.t_ns[-1])
            progress((end_ns - began_ns) * 1e-9 * speed)
        if stop is not None and stop.is_set():
            break
    all_late = np.concatenate(late) if late else np.zeros(0, np.int64)
    left_out = {why: count for why, count in tape.left_out.items() if count}
    if onto.dropped:
        left_out["that found no room"] = onto.dropped
    return Told(all_late.size, (end_ns - began_ns) * 1e-9, all_late, left_out, tuple(tape.notes))


def _pieces(block: np.recarray) -> Iterator[np.recarray]:
    places = block.t_ns // PIECE_NS
    cuts = np.flatnonzero(np.diff(places)) + 1
    for piece in np.split(block, cuts):
        yield piece.view(np.recarray)
