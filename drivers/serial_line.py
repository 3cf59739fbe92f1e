"""Lines from a serial port that may vanish at any moment, and come back under another name.

Bytes are cut at line feeds and nothing else is asked of them: what a line means, and whether
it came whole, is its parser's to know. A device that is pulled is looked for a few times a
second until it is back, by what it is rather than by what it was called: a USB adapter is
named after the order of plugging, so the name it had may be another device's by then.
"""

from __future__ import annotations

import glob
import re
import termios
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final, NamedTuple, Self

import serial
from serial.tools import list_ports

from tianyuan.control.errors import InputError

LONGEST_LINE: Final = 4096  # bytes; what goes on for longer is no line
RETRY_S: Final = 0.2  # between two looks for a device that is gone
LOST = (OSError, termios.error)  # pyserial's own error is an OSError
_USB: Final = re.compile(
    r"(?P<vendor>[0-9a-f]{4}):(?P<product>[0-9a-f]{4})(?::(?P<serial>.+))?", re.I
)
_WILD: Final = re.compile(r"[*?\[]")

Ports = Callable[[], Iterable[Any]]


class Identity(NamedTuple):
    """What a USB device is, whatever the system calls it; serial number None where it has none."""

    vendor: int
    product: int
    serial: str | None = None

    def matches(self, port: Any) -> bool:
        """Whether one of pyserial's list of ports is this device."""
        same_kind = (port.vid, port.pid) == (self.vendor, self.product)
        return same_kind and self.serial in (None, port.serial_number)


class Line(NamedTuple):
    """One line without its end, and when its last byte was read, on the monotonic clock."""

    t_ns: int
    text: bytes


@dataclass(slots=True)
class LineCounts:
    """What a port has seen since the start."""

    bytes: int = 0
    lines: int = 0
    overlong: int = 0  # lines given up at LONGEST_LINE
    cut: int = 0  # lines begun and not ended when the device was lost
    lost: int = 0  # times that the device went away
    reopened: int = 0  # times that it came back

    def figures(self) -> dict[str, int]:
        """The counts by name."""
        return asdict(self)


def identity_of(device: str, ports: Ports = list_ports.comports) -> Identity | None:
    """What the USB device behind a name is; None for a port that is not on USB."""
    for port in ports():
        if port.device == device and port.vid is not None:
            return Identity(port.vid, port.pid, port.serial_number)
    return None


def _named(name: str) -> Identity | None:
    """The device that a person names as VENDOR:PRODUCT or VENDOR:PRODUCT:SERIAL."""
    found = _USB.fullmatch(name)
    if not found:
        return None
    return Identity(int(found["vendor"], 16), int(found["product"], 16), found["serial"])


def candidates(name: str, known: Identity | None, ports: Ports = list_ports.comports) -> list[str]:
    """The devices that a port's name stands for, best first.

    ``name`` is a path (``/dev/ttyUSB0``, ``/dev/serial/by-id/…``), a pattern of paths
    (``/dev/ttyACM*``) or a USB device as ``1a86:7523`` or ``1a86:7523:SERIAL``. ``known`` is
    what was there before, if that is known: then only the same device will do.
    """
    wanted = known or _named(name)
    if wanted:
        return sorted(port.device for port in ports() if wanted.matches(port))
    return sorted(glob.glob(name)) if _WILD.search(name) else [name]  # noqa: PTH207 - any depth


