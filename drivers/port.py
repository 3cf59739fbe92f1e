"""The port of the hot loop: frames received and sent by compiled code alone.

``receive`` and ``send`` work on a PORT record (``port_record.py``) and an array of FRAME,
for the local bus and for raw CAN sockets alike. The kernel reads and writes packets in
place, in the first 16 bytes of a frame (classic CAN) or the first 72 (CAN FD). Nothing
waits, nothing is allocated, nothing raises; what goes wrong is counted in the record.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
from typing import Self

import numpy as np

from tianyuan.control.errors import InputError
from tianyuan.dbc.frame import frames
from tianyuan.drivers import local_bus
from tianyuan.drivers.address import LOCAL_INTERFACE, Address, check_interface
from tianyuan.drivers.can_port import CanPort
from tianyuan.drivers.links import LISTENER_TAG, add_link, watch
from tianyuan.drivers.port_record import FREE, LIVE, READ_ONLY, closed_port
from tianyuan.drivers.receiving import empty, receive
from tianyuan.drivers.sending import send

__all__ = ["Address", "CanPort", "LocalPort", "Port", "empty", "open_port", "receive", "send"]


def _compile() -> None:
    """Compile what a node calls, on a port that goes nowhere."""
    nowhere, nothing = closed_port(0), frames(1)
    add_link(nowhere, -1, LIVE)
    watch(nowhere, -1, LISTENER_TAG)
    receive(nowhere, nothing, 0, 0)
    empty(nowhere, nothing)
    send(nowhere, nothing, 0, 0)


def _channel_of(bus: str, channel: int) -> int:
    if not 0 <= channel <= 255:
        raise InputError(f"channel {channel} of bus {bus}: not 0 to 255")
    return channel


class LocalPort:
    """A node on a local bus; ``record`` is its PORT, for ``receive`` and ``send``.

    Compiled code that works on the record must have ended before ``close``. Raises
    InputError on a bus, label or channel that does not serve.
    """

    def __init__(
        self, bus: str, label: str, channel: int = 0, record: np.recarray | None = None
    ) -> None:
        self.record = closed_port(_channel_of(bus, channel)) if record is None else record
        _compile()  # before joining: a node on the bus reads
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


Port = LocalPort | CanPort


def open_port(
    where: str | Address, label: str, channel: int = 0, record: np.recarray | None = None
) -> Port:
    """Join a bus as ``label``: a local one by its name or path, or any by its address.

    ``channel``, 0 to 255, is stamped on the frames received; ``record`` is a closed port of
    that channel to be opened, where it is to be one of several. Raises InputError.
    """
    address = where if isinstance(where, Address) else Address(where)
    if address.interface == LOCAL_INTERFACE:
        return LocalPort(address.bus, label, channel, record)
    check_interface(address.interface)
    _compile()  # before joining: a node on the bus reads
    return CanPort(address, _channel_of(address.bus, channel), record)
