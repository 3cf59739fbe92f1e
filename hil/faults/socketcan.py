"""Faults of the kernel's CAN in real time, by what it has for them: ip, tc, cangw, error frames.

What a controller says of its bus is said by error frames; on a vcan, which has no controller,
anybody may send them. Needs root, and iproute2 for bit rates and queues.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import socket
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Self

from tianyuan.control.errors import InputError
from tianyuan.dbc.frame import ERROR
from tianyuan.drivers.interface_facts import facts_of
from tianyuan.hil.faults.interpreter import again_and_again

_FRAME: Final = struct.Struct("=IB3x8s")
_AGAIN_S: Final = 0.01  # a controller that is not acknowledged says so again and again
# Classes of linux/can/error.h, and the second byte of what the controller says of itself.
BUS_OFF, CONTROLLER, NO_ACKNOWLEDGE, RESTARTED = 0x40, 0x04, 0x20, 0x100
PASSIVE: Final = 0x30
FRAME_BITS: Final = 125  # of eight bytes with their share of stuff bits
LATE_ID: Final = 0x7FF
QUEUED: Final = 10
_FLAGS: Final = struct.Struct("16sh14x")  # struct ifreq of netdevice(7)
_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 1


def _run(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise InputError(f"{command[0]}: not on this machine; install iproute2") from None
    if done.returncode:
        raise InputError(f"{' '.join(command)}: {done.stderr.strip() or done.returncode}")
    return done.stdout


def opened(interface: str) -> socket.socket:
    """A raw socket on an interface. Raises InputError where there is none that is up."""
    try:
        made = socket.socket(socket.AF_CAN, socket.SOCK_RAW, socket.CAN_RAW)
        made.bind((interface,))
    except OSError as error:
        raise InputError(
            f"{interface}: {error.strerror}; give a CAN interface that is up"
        ) from None
    return made


def _send(made: socket.socket, can_id: int, payload: bytes, length: int = 8) -> None:
    with contextlib.suppress(OSError):  # a bus that is full, or down, takes none
        made.send(_FRAME.pack(can_id, length, payload.ljust(8, b"\0")))


def say_error(interface: str, what: int, detail: int = 0) -> None:
    """One error frame, as the interface's controller would write it."""
    with opened(interface) as made:
        _send(made, ERROR | what, bytes([0, detail]))


@contextmanager
def bus_off(interface: str) -> Iterator[None]:
    """Bus-off inside a ``with``; the controller restarts after it."""
    say_error(interface, BUS_OFF)
    try:
        yield
    finally:
        say_error(interface, RESTARTED)


@contextmanager
def error_passive(interface: str) -> Iterator[None]:
    """The controller says that it is error-passive."""
    say_error(interface, CONTROLLER, PASSIVE)
    yield


@contextmanager
def repeated(interface: str, frames: list[tuple[int, bytes]], every_s: float) -> Iterator[None]:
    """These frames, all of them every so often, inside a ``with``."""
    with opened(interface) as made:

        def all_of_them() -> None:
            for can_id, payload in frames:
                _send(made, can_id, payload)

        with again_and_again(all_of_them, every_s):
            yield


def nobody_acknowledges(interface: str) -> contextlib.AbstractContextManager[None]:
    """The controller says again and again that nobody acknowledges."""
    return repeated(interface, [(ERROR | NO_ACKNOWLEDGE, b"")], _AGAIN_S)


def load(interface: str, share: float, bitrate: int) -> contextlib.AbstractContextManager[None]:
    """Traffic of the lowest priority that takes a share of the bus."""
    every_s = 0.002
    frames = max(round(share * bitrate * every_s / FRAME_BITS), 1)
    return repeated(interface, [(LATE_ID, b"load")] * frames, every_s)


def burst(interface: str, can_id: int, frames: int) -> None:
    """So many frames at once, without a payload."""
    with opened(interface) as made:
        for _ in range(frames):
            _send(made, can_id, b"", 0)


