"""A bridge between the local bus and whatever python-can can open.

Two threads, one for each direction, each of which receives, passes on and receives again.
What comes from one side is never sent back to it: neither side hears its own frames, and an
adapter that echoes them marks them as sent, which is looked at. An adapter that fails is
closed, reported and opened again a few times a second until it is back; what the local bus
says meanwhile is counted and let go, since an old frame is worse than none.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import can
import numpy as np

WAIT_S: Final = 0.05  # for a frame, before looking whether to stop
SEND_S: Final = 0.05  # for an adapter to take a frame
RETRY_S: Final = 0.5  # between two looks for an adapter that is gone
PATIENCE_S: Final = 1.0  # of nothing but refusals, after which an adapter counts as gone
TIMES: Final = 100_000  # newest passages that are kept
FAILED = (can.CanError, OSError)
# What python-can's interfaces raise where they cannot open: Kvaser's stumbles over a name
# without its library, Intrepid's over an import, robotell's over a missing argument.
UNOPENED = (*FAILED, ValueError, TypeError, NameError, ImportError, AttributeError)
Open = Callable[[], can.BusABC]
Tell = Callable[[str], None]


@dataclass(slots=True)
class Direction:
    """What passed one way. ``times_ns`` are from receipt to having been sent."""

    passed: int = 0
    echoes: int = 0  # the adapter's own frames, not passed
    unsuited: int = 0  # frames that the other side cannot carry, or that were no frame
    refused: int = 0  # frames that the other side did not take
    dropped: int = 0  # frames for an adapter that was gone
    times_ns: deque[int] = field(default_factory=lambda: deque(maxlen=TIMES))

    def figures(self) -> dict[str, float]:
        """Counts, and percentiles of the passage in microseconds where anything passed."""
        names = ("passed", "echoes", "unsuited", "refused", "dropped")
        counts: dict[str, float] = {name: getattr(self, name) for name in names}
        return counts | percentiles_us(self.times_ns)


def percentiles_us(times_ns: Any) -> dict[str, float]:
    """p50, p99 and the most of some durations, in microseconds; nothing of none."""
    if not len(times_ns):
        return {}
    values = np.percentile(np.array(times_ns) * 1e-3, [50, 99, 100])
    return dict(zip(("p50_us", "p99_us", "max_us"), map(float, values), strict=True))


class Adapter:
    """The far side: a bus that may vanish. Both directions use it, each from its own thread."""

    def __init__(self, opened: Open, told: Tell) -> None:
        self._open, self._told = opened, told
        self._lock = threading.Lock()
        self._bus: can.BusABC | None = opened()
        self._retry_at = 0.0
        self.lost = self.reopened = 0

    def bus(self) -> can.BusABC | None:
        """The bus, opened again if it is time to; None while it is gone."""
        if self._bus is not None:
            return self._bus
        with self._lock:
            now = time.monotonic()
            if self._bus is None and now >= self._retry_at:
                self._retry_at = now + RETRY_S
                self._reopen()
            return self._bus

    def _reopen(self) -> None:
        try:
            self._bus = self._open()
        except UNOPENED:
            return  # still gone; the next look will tell
        self.reopened += 1
        self._told("the adapter is back")

    def lose(self, bus: can.BusABC, error: BaseException) -> None:
        """Give up a bus that failed; the second direction to notice finds that done."""
        with self._lock:
            if self._bus is not bus:
                return
            self._bus = None
            self.lost += 1
            self._retry_at = time.monotonic() + RETRY_S
        self._told(f"the adapter is lost: {' '.join(str(error).split())}")
        _shut(bus)

    def close(self) -> None:
        """Close it for good."""
        with self._lock:
            bus, self._bus = self._bus, None
            self._retry_at = float("inf")
        if bus is not None:
            _shut(bus)


def _shut(bus: can.BusABC) -> None:
    try:
        bus.shutdown()
    except FAILED:
        return  # what is gone cannot be closed in good order


def _kinds(error: BaseException | None) -> tuple[type, ...]:
    return type(error).__mro__


def _forget(bus: can.BusABC) -> None:
    """Have slcan forget the line that it could not read: it would stumble over it for ever."""
    flush = getattr(bus, "flush", None)
    if flush is not None:
        try:
            flush()
        except FAILED:
            return  # the next receipt will tell


class Bridge:
    """Joins ``near``, a node on the local bus, to what ``opened`` opens; see the module.

    ``told`` hears when the adapter is lost or back. Raises what ``opened`` raises.
    """

    def __init__(self, near: can.BusABC, opened: Open, told: Tell = lambda news: None) -> None:
        self.near, self.far = near, Adapter(opened, told)
        self.inward, self.outward = Direction(), Direction()
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=work, name=f"bridge {work.__name__}")
            for work in (self._carry_in, self._carry_out)
        ]

    def start(self) -> None:
        """Begin to carry frames."""
        for thread in self._threads:
            thread.start()

    def is_alive(self) -> bool:
        """Whether both directions still work; an error that nothing here expects ends one."""
        return all(thread.is_alive() for thread in self._threads)

    def stop(self) -> None:
        """End, and close the adapter; the near side is its owner's to close."""
        self._stop.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()
        self.far.close()

    def _carry_in(self) -> None:
        while not self._stop.is_set():
            bus = self.far.bus()
            if bus is None:
                self._stop.wait(WAIT_S)
                continue
            message = self._heard(bus)
            if message is not None:
                self._pass_in(message)

    def _heard(self, bus: can.BusABC) -> can.Message | None:
        try:
            message = bus.recv(WAIT_S)
        except (*FAILED, ValueError) as error:
            if ValueError in (*_kinds(error), *_kinds(error.__cause__)):
                self.inward.unsuited += 1  # slcan's, of a line that is none
                _forget(bus)
            else:
                self.far.lose(bus, error)
            return None
        if message is not None and not message.is_rx:
            self.inward.echoes += 1
            return None
        return message

    def _pass_in(self, message: can.Message) -> None:
        began_ns = time.monotonic_ns()
        if message.is_error_frame:  # what the adapter says of its own bus
            self.inward.unsuited += 1
            return
        try:
            self.near.send(message)
        except can.CanError:
            self.inward.unsuited += 1
            return
        self.inward.passed += 1
        self.inward.times_ns.append(time.monotonic_ns() - began_ns)

    def _carry_out(self) -> None:
        refused_since: float | None = None
        while not self._stop.is_set():
            message = self.near.recv(WAIT_S)
            if message is None:
                continue
            began_ns, bus = time.monotonic_ns(), self.far.bus()
            if bus is None:
                self.outward.dropped += 1
                continue
            try:
                bus.send(message, SEND_S)
            except FAILED as error:
                self.outward.refused += 1
                refused_since = refused_since or time.monotonic()
                # A full queue passes; an adapter that takes nothing any more has gone.
                if isinstance(error, OSError) or time.monotonic() - refused_since > PATIENCE_S:
                    refused_since = None
                    self.far.lose(bus, error)
            except ValueError:
                self.outward.unsuited += 1
            else:
                refused_since = None
                self.outward.passed += 1
                self.outward.times_ns.append(time.monotonic_ns() - began_ns)