class SerialLines:
    """The lines of a serial port; see ``candidates`` for ``name``.

    ``told`` hears, in a few words each time, that the device is lost or back. Raises
    InputError if there is no such device at the start, or if it cannot be opened.
    """

    def __init__(
        self,
        name: str,
        baud: int = 115_200,
        told: Callable[[str], None] = lambda news: None,
        ports: Ports = list_ports.comports,
    ) -> None:
        self.name, self.baud, self.device = name, baud, ""
        self.counts = LineCounts()
        self._told, self._ports = told, ports
        self._known: Identity | None = None
        self._port: serial.Serial | None = None
        self._begun = bytearray()
        self._skipping = False  # inside a line that was given up
        self._retry_at = 0.0
        self._open_first()

    def _open_first(self) -> None:
        found = candidates(self.name, None, self._ports)
        if not found:
            there = ", ".join(sorted(port.device for port in self._ports())) or "none at all"
            raise InputError(f"port {self.name}: no such device; there are: {there}")
        try:
            self._open(found[0])
        except (*LOST, ValueError) as error:
            raise InputError(
                f"port {self.name}: {_why(error)}; check its name, its rights and that nothing "
                "else has it open"
            ) from None

    def _open(self, device: str) -> None:
        self._port = serial.Serial(device, self.baud, timeout=0, exclusive=True)
        self.device = device
        self._known = identity_of(device, self._ports) or self._known
        self._begun.clear()
        self._skipping = False

    def _lose(self, error: BaseException) -> None:
        self.close()
        self.counts.lost += 1
        self.counts.cut += bool(self._begun)
        self._begun.clear()
        self._told(f"port {self.device} lost: {_why(error)}")

    def _reopen(self, wait_s: float) -> None:
        """Look for the device once, unless that was just done; wait where it is not there."""
        now = time.monotonic()
        if now < self._retry_at:
            time.sleep(min(wait_s, self._retry_at - now))
            return
        self._retry_at = now + RETRY_S
        for device in candidates(self.name, self._known, self._ports):
            try:
                self._open(device)
            except (*LOST, ValueError):
                continue  # not yet ready, or another one's: the next look will tell
            self.counts.reopened += 1
            self._told(f"port {self.device} is back")
            return

    def read(self, wait_s: float) -> list[Line]:
        """The lines that are complete by now; waits up to ``wait_s`` for the first byte.

        Never raises for what a device does. While it is gone there are no lines, and each
        call looks for it.
        """
        if self._port is None:
            self._reopen(wait_s)
        if self._port is None:
            return []
        try:
            if self._port.timeout != wait_s:  # setting it configures the port anew
                self._port.timeout = wait_s
            chunk = self._port.read(1)
            chunk += self._port.read(self._port.in_waiting)
        except LOST as error:
            self._lose(error)
            return []
        return self._cut(chunk, time.monotonic_ns())

    def discard(self) -> None:
        """Let go of what has arrived so far: it was read too late to be stamped."""
        if self._port is None:
            return
        try:
            self._port.reset_input_buffer()
        except LOST as error:
            self._lose(error)
        self._begun.clear()

    def _cut(self, chunk: bytes, t_ns: int) -> list[Line]:
        self.counts.bytes += len(chunk)
        *ended, rest = chunk.split(b"\n")
        lines = []
        for piece in ended:
            whole = bytes(self._begun) + piece
            self._begun.clear()
            if not self._skipping and len(whole) <= LONGEST_LINE:
                lines.append(Line(t_ns, whole.rstrip(b"\r")))
            elif not self._skipping:
                self.counts.overlong += 1
            self._skipping = False
        if not self._skipping:
            self._begun += rest
            if len(self._begun) > LONGEST_LINE:
                self.counts.overlong += 1
                self._skipping = True
                self._begun.clear()
        self.counts.lines += len(lines)
        return lines

    def close(self) -> None:
        """Close the port, if it is open."""
        port, self._port = self._port, None
        if port is not None:
            try:
                port.close()
            except LOST:
                return  # the device is gone, and its descriptor with it

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _why(error: BaseException) -> str:
    """An error in the system's words, without pyserial's around them."""
    if "returned no data" in str(error):
        return "disconnected"  # pyserial's guess, in many words
    inner = error.__context__ if isinstance(error.__context__, LOST) else error
    return str(inner.args[-1]) if inner.args else str(error)
