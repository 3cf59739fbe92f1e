"""A port on a CAN interface of the kernel's (SocketCAN)."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import struct
from collections.abc import Collection
from typing import Any, Final, Self

import numpy as np

from tianyuan.control.errors import InputError
from tianyuan.dbc.frame import EXTENDED, EXTENDED_MASK, REMOTE, STANDARD_MASK
from tianyuan.drivers.address import Address, Places, name_of
from tianyuan.drivers.error_frames import ERROR_CLASSES
from tianyuan.drivers.interface import bind
from tianyuan.drivers.interface_facts import check, facts_of
from tianyuan.drivers.links import watch
from tianyuan.drivers.port_record import FILTERS, FREE, LIVE, RAW, closed_port
from tianyuan.drivers.wire_age import OVERFLOWS, STAMP, age_us

RECEIVE_BYTES: Final = 4 << 20  # some 5,000 frames; the default of the kernel holds 277
# Frames that lie in the transmit queue are old when they leave. This bounds them to some
# 30 of ours, however long the queue itself is.
SEND_BYTES: Final = 12_288
_SO_RCVBUFFORCE: Final = 33
_ERROR_FILTER: Final = 2  # CAN_RAW_ERR_FILTER


def filters_of(identifiers: Collection[int]) -> np.ndarray:
    """Filters that let pass just these can_ids: (count, 2) of identifier and mask.

    The kind of identifier is part of the mask, and so is the remote bit: an extended
    identifier whose low bits match a standard one does not pass.
    """
    made = np.zeros((len(identifiers), 2), np.uint32)
    for row, can_id in zip(made, sorted(identifiers), strict=True):
        bits = EXTENDED_MASK if can_id & EXTENDED else STANDARD_MASK
        row[:] = can_id, bits | EXTENDED | REMOTE
    return made


def _open_socket(name: str, fd: bool) -> socket.socket:
    """A socket with all options set, bound to nothing yet."""
    try:
        made = socket.socket(socket.AF_CAN, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.CAN_RAW)
    except OSError as error:
        raise InputError(
            f"CAN interface {name}: this kernel has no raw CAN ({error.strerror}); modprobe can_raw"
        ) from None
    made.setsockopt(socket.SOL_CAN_RAW, _ERROR_FILTER, EXTENDED_MASK)
    if fd:
        made.setsockopt(socket.SOL_CAN_RAW, socket.CAN_RAW_FD_FRAMES, 1)
    made.setsockopt(socket.SOL_SOCKET, STAMP, 1)
    made.setsockopt(socket.SOL_SOCKET, OVERFLOWS, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BYTES)
    try:
        made.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, RECEIVE_BYTES)
    except PermissionError:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
    return made


def _describe(record: np.recarray, address: Address) -> None:
    record.kind = RAW
    record.request[0].view(np.uint8)[: len(address.bus)] = list(address.bus.encode())
    record.address[0].view(np.uint8)[:2] = list(struct.pack("=H", socket.AF_CAN))
    record.filter_count = -1
    # More than the kernel's filters are the codec's to sort out.
    if address.identifiers is not None and len(address.identifiers) <= FILTERS:
        filters = filters_of(address.identifiers)
        record.filters[0, : len(filters)] = filters
        record.filter_count = len(filters)


class CanPort:
    """A node on a CAN interface; ``record`` is its PORT, for ``receive`` and ``send``.

    Hears what its address asks for and the controller's error frames, but not its own.
    Compiled code that works on the record must have ended before ``close``. Raises InputError
    on an interface that does not serve.
    """

    def __init__(
        self, address: Address, channel: int = 0, record: np.recarray | None = None
    ) -> None:
        name = address.bus
        found = facts_of(name)
        check(found, address.bitrate, address.fd)
        self.record = closed_port(channel) if record is None else record
        _describe(self.record, address)
        self._socket = _open_socket(name, found.fd)
        with contextlib.closing(select.epoll()) as epoll:
            self.record.epoll = os.dup(epoll.fileno())
        self.record.descriptor[0, 0] = self._socket.fileno()
        self.record.state[0, 0] = LIVE
        self.record.links = 1
        bound = bind(self.record)
        watch(self.record, self._socket.fileno(), 0)
        if not bound or self.record.errors[0]:
            self.close()
            why = os.strerror(self.record.error[0]) if self.record.errors[0] else "gone just now"
            raise InputError(f"CAN interface {name}: cannot be bound to: {why}")

    def fileno(self) -> int:
        """A descriptor that is readable while there is a frame, or a word on the interface."""
        return int(self.record.epoll[0])

    def close(self) -> None:
        """Leave the bus."""
        if self.fileno() < 0:
            return
        self._socket.close()
        os.close(self.fileno())
        record = self.record[0]
        record.epoll = -1
        record.descriptor[:] = -1
        record.state[:] = FREE
        record.links = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


_COUNTERS: Final = (
    "received", "sent", "dropped", "replaced", "full", "overwritten", "malformed",
    "outages", "returns", "errors",
)  # fmt: skip


def can_interfaces(places: Places, ports: np.ndarray) -> dict[str, dict[str, Any]]:
    """The figures of those among some buses that are CAN interfaces, by name."""
    return {
        name_of(place): can_figures(ports[k : k + 1])
        for k, place in enumerate(places)
        if ports["kind"][k] == RAW
    }


def can_figures(record: np.ndarray) -> dict[str, Any]:
    """What a CAN interface's port has counted, and how long frames lay in the kernel."""
    counted = int(record["ages"][0].sum())
    mean_us = float(record["age_sum_ns"][0]) / max(counted, 1) / 1000.0
    return {
        **{name: int(record[name][0]) for name in _COUNTERS},
        "bus_errors": dict(zip(ERROR_CLASSES, record["bus_error"][0].tolist(), strict=True)),
        "age_us": {
            "mean": mean_us,
            "p50": age_us(record, 0.5),
            "p99": age_us(record, 0.99),
            "max": float(record["age_max_ns"][0]) / 1000.0,
        },
    }
