"""Sending to a CAN interface, whose queue may be full: what leaves next is the newest there is.

A frame that finds no room waits in the port, one of an identifier, for the next call. A newer
one of its identifier takes its place, and what has waited for WAIT_NS is let go, so that a
queue that opens after a while passes on nothing old.
"""

from __future__ import annotations

import errno
import socket
from typing import Final

import numpy as np

from tianyuan.control.kernels import kernel
from tianyuan.dbc.frame import CLASSIC_SIZE, FD_SIZE, FDF, WORDS
from tianyuan.drivers import libc
from tianyuan.drivers.clock import monotonic_ns
from tianyuan.drivers.interface import note_loss
from tianyuan.drivers.port_record import (
    BATCH,
    FRAME_BYTES,
    H_CONTROL_SIZE,
    HEADER_BYTES,
    HEADERS,
    UP,
    WAITING,
    WAITING_FRAMES,
    aim,
    note_error,
)

WAIT_NS: Final = 20_000_000
_FLAGS: Final = int(socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
_EAGAIN, _ENOBUFS = errno.EAGAIN, errno.ENOBUFS
_ID, _FLAGS_SHIFT = 0xFFFF_FFFF, 40  # in the first word of a frame


@kernel
def _write(port: np.ndarray, count: int) -> tuple[int, int]:
    """Hand ``count`` messages to the interface; returns how many it took, how many are done.

    Those not done found no room. What an interface that is lost was given is done, too.
    """
    record = port[0]
    address = np.int64(port.ctypes.data) + HEADERS
    for k in range(count):
        record.headers[k, H_CONTROL_SIZE] = 0  # left by a receipt, they would be sent along
    taken = done = 0
    while done < count:
        left = count - done
        sent = libc.sendmmsg(record.descriptor[0], address + done * HEADER_BYTES, left, _FLAGS)
        if sent > 0:
            done += sent
            taken += sent
            continue
        number = libc.errno()
        if number in (_EAGAIN, _ENOBUFS):
            break
        if note_loss(port, number):
            record.dropped += left
            return taken, count
        note_error(port, number)
        record.dropped += 1  # the frame itself is refused; the next may pass
        done += 1
    return taken, done


@kernel
def forget(port: np.ndarray, count: int) -> None:
    """Take the first ``count`` of the waiting frames off their list."""
    record = port[0]
    for k in range(count, record.waiting_count):
        for word in range(WORDS):
            record.waiting[k - count, word] = record.waiting[k, word]
        record.waiting_ns[k - count] = record.waiting_ns[k]
    record.waiting_count = max(record.waiting_count - count, 0)


@kernel
def keep_waiting(port: np.ndarray, words: np.ndarray, at: int, now_ns: int) -> None:
    """Let frame ``at`` wait, in the place of an older one of its identifier."""
    record = port[0]
    slot = record.waiting_count
    for k in range(record.waiting_count):
        if (record.waiting[k, 0] ^ words[at * WORDS]) & _ID == 0:
            slot = k
    if slot == WAITING:
        record.dropped += 1
        return
    if slot == record.waiting_count:
        record.waiting_count += 1
    else:
        record.dropped += 1
        record.replaced += 1
    for word in range(WORDS):
        record.waiting[slot, word] = words[at * WORDS + word]
    record.waiting_ns[slot] = now_ns


@kernel
def _is_replaced(port: np.ndarray, k: int, words: np.ndarray, start: int, end: int) -> bool:
    for at in range(start, end):
        if (port[0].waiting[k, 0] ^ words[at * WORDS]) & _ID == 0:
            return True
    return False


@kernel
def retire(port: np.ndarray, words: np.ndarray, start: int, end: int, now_ns: int) -> None:
    """Let go the waiting frames that are old, or that frames ``start`` to ``end`` replace."""
    record = port[0]
    kept = 0
    for k in range(record.waiting_count):
        replaced = _is_replaced(port, k, words, start, end)
        if replaced or now_ns - record.waiting_ns[k] > WAIT_NS:
            record.dropped += 1
            record.replaced += int(replaced)
            continue
        for word in range(WORDS):
            record.waiting[kept, word] = record.waiting[k, word]
        record.waiting_ns[kept] = record.waiting_ns[k]
        kept += 1
    record.waiting_count = kept


@kernel
def _send_waiting(port: np.ndarray) -> bool:
    """Send what waits; whether none of it is left."""
    record = port[0]
    address = np.int64(port.ctypes.data) + WAITING_FRAMES
    for k in range(record.waiting_count):
        is_fd = (record.waiting[k, 0] >> _FLAGS_SHIFT) & FDF
        record.vectors[k, 0] = address + k * FRAME_BYTES
        record.vectors[k, 1] = FD_SIZE if is_fd else CLASSIC_SIZE
    taken, done = _write(port, record.waiting_count)
    record.sent += taken
    forget(port, done)
    return record.waiting_count == 0


@kernel
def _send_batch(port: np.ndarray, frames: np.ndarray, start: int, count: int) -> tuple[int, int]:
    """Send up to BATCH frames; returns how many left, and how many need not wait."""
    for k in range(count):
        flags = frames[start + k]["flags"]
        aim(port, frames, k, start + k, FD_SIZE if flags & FDF else CLASSIC_SIZE)
    return _write(port, count)


@kernel
def send_raw(port: np.ndarray, frames: np.ndarray, start: int, end: int) -> int:
    """Send frames ``start`` to ``end``; returns how many of them left."""
    record = port[0]
    if record.interface != UP:
        record.dropped += max(end - start, 0)
        return 0
    words = frames.view(np.int64)
    room = True
    if record.waiting_count > 0:
        retire(port, words, start, end, monotonic_ns(record.clock))
        room = _send_waiting(port)
    elif start >= end:
        return 0  # nothing was tried, so nothing is known of the queue
    left, at = 0, start
    while room and at < end and record.interface == UP:
        count = min(BATCH, end - at)
        taken, done = _send_batch(port, frames, at, count)
        left += taken
        at += done
        room = done == count
    if record.interface != UP:
        record.dropped += end - at
    elif room:
        record.full_in_a_row = 0
    else:
        record.full += 1
        record.full_in_a_row += 1
        now_ns = monotonic_ns(record.clock)
        for k in range(at, end):
            keep_waiting(port, words, k, now_ns)
    record.sent += left
    return left
