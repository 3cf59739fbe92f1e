"""Sending: from an array of frames to all of a port's links, by compiled code alone."""

from __future__ import annotations

import errno
import socket
from typing import Final

import numpy as np

from tianyuan.control.kernels import kernel
from tianyuan.dbc.frame import CLASSIC_SIZE, FD_SIZE, FDF
from tianyuan.drivers import libc
from tianyuan.drivers.links import accept_waiting
from tianyuan.drivers.port_record import (
    BATCH,
    HEADER_BYTES,
    HEADERS,
    LEFT,
    LINKS,
    LIVE,
    RAW,
    aim,
    note_error,
)
from tianyuan.drivers.raw_sending import send_raw

_FLAGS: Final = int(socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
_EAGAIN, _ENOBUFS = errno.EAGAIN, errno.ENOBUFS
_EPIPE, _ECONNRESET, _ENOTCONN = errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN


@kernel
def _write_link(port: np.ndarray, slot: int, count: int) -> int:
    """Send ``count`` messages to a link; returns how many it took."""
    record = port[0]
    address = np.int64(port.ctypes.data) + HEADERS
    done = 0
    taken = 0
    while done < count:
        descriptor = record.descriptor[slot]
        sent = libc.sendmmsg(descriptor, address + done * HEADER_BYTES, count - done, _FLAGS)
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


@kernel
def _write_batch(port: np.ndarray, frames: np.ndarray, start: int, count: int) -> int:
    """Send up to BATCH frames to every link; returns how many at least one link took."""
    for k in range(count):
        flags = frames[start + k]["flags"]
        aim(port, frames, k, start + k, FD_SIZE if flags & FDF else CLASSIC_SIZE)
    reached = 0
    for slot in range(LINKS):
        if port[0].state[slot] == LIVE:
            reached = max(reached, _write_link(port, slot, count))
    return reached


@kernel
def send(port: np.ndarray, frames: np.ndarray, start: int, n: int) -> int:
    """Send ``n`` frames from ``start`` on to every link, without ever waiting for one.

    Frames go as CAN FD if their flags hold FDF. Returns how many frames at least one link
    took; alone on a bus that is 0. A link with no room loses the frame, which the record
    counts. Nodes that joined before the call are reached. To a CAN interface as in
    ``raw_sending.py``.
    """
    if start < 0:
        return 0
    end = min(start + n, len(frames))
    if port[0].kind == RAW:
        return send_raw(port, frames, start, end)
    accept_waiting(port)
    reached = 0
    for first in range(start, end, BATCH):
        reached += _write_batch(port, frames, first, min(BATCH, end - first))
    port[0].sent += reached
    return reached
