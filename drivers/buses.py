"""All the buses of a car, as one array of ports for the hot loop.

A bus's place is the channel of its frames, received and sent.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Self

import numpy as np

from tianyuan.control.kernels import kernel
from tianyuan.drivers.address import Places
from tianyuan.drivers.port import open_port, receive, send
from tianyuan.drivers.port_record import UP, closed_ports


@kernel
def receive_all(ports, frames, t_ns):
    """Receive what has arrived on every bus into ``frames``; returns how many frames.

    ``ports`` is a PORT array, one a bus; see ``receiving.receive``.
    """
    n = 0
    for k in range(ports.size):
        n += receive(ports[k : k + 1], frames, n, t_ns)
    return n


@kernel
def send_all(ports, frames, n):
    """Send the first ``n`` frames, each by the bus of its channel, in as few calls as runs."""
    first = 0
    while first < n:
        channel = frames[first].channel
        end = first + 1
        while end < n and frames[end].channel == channel:
            end += 1
        if channel < ports.size:
            send(ports[channel : channel + 1], frames, first, end - first)
        first = end


@kernel
def any_lost(ports):
    """1 if a CAN interface among the ports is down or gone, or was since last asked, else 0."""
    lost = 0
    for k in range(ports.size):
        if ports[k].interface != UP or ports[k].outages != ports[k].asked_outages:
            lost = 1
        ports[k].asked_outages = ports[k].outages
    return lost


@kernel
def most_unsent(ports):
    """For how many sends in a row, 255 at most, a port has found its queue full."""
    most = 0
    for k in range(ports.size):
        most = max(most, ports[k].full_in_a_row)
    return min(most, 255)


class Buses:
    """A node on each of a car's buses; ``record`` holds their PORTs, in the buses' order.

    Compiled code that works on the record must have ended before ``close``. Raises InputError
    on a bus that cannot be joined.
    """

    def __init__(self, places: Places, label: str) -> None:
        self.record: np.recarray = closed_ports(range(len(places)))
        with ExitStack() as opened:
            for channel, place in enumerate(places):
                own = self.record[channel : channel + 1].view(np.recarray)
                port = open_port(place, label, channel, own)
                opened.callback(port.close)
            self._opened = opened.pop_all()

    def close(self) -> None:
        """Leave all of them."""
        self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
