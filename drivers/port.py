"""The raw port of the hot loop: frames received and sent by compiled code alone.

``receive`` and ``send`` work on a PORT record (``links.py``) and an array of FRAME, for the
local bus and for raw CAN sockets alike. The kernel reads and writes packets in place, in
the first 16 bytes of a frame (classic CAN) or the first 72 (CAN FD). Nothing waits, nothing
is allocated, nothing raises; what goes wrong is counted in the record.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
from typing import Final, Self

import numpy as np
from numba import njit

from tianyuan.control.errors import InputError
from tianyuan.dbc import frame as wire
from tianyuan.dbc.frame import CLASSIC_SIZE, FD_SIZE, FDF, FRAME
from tianyuan.drivers import libc, local_bus
from tianyuan.drivers.links import (
    BATCH,
    FREE,
    H_FLAGS,
    H_SIZE,
    HEADER_BYTES,
    HEADERS,
    LEFT,
    LINKS,
    LISTENER_TAG,
    LIVE,
    READ_ONLY,
    accept_waiting,
    add_link,
    closed_port,
    drop_link,
    note_error,
    readable_links,
    watch,
)

_FRAME_BYTES: Final = FRAME.itemsize
_CLASSIC_LENGTH: Final = 8
_FD_LENGTH: Final = 64
_TRUNCATED: Final = int(socket.MSG_TRUNC)
_RECEIVE_FLAGS: Final = int(socket.MSG_DONTWAIT)
_SEND_FLAGS: Final = int(socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
_READ_ATTEMPTS: Final = 3
_EAGAIN, _EINTR, _ENOBUFS = errno.EAGAIN, errno.EINTR, errno.ENOBUFS
_EPIPE, _ECONNRESET, _ENOTCONN = errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN


@njit(cache=True)
def _aim(port: np.ndarray, frames: np.ndarray, k: int, at: int, size: int) -> None:
    """Point message ``k`` at the first ``size`` bytes of frame ``at``."""
    port[0].vectors[k, 0] = np.int64(frames.ctypes.data) + at * _FRAME_BYTES
    port[0].vectors[k, 1] = size


@njit(cache=True)
def _packets_before_end(port: np.ndarray, slot: int, count: int) -> int:
    """Packets of ``count`` read that come before the end of the link, which then closes."""
    for k in range(count):
        if port[0].headers[k, H_SIZE] == 0:
            drop_link(port, slot)
            return k
    return count


@njit(cache=True)
def _read_link(port: np.ndarray, slot: int, asked: int) -> int:
    """Read up to ``asked`` packets from a link to where the messages point."""
    record = port[0]
    address = np.int64(port.ctypes.data) + HEADERS
    for _ in range(_READ_ATTEMPTS):
        count = libc.recvmmsg(record.descriptor[slot], address, asked, _RECEIVE_FLAGS, 0)
        if count >= 0:
            return _packets_before_end(port, slot, count)
        number = libc.errno()
        if number == _EAGAIN:
            return 0
        # A node that leaves with frames unread resets the link; it is reported once, ahead
        # of the frames that the node sent before, so read on.
        if number not in (_ECONNRESET, _EINTR):
            note_error(port, number)
            return 0
    return 0


@njit(cache=True)
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


@njit(cache=True)
def _keep(
    port: np.ndarray, slot: int, frames: np.ndarray, first: int, count: int, t_ns: int
) -> int:
    """Complete ``count`` packets from frame ``first`` on; returns where the next frame goes.

    A packet that is no frame is counted, and its gap closed.
    """
    record = port[0]
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


@njit(cache=True)
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
            _aim(port, frames, message, at + message, FD_SIZE)
        count = _read_link(port, slot, asked)
        at = _keep(port, slot, frames, at, count, t_ns)
        room -= count
        if count == asked:
            record.ready[unfinished] = slot
            unfinished += 1
    return at, room, unfinished


@njit(cache=True)
def receive(port: np.ndarray, frames: np.ndarray, start: int, t_ns: int) -> int:
    """Receive what has arrived into ``frames`` from ``start`` on; returns how many frames.

    ``port`` is a PORT array of one, ``frames`` an array of FRAME. Frames get the receipt
    time ``t_ns`` and the port's channel. Those of one sender come in the order sent; links
    share the room fairly, and what finds none stays queued for the next call. Nodes that
    have joined or left the bus are noticed here.
    """
    if start < 0 or start >= len(frames):
        return 0
    at = start
    room = len(frames) - start  # in packets, so that a stream of bad ones ends too
    ready = readable_links(port)
    while ready > 0 and room > 0:
        at, room, ready = _read_round(port, frames, at, room, ready, t_ns)
    port[0].received += at - start
    return at - start


@njit(cache=True)
def _write_link(port: np.ndarray, slot: int, count: int) -> int:
    """Send ``count`` messages to a link; returns how many it took."""
    record = port[0]
    address = np.int64(port.ctypes.data) + HEADERS
    done = 0
    taken = 0
    while done < count:
        descriptor = record.descriptor[slot]
        sent = libc.sendmmsg(descriptor, address + done * HEADER_BYTES, count - done, _SEND_FLAGS)
        if sent > 0:
            done += sent
            taken += sent
            continue
        number = libc.errno()
        if number in (_EPIPE, _ECONNRESET, _ENOTCONN):
            record.state[slot] = LEFT  # receive closes it, once it has read what is left
            return taken
        lost = count - done  # a full link is full for the rest of the batch
        if number not in (_EAGAIN, _ENOBUFS):
            note_error(port, number)
            lost = 1  # the frame itself is refused; the next may pass
        record.dropped += lost
        record.link_dropped[slot] += lost
        done += lost
    return taken


@njit(cache=True)
def _write_batch(port: np.ndarray, frames: np.ndarray, start: int, count: int) -> int:
    """Send up to BATCH frames to every link; returns how many at least one link took."""
    for k in range(count):
        flags = frames[start + k]["flags"]
        _aim(port, frames, k, start + k, FD_SIZE if flags & FDF else CLASSIC_SIZE)
    reached = 0
    for slot in range(LINKS):
        if port[0].state[slot] == LIVE:
            reached = max(reached, _write_link(port, slot, count))
    return reached


@njit(cache=True)
def send(port: np.ndarray, frames: np.ndarray, start: int, n: int) -> int:
    """Send ``n`` frames from ``start`` on to every link, without ever waiting for one.

    Frames go as CAN FD if their flags hold FDF. Returns how many frames at least one link
    took; alone on a bus that is 0. A link with no room loses the frame, which the record
    counts. Nodes that joined before the call are reached.
    """
    if start < 0:
        return 0
    accept_waiting(port)
    end = min(start + n, len(frames))
    reached = 0
    for first in range(start, end, BATCH):
        reached += _write_batch(port, frames, first, min(BATCH, end - first))
    port[0].sent += reached
    return reached


def _compile() -> None:
    """Compile what a node calls, on a port that goes nowhere."""
    nowhere, nothing = closed_port(0), wire.frames(1)
    add_link(nowhere, -1, LIVE)
    watch(nowhere, -1, LISTENER_TAG)
    receive(nowhere, nothing, 0, 0)
    send(nowhere, nothing, 0, 0)


class LocalPort:
    """A node on a local bus; ``record`` is its PORT, for ``receive`` and ``send``.

    Compiled code that works on the record must have ended before ``close``. Raises
    InputError on a bus, label or channel that does not serve.
    """

    def __init__(self, bus: str, label: str, channel: int = 0) -> None:
        if not 0 <= channel <= 255:
            raise InputError(f"channel {channel} of bus {bus}: not 0 to 255")
        _compile()  # before joining: a node on the bus reads
        self.record = closed_port(channel)
        node = local_bus.join(bus, label)
        self.path = node.path
        with contextlib.closing(select.epoll()) as epoll:
            self.record.epoll = os.dup(epoll.fileno())
        for link in node.links:
            add_link(self.record, link.detach(), LIVE)
        listener = node.listener.detach()
        self.record.listener = listener
        watch(self.record, listener, LISTENER_TAG)
        if self.record.errors[0]:
            self.close()
            raise InputError(
                f"bus {bus}: cannot watch its links: {os.strerror(self.record.error[0])}"
            )

    def hear_itself(self) -> int:
        """Receive the frames sent, too, from now on; returns the link they come by."""
        mouth, ear = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        add_link(self.record, mouth.detach(), LIVE)
        return int(add_link(self.record, ear.detach(), READ_ONLY))

    def fileno(self) -> int:
        """A descriptor that is readable while there is a frame, or a node's coming or going."""
        return int(self.record.epoll[0])

    def close(self) -> None:
        """Leave the bus. The other nodes still read what was sent."""
        if self.fileno() < 0:
            return
        self.path.unlink(missing_ok=True)
        record = self.record[0]
        for descriptor in (record.listener, *record.descriptor[record.state != FREE]):
            # Closing alone would not end a link that a forked process still holds.
            with socket.socket(fileno=int(descriptor)) as end, contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        os.close(self.fileno())
        record.listener = record.epoll = -1
        record.descriptor[:] = -1
        record.state[:] = FREE
        record.links = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_port(bus: str, label: str, channel: int = 0) -> LocalPort:
    """Join the local bus ``bus`` (a name, or a path with a slash) as ``label``.

    ``channel``, 0 to 255, is stamped on the frames received. Raises InputError.
    """
    return LocalPort(bus, label, channel)
