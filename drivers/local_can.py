"""The local bus as python-can's interface ``tianyuan``, for any tool built on python-can."""

from __future__ import annotations

import select
import threading
import time
from typing import Any, Final

import can
import numpy as np
from can.typechecking import AutoDetectedConfig

from tianyuan.control.errors import InputError
from tianyuan.dbc.frame import frames as new_frames
from tianyuan.drivers import local_bus
from tianyuan.drivers.messages import read_frame, write_frame
from tianyuan.drivers.port import LocalPort, receive, send

_NOBODY: Final = -1


class LocalBus(can.BusABC):
    """A node on a local bus, for python-can: ``can.Bus(interface="tianyuan", channel="car")``.

    ``channel`` is a bus's name or, with a slash in it, its directory. With ``fd`` off, CAN FD
    messages are neither sent nor seen, as by a classic controller. ``label`` names the node
    for people. Settings of a real bus (bit rates, timing) mean nothing here and are ignored.
    Timestamps are wall-clock seconds at receipt. Sending never waits: a node that does not
    read loses the message, the others get it. Safe to use from several threads.

    Raises ``can.CanInitializationError`` on a channel that does not serve.
    """

    def __init__(
        self,
        channel: Any,
        can_filters: can.typechecking.CanFilters | None = None,
        fd: bool = True,
        receive_own_messages: bool = False,
        label: str = "python-can",
        **kwargs: object,
    ) -> None:
        try:
            self._port = LocalPort("" if channel is None else str(channel), label)
        except InputError as error:
            raise can.CanInitializationError(str(error)) from error
        self.channel_info = f"local bus {channel}"
        self._channel = channel
        self._fd = bool(fd)
        self._can_protocol = can.CanProtocol.CAN_FD if fd else can.CanProtocol.CAN_20
        self._own_link = self._port.hear_itself() if receive_own_messages else _NOBODY
        self._record = self._port.record.view(np.ndarray)  # which numba recognises sooner
        self._lock = threading.Lock()  # the port is for one thread at a time
        # One frame at a time: what is not yet asked for keeps the descriptor readable.
        self._in = new_frames(1)
        self._out = new_frames(1)
        super().__init__(channel, can_filters)

    def _check_open(self) -> None:
        if self._is_shutdown:
            raise can.CanOperationError(f"{self.channel_info}: already shut down")

    def _receive_one(self) -> can.Message | None:
        with self._lock:
            self._check_open()
            if not receive(self._record, self._in, 0, 0):
                return None
            own = int(self._record["newest"][0]) == self._own_link
            return read_frame(self._in, 0, time.time(), self._channel, own)

    def _recv_internal(self, timeout: float | None) -> tuple[can.Message | None, bool]:
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            message = self._receive_one()
            if message is not None and (self._fd or not message.is_fd):
                return message, False
            left_s = None if deadline is None else deadline - time.monotonic()
            if left_s is not None and left_s <= 0.0:
                return None, False
            if message is None:
                self._wait(left_s)

    def _wait(self, seconds: float | None) -> None:
        """Wait for something to receive, for some seconds or, with None, for ever."""
        readable = select.poll()
        readable.register(self.fileno(), select.POLLIN)
        readable.poll(None if seconds is None else seconds * 1000.0)

    def send(self, msg: can.Message, timeout: float | None = None) -> None:
        """Send a message to every node there is; ``timeout`` is not needed, as nothing waits.

        Raises ``can.CanOperationError`` if no frame of this bus can carry it.
        """
        if msg.is_fd and not self._fd:
            raise can.CanOperationError(
                f"{self.channel_info}: message {msg.arbitration_id:#x} is CAN FD; open with fd=True"
            )
        with self._lock:
            self._check_open()
            try:
                write_frame(msg, self._out, 0)
            except ValueError as error:
                raise can.CanOperationError(f"{self.channel_info}: {error}") from error
            send(self._record, self._out, 0, 1)

    def fileno(self) -> int:
        """A descriptor that is readable while there is a message to receive."""
        return self._port.fileno()

    @property
    def counters(self) -> dict[str, int]:
        """What the port has counted: frames received, sent, dropped and so on."""
        names = ("received", "sent", "dropped", "malformed", "refused", "errors", "links")
        return {name: int(self._record[name][0]) for name in names}

    def shutdown(self) -> None:
        """Leave the bus."""
        super().shutdown()
        with self._lock:
            self._port.close()

    @staticmethod
    def _detect_available_configs() -> list[AutoDetectedConfig]:
        return [{"interface": "tianyuan", "channel": name} for name in local_bus.buses()]
