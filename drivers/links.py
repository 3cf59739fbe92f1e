"""The links of a port: how one comes, is noticed, and goes."""

from __future__ import annotations

import errno
import select
import socket
from typing import Final

import numpy as np

from tianyuan.control.kernels import kernel
from tianyuan.drivers import libc
from tianyuan.drivers.port_record import (
    EVENT,
    EVENT_TAG,
    EVENT_WORDS,
    EVENTS,
    FREE,
    LEFT,
    LINKS,
    LIVE,
    OPTION,
    note_error,
)

LISTENER_TAG: Final = LINKS  # what epoll reports for the listener
SEND_BUFFER_BYTES: Final = 4 << 20  # the kernel doubles it: some 10,000 frames
_SOL_SOCKET: Final = int(socket.SOL_SOCKET)
_SO_SNDBUF: Final = int(socket.SO_SNDBUF)
_SO_SNDBUFFORCE: Final = 32
_ACCEPT_FLAGS: Final = int(socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
_READABLE: Final = int(select.EPOLLIN)
_CTL_ADD, _CTL_DEL = 1, 2
_EAGAIN, _EINTR, _ECONNABORTED = errno.EAGAIN, errno.EINTR, errno.ECONNABORTED


@kernel
def watch(port: np.ndarray, descriptor: int, tag: int) -> None:
    """Have epoll report ``tag`` while there is something to read from ``descriptor``."""
    record = port[0]
    record.event[0] = _READABLE
    record.event[EVENT_TAG] = tag
    address = np.int64(port.ctypes.data) + EVENT
    if libc.epoll_ctl(record.epoll, _CTL_ADD, descriptor, address) < 0:
        note_error(port, libc.errno())


@kernel
def widen(port: np.ndarray, descriptor: int) -> None:
    """Raise a link's send buffer as far as this process may."""
    port[0].option = SEND_BUFFER_BYTES
    address = np.int64(port.ctypes.data) + OPTION
    if libc.setsockopt(descriptor, _SOL_SOCKET, _SO_SNDBUFFORCE, address, 4) < 0:
        libc.setsockopt(descriptor, _SOL_SOCKET, _SO_SNDBUF, address, 4)


@kernel
def drop_link(port: np.ndarray, slot: int) -> None:
    """Close a link and free its place."""
    record = port[0]
    descriptor = record.descriptor[slot]
    # Closing is not enough where a forked process still holds the descriptor.
    libc.epoll_ctl(record.epoll, _CTL_DEL, descriptor, np.int64(port.ctypes.data) + EVENT)
    libc.close(descriptor)
    record.descriptor[slot] = -1
    record.state[slot] = FREE
    record.link_dropped[slot] = 0
    record.links -= 1


@kernel
def _find(port: np.ndarray, state: int) -> int:
    """The first link in ``state``, or -1."""
    for slot in range(LINKS):
        if port[0].state[slot] == state:
            return slot
    return -1


@kernel
def add_link(port: np.ndarray, descriptor: int, state: int) -> int:
    """Take a connected socket in as a link; returns its place, or -1 if all are taken.

    A socket that finds no place is closed, which tells its node so.
    """
    record = port[0]
    slot = _find(port, FREE)
    if slot < 0:
        slot = _find(port, LEFT)
        if slot >= 0:
            drop_link(port, slot)
    if slot < 0:
        libc.close(descriptor)
        record.refused += 1
        return -1
    widen(port, descriptor)
    record.descriptor[slot] = descriptor
    record.state[slot] = state
    record.links += 1
    watch(port, descriptor, slot)
    return slot


@kernel
def accept_links(port: np.ndarray) -> None:
    """Take in the nodes that wait at the listener."""
    for _ in range(LINKS):
        descriptor = libc.accept4(port[0].listener, 0, 0, _ACCEPT_FLAGS)
        if descriptor >= 0:
            add_link(port, descriptor, LIVE)
            continue
        number = libc.errno()
        if number == _EAGAIN:
            return
        if number not in (_EINTR, _ECONNABORTED):
            note_error(port, number)
            return


@kernel
def accept_waiting(port: np.ndarray) -> None:
    """Take in the nodes that wait at the listener, if there are any.

    Asking first costs 0.2 microseconds, a fruitless accept4 over 3.
    """
    record = port[0]
    if record.listener < 0:
        return
    record.event[0] = record.listener  # struct pollfd: descriptor, then events asked for
    record.event[1] = _READABLE
    if libc.poll(np.int64(port.ctypes.data) + EVENT, 1, 0) > 0:
        accept_links(port)


@kernel
def _collect(port: np.ndarray) -> tuple[int, bool]:
    """Note the links that epoll reports; returns how many, and whether nodes wait to join."""
    record = port[0]
    address = np.int64(port.ctypes.data) + EVENTS
    count = libc.epoll_wait(record.epoll, address, LINKS + 1, 0)
    if count < 0:
        note_error(port, libc.errno())
    ready = 0
    joining = False
    for k in range(count):
        tag = record.events[((k + record.turn) % count) * EVENT_WORDS + EVENT_TAG]
        if tag == LISTENER_TAG:
            joining = True
        else:
            record.ready[ready] = tag
            ready += 1
    return ready, joining


@kernel
def readable_links(port: np.ndarray) -> int:
    """Note the links with something to read in ``ready``; returns how many there are.

    Nodes that wait to join are taken in first, and what they have already sent is seen.
    """
    port[0].turn = (port[0].turn + 1) % LINKS
    ready, joining = _collect(port)
    if joining:
        accept_links(port)
        ready, joining = _collect(port)
    return ready
