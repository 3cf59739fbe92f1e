"""Faults of the kernel's CAN in real time, by what it has for them: ip, tc, cangw, error frames.

What a controller says of its bus is said by error frames; on a vcan, which has no controller,
anybody may send them. Needs root, and iproute2 where it says so.
"""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from tianyuan.control.errors import InputError
from tianyuan.dbc.frame import ERROR
from tianyuan.hil.faults.interpreter import again_and_again

_FRAME: Final = struct.Struct("=IB3x8s")
_AGAIN_S: Final = 0.01  # a controller that is not acknowledged says so again and again
# Classes of linux/can/error.h, and the second byte of what the controller says of itself.
BUS_OFF, CONTROLLER, NO_ACKNOWLEDGE, RESTARTED = 0x40, 0x04, 0x20, 0x100
PASSIVE: Final = 0x30
FRAME_BITS: Final = 125  # of eight bytes with their share of stuff bits
LATE_ID: Final = 0x7FF
QUEUED: Final = 10


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
    """The interface is down inside a ``with``."""
    _run("ip", "link", "set", interface, "down")
    try:
        yield
    finally:
        _run("ip", "link", "set", interface, "up")


def _facts(interface: str) -> dict[str, Any]:
    return json.loads(_run("ip", "-details", "-json", "link", "show", interface))[0]


@contextmanager
def wrong_bit_rate(interface: str, bitrate: int) -> Iterator[None]:
    """The interface at another bit rate. Raises InputError for one that has none, as a vcan."""
    told = _facts(interface).get("linkinfo", {}).get("info_data", {}).get("bittiming", {})
    if "bitrate" not in told:
        raise InputError(f"{interface}: has no bit rate to be wrong; use a controller's interface")
    _set_rate(interface, bitrate)
    try:
        yield
    finally:
        _set_rate(interface, int(told["bitrate"]))


def _set_rate(interface: str, bitrate: int) -> None:
    _run("ip", "link", "set", interface, "down")
    _run("ip", "link", "set", interface, "type", "can", "bitrate", str(bitrate))
    _run("ip", "link", "set", interface, "up")


@contextmanager
def netem(interface: str, *what: str) -> Iterator[None]:
    """Frames sent by an interface are delayed, lost, doubled or reordered, as tc-netem(8) has it.

    On a vcan that was made with ``echo=1`` alone.
    """
    _run("tc", "qdisc", "replace", "dev", interface, "root", "netem", *what)
    try:
        yield
    finally:
        _run("tc", "qdisc", "delete", "dev", interface, "root")


def transmit_queue_full(interface: str) -> contextlib.AbstractContextManager[None]:
    """Nothing leaves the interface: once its queue is full, senders are told ENOBUFS."""
    return netem(interface, "delay", "200s", "limit", str(QUEUED))


@contextmanager
def gateway(source: str, destination: str, *changes: str) -> Iterator[None]:
    """Somebody in the middle: frames of one interface go to another, changed as cangw(1) has it."""
    rule = ("-s", source, "-d", destination, "-e", *changes)
    _run("cangw", "-A", *rule)
    try:
        yield
    finally:
        _run("cangw", "-D", *rule)
