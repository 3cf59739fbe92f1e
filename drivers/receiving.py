"""Receiving: from a port's links into an array of frames, by compiled code alone."""

from __future__ import annotations

import errno
import socket
from typing import Final

import numpy as np

from tianyuan.control.kernels import kernel
from tianyuan.dbc.frame import CLASSIC_SIZE, FD_SIZE, FDF
from tianyuan.drivers import libc
from tianyuan.drivers.error_frames import ERROR_CLASSES, classes_of, is_error
from tianyuan.drivers.interface import look_for, note_loss
from tianyuan.drivers.links import drop_link, readable_links
from tianyuan.drivers.port_record import (
    BATCH,
    CONTROL_WORDS,
    H_CONTROL_SIZE,
    H_FLAGS,
    H_SIZE,
    HEADERS,
    RAW,
    UP,
    aim,
    note_error,
)
from tianyuan.drivers.wire_age import forget_ages, read_control, wall_ns

_CLASSIC_LENGTH: Final = 8
_FD_LENGTH: Final = 64
_TRUNCATED: Final = int(socket.MSG_TRUNC)
_FLAGS: Final = int(socket.MSG_DONTWAIT)
_ATTEMPTS: Final = 3
_CLASSES: Final = len(ERROR_CLASSES)
_ROUNDS: Final = 256  # of emptying a port that fills as fast as it is read
_EAGAIN, _EINTR, _ECONNRESET = errno.EAGAIN, errno.EINTR, errno.ECONNRESET


@kernel
def _packets_before_end(port: np.ndarray, slot: int, count: int) -> int:
    """Packets of ``count`` read that come before the end of the link, which then closes."""
    for k in range(count):
        if port[0].headers[k, H_SIZE] == 0:
            drop_link(port, slot)
            return k
    return count


@kernel
def _read_link(port: np.ndarray, slot: int, asked: int) -> int:
    """Read up to ``asked`` packets from a link to where the messages point."""
    record = port[0]
    address = np.int64(port.ctypes.data) + HEADERS
    control_bytes = 8 * CONTROL_WORDS if record.kind == RAW else 0
    for _ in range(_ATTEMPTS):
        for k in range(asked):
            record.headers[k, H_CONTROL_SIZE] = control_bytes  # the kernel writes what it used
        count = libc.recvmmsg(record.descriptor[slot], address, asked, _FLAGS, 0)
        if count >= 0:
            return _packets_before_end(port, slot, count)
        number = libc.errno()
        if number == _EAGAIN:
            return 0
        if record.kind == RAW and note_loss(port, number):
            continue  # it is told once; what came before may still lie there
        # A node that leaves with frames unread resets the link; it is reported once, ahead
        # of the frames that the node sent before, so read on.
        if number not in (_ECONNRESET, _EINTR):
            note_error(port, number)
            return 0
    return 0


@kernel
def _settle(frames: np.ndarray, at: int, size: int, channel: int, t_ns: int) -> bool:
    """Complete a frame that the kernel has written ``size`` bytes of; False if it is none.

    Bytes past the payload are zeroed: what the codec could see of a frame is then what a
    log of it holds.
    """
    frame = frames[at]
    length = frame["length"]
    if size == CLASSIC_SIZE and length <= _CLASSIC_LENGTH:
        frame["flags"] = 0
    elif size == FD_SIZE and length <= _FD_LENGTH:
        frame["flags"] |= FDF
    else:
        return False
    frame["channel"] = channel
    frame["reserved"] = 0
    frame["payload"][length:] = 0
    frame["t_ns"] = t_ns
    return True


@kernel
def _note_errors(port: np.ndarray, frames: np.ndarray, at: int) -> None:
    """Count an error frame by its classes."""
    found = classes_of(frames[at])
    for k in range(_CLASSES):
        port[0].bus_error[k] += (found >> k) & 1


@kernel
def _note_raw(port: np.ndarray, frames: np.ndarray, first: int, count: int) -> None:
    """Book what a CAN interface said of ``count`` packets, and in them of itself."""
    now_ns = wall_ns(port)
    for k in range(count):
        read_control(port, k, now_ns)
        if is_error(frames[first + k]):
            _note_errors(port, frames, first + k)


@kernel
def _keep(
    port: np.ndarray, slot: int, frames: np.ndarray, first: int, count: int, t_ns: int
) -> int:
    """Complete ``count`` packets from frame ``first`` on; returns where the next frame goes.

    A packet that is no frame is counted, and its gap closed.
    """
    record = port[0]
    if record.kind == RAW and count > 0:
        _note_raw(port, frames, first, count)
    following = first
    for k in range(count):
        at = first + k
        whole = record.headers[k, H_FLAGS] & _TRUNCATED == 0
        size = record.headers[k, H_SIZE]
        if not (whole and _settle(frames, at, size, record.channel, t_ns)):
            record.malformed += 1
            continue
        if following != at:
            frames[following] = frames[at]
        following += 1
        record.newest = slot
    return following


@kernel
def _read_round(
    port: np.ndarray, frames: np.ndarray, at: int, room: int, ready: int, t_ns: int
) -> tuple[int, int, int]:
    """Read a fair share from each ready link, from frame ``at`` on.

    Returns the next frame's place, the room left, and how many links may hold more.
    """
    record = port[0]
    share = min(BATCH, max(1, room // ready))
    unfinished = 0
    for k in range(ready):
        slot = record.ready[k]
        asked = min(share, room)
        if asked == 0:
            break
        for message in range(asked):
            aim(port, frames, message, at + message, FD_SIZE)
        count = _read_link(port, slot, asked)
        at = _keep(port, slot, frames, at, count, t_ns)
        room -= count
        if count == asked:
            record.ready[unfinished] = slot
            unfinished += 1
    return at, room, unfinished


@kernel
def receive(port: np.ndarray, frames: np.ndarray, start: int, t_ns: int) -> int:
    """Receive what has arrived into ``frames`` from ``start`` on; returns how many frames.

    ``port`` is a PORT array of one, ``frames`` an array of FRAME. Frames get the receipt
    time ``t_ns`` and the port's channel. Those of one sender come in the order sent; links
    share the room fairly, and what finds none stays queued for the next call. Nodes that
    have joined or left the bus are noticed here, and so is a CAN interface that is lost or back.
    """
    if start < 0 or start >= len(frames):
        return 0
    if port[0].kind == RAW and port[0].interface != UP:
        look_for(port)
    at = start
    room = len(frames) - start  # in packets, so that a stream of bad ones ends too
    ready = readable_links(port)
    while ready > 0 and room > 0:
        at, room, ready = _read_round(port, frames, at, room, ready, t_ns)
    port[0].received += at - start
    return at - start


@kernel
def empty(port: np.ndarray, frames: np.ndarray) -> int:
    """Let go all that has arrived, over ``frames``; returns how many frames that were.

    How old they were says nothing of what will be read: ages are booked anew from here.
    """
    total = 0
    for _ in range(_ROUNDS):
        count = receive(port, frames, 0, 0)
        total += count
        if count < len(frames):
            break
    forget_ages(port)
    return total
