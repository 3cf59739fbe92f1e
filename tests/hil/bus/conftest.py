"""Buses to play with: nodes that queue frames at chosen instants, and what is heard of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pytest

from tianyuan.control.records import record
from tianyuan.dbc.frame import ERROR, FRAME, frames
from tianyuan.firmware.car_shape import Bus
from tianyuan.firmware.host_record import HOST as HOST_RECORD
from tianyuan.hil.bus import carry, injection, port
from tianyuan.hil.bus.make import net_of
from tianyuan.hil.bus.records import GUARD, HOST, RIG, Ears, Net, tap_of

MS = 1_000_000
BITRATE = 500_000
BIT_NS = 1_000_000_000 // BITRATE


def frame(can_id: int, payload: bytes = bytes(8), channel: int = 0, flags: int = 0) -> np.recarray:
    made = frames(1)
    made.can_id, made.length, made.channel = can_id, len(payload), channel
    made["flags"] = flags
    made.payload[0, : len(payload)] = list(payload)
    return made


class Buses(NamedTuple):
    """A net with its receive queues, and a clock that goes on by milliseconds."""

    net: Net
    ears: Ears
    told: np.recarray  # HOST
    clock: list[int]
    carried: list[np.recarray]  # what the tap saw
    heard: dict[int, list[np.recarray]]

    def node(self, who: int, k: int = 0) -> np.record:
        return self.net.buses[k].nodes[who]

    def say(self, who: int, *said: np.recarray) -> None:
        """Queue frames at the present instant, in one call."""
        made = np.concatenate(said).view(np.recarray)
        if who in (HOST, GUARD):
            ports = self.net.host if who == HOST else self.net.guard
            port.send(self.net, who, ports, made, len(made), self.clock[0])
        else:
            port.send_plain(self.net, who, made, len(made), self.clock[0])

    def run(self, step_ns: int = MS) -> None:
        """One step: faults, the wires, and every node reads what it has received."""
        injection.inject(self.net, self.clock[0])
        self.clock[0] += step_ns
        carry.carry(self.net, self.ears, self.clock[0])
        carried = tap_of(self.net).copy()
        assert all(self.clock[0] - step_ns < carried.t_ns)  # nothing happens in the past
        assert all(carried.t_ns <= self.clock[0])
        self.carried.append(carried)
        for who, queue in ((HOST, self.ears.host), (RIG, self.ears.rig), (GUARD, self.ears.guard)):
            self.heard[who].append(queue[: self.ears.waiting[who]].copy())
            self.ears.waiting[who] = 0

    def run_for(self, seconds: float) -> None:
        for _ in range(round(seconds * 1e9) // MS):
            self.run()

    def ask(self) -> tuple[float, float]:
        """An interface lost and frames unsent, as the host's loop is told."""
        port.ask(self.net, self.told, self.clock[0])
        return float(self.told.interface_down[0]), float(self.told.unsent_in_a_row[0])

    def on_wire(self) -> np.recarray:
        """Every frame that came through so far, in order."""
        return np.concatenate([np.zeros(0, FRAME), *self.carried]).view(np.recarray)

    def heard_by(self, who: int) -> np.recarray:
        """Every frame that a node received so far, without what its controller said."""
        every = self.everything(who)
        return every[every.can_id & ERROR == 0]

    def errors_of(self, who: int) -> np.recarray:
        """What a node's controller said so far."""
        every = self.everything(who)
        return every[every.can_id & ERROR != 0]

    def everything(self, who: int) -> np.recarray:
        return np.concatenate([np.zeros(0, FRAME), *self.heard[who]]).view(np.recarray)


def ears(room: int = 256) -> Ears:
    return Ears(frames(room), frames(room), frames(room), np.zeros(3, np.int64))


def make(
    count: int = 1, keys: Iterable[int] = (), data_bitrate: int | None = None, **options
) -> Buses:
    table = Bus(dbc=["a.dbc"], bitrate=BITRATE, data_bitrate=data_bitrate)
    net = net_of({f"bus{k}": table for k in range(count)}, keys, **options)
    return Buses(net, ears(), record(HOST_RECORD), [0], [], {HOST: [], RIG: [], GUARD: []})


@pytest.fixture(scope="session")
def buses():
    """Makes fresh buses."""
    return make


@pytest.fixture(scope="session", name="frame")
def frame_fixture():
    """Makes a frame of an identifier and a payload."""
    return frame
