"""A CAN interface as compiled code sees it: bound to, lost, and found again.

An interface that goes down keeps its socket, which hears again once it is up. One that is
unplugged vanishes: the kernel unbinds the socket and forgets its filters, and what comes back
under the same name has to be bound to anew.
"""

from __future__ import annotations

import errno
from typing import Final

import numpy as np

from tianyuan.control.kernels import kernel
from tianyuan.drivers import libc
from tianyuan.drivers.clock import monotonic_ns
from tianyuan.drivers.port_record import (
    ADDRESS,
    DOWN,
    FILTER,
    GONE,
    REQUEST,
    UP,
    note_error,
)

LOOK_NS: Final = 10_000_000  # between two looks for an interface that is lost
ADDRESS_BYTES: Final = 24  # struct sockaddr_can
_FILTER_BYTES: Final = 8
_INDEX_WORD = _FLAGS_WORD = 4  # of struct ifreq, after a name of 16 bytes
_SOL_CAN_RAW, _CAN_RAW_FILTER = 101, 1
_SIOCGIFFLAGS, _SIOCGIFINDEX = 0x8913, 0x8933
_IFF_UP: Final = 1
_ENETDOWN, _ENODEV, _ENXIO = errno.ENETDOWN, errno.ENODEV, errno.ENXIO


@kernel
def note_loss(port: np.ndarray, number: int) -> bool:
    """Take note of an interface that is down or gone, if that is what the error number says.

    What waits to be sent is let go: it would be old when the interface is back.
    """
    if number not in (_ENETDOWN, _ENODEV, _ENXIO):
        return False
    record = port[0]
    if record.interface == UP:
        record.outages += 1
    if record.interface != GONE:
        record.interface = DOWN if number == _ENETDOWN else GONE
    record.dropped += record.waiting_count
    record.waiting_count = 0
    record.full_in_a_row = 0
    return True


@kernel
def _asked(port: np.ndarray, request: int) -> bool:
    """Ask the kernel about the interface of the port's name; the answer is in ``request``."""
    address = np.int64(port.ctypes.data) + REQUEST
    return libc.ioctl(port[0].descriptor[0], request, address) == 0


@kernel
def bind(port: np.ndarray) -> bool:
    """Bind the port's socket to the interface of its name, filters first; False if it is not there.

    Hears nothing that the filters keep out, not even for a moment.
    """
    record = port[0]
    base = np.int64(port.ctypes.data)
    if not _asked(port, _SIOCGIFINDEX):
        return False
    record.address[1] = record.request[_INDEX_WORD]
    if record.filter_count >= 0:
        size = record.filter_count * _FILTER_BYTES
        address = base + FILTER if size > 0 else 0
        descriptor = record.descriptor[0]
        if libc.setsockopt(descriptor, _SOL_CAN_RAW, _CAN_RAW_FILTER, address, size) < 0:
            note_error(port, libc.errno())
            return False
    if libc.bind(record.descriptor[0], base + ADDRESS, ADDRESS_BYTES) < 0:
        note_error(port, libc.errno())
        return False
    return True


@kernel
def look_for(port: np.ndarray) -> None:
    """See whether an interface that was lost is back, once in LOOK_NS."""
    record = port[0]
    now_ns = monotonic_ns(record.clock)
    if now_ns - record.looked_ns < LOOK_NS:
        return
    record.looked_ns = now_ns
    if record.interface == GONE and bind(port):
        record.interface = DOWN
    if record.interface == DOWN and _asked(port, _SIOCGIFFLAGS):
        if record.request[_FLAGS_WORD] & _IFF_UP == 0:
            return
        record.interface = UP
        record.returns += 1