@contextmanager
def down(interface: str) -> Iterator[None]:
    """The interface is down inside a ``with``. Raises InputError where this user may not."""
    _switch(interface, False)
    try:
        yield
    finally:
        _switch(interface, True)


def _switch(interface: str, on: bool) -> None:
    """Set an interface's flags as ip(8) does, without the start of a program on a busy CPU."""
    try:
        with socket.socket(socket.AF_CAN, socket.SOCK_RAW, socket.CAN_RAW) as any_:
            told = fcntl.ioctl(any_, _GET_FLAGS, _FLAGS.pack(interface.encode(), 0))
            before = _FLAGS.unpack(told)[1]
            flags = before | _UP if on else before & ~_UP
            fcntl.ioctl(any_, _SET_FLAGS, _FLAGS.pack(interface.encode(), flags))
    except OSError as error:
        raise InputError(
            f"{interface}: {error.strerror}; give a CAN interface, and run it as root"
        ) from None


@contextmanager
def wrong_bit_rate(interface: str, bitrate: int) -> Iterator[None]:
    """The interface at another bit rate. Raises InputError for one that has none, as a vcan."""
    before = facts_of(interface).bitrate
    if before is None:
        raise InputError(f"{interface}: has no bit rate to be wrong; use a controller's interface")
    _set_rate(interface, bitrate)
    try:
        yield
    finally:
        _set_rate(interface, before)


def _set_rate(interface: str, bitrate: int) -> None:
    _run("ip", "link", "set", interface, "down")
    _run("ip", "link", "set", interface, "type", "can", "bitrate", str(bitrate))
    _run("ip", "link", "set", interface, "up")


class Netem:
    """Frames sent by an interface are delayed, lost, doubled or reordered, as tc-netem(8) has it.

    Inside a ``with``; on a vcan that was made with ``echo=1`` alone. The program is started when
    this is made, so that at the instant it has but a line to read: to start one takes a busy CPU
    longer than the loop bears. Raises InputError, on leaving at the latest, for what tc refuses.
    """

    def __init__(self, interface: str, *what: str) -> None:
        self._begin = f"qdisc replace dev {interface} root netem {' '.join(what)}"
        self._end = f"qdisc delete dev {interface} root"
        try:
            self._tc = subprocess.Popen(
                ["tc", "-batch", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True,
            )  # fmt: skip
        except FileNotFoundError:
            raise InputError("tc: not on this machine; install iproute2") from None

    def _say(self, line: str) -> None:
        assert self._tc.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it has ended; close() tells why
            self._tc.stdin.write(line + "\n")
            self._tc.stdin.flush()

    def close(self) -> None:
        """End the program; raises InputError where it has failed."""
        said, _ = self._tc.communicate()
        if self._tc.returncode:
            raise InputError(f"tc {self._begin}: {' '.join(said.split())}")

    def __enter__(self) -> Self:
        self._say(self._begin)
        return self

    def __exit__(self, *_: object) -> None:
        self._say(self._end)
        self.close()


def transmit_queue_full(interface: str) -> Netem:
    """Nothing leaves the interface: once its queue is full, senders are told ENOBUFS."""
    return Netem(interface, "delay", "200s", "limit", str(QUEUED))


@contextmanager
def gateway(source: str, destination: str, *changes: str) -> Iterator[None]:
    """Somebody in the middle: frames of one interface go to another, changed as cangw(1) has it."""
    rule = ("-s", source, "-d", destination, "-e", *changes)
    _run("cangw", "-A", *rule)
    try:
        yield
    finally:
        _run("cangw", "-D", *rule)


def is_virtual(interface: str) -> bool:
    """Whether an interface is a vcan, which no cable can be plugged into."""
    told = json.loads(_run("ip", "-details", "-json", "link", "show", interface))[0]
    return bool(told.get("linkinfo", {}).get("info_kind") == "vcan")


@contextmanager
def joined(one: str, other: str) -> Iterator[None]:
    """Two vcans as at the ends of a cable inside a ``with``; what is done to one is its own."""
    with gateway(one, other), gateway(other, one):
        yield
