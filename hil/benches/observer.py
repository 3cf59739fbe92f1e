"""A third node that stamps what it sees: how long from a sensor's frame to the command's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from tianyuan.control.kernels import kernel, unlocked
from tianyuan.control.records import CHANNEL_NAMES, COMMAND, COMMAND_NAMES, SENSORS, record
from tianyuan.dbc.codec import RECEIVED, Codec, decode, records
from tianyuan.dbc.frame import frames
from tianyuan.drivers import clock, libc
from tianyuan.drivers.clock import monotonic_ns
from tianyuan.drivers.port import open_port, receive
from tianyuan.drivers.port_record import EVENTS, LINKS
from tianyuan.drivers.realtime import real_time
from tianyuan.firmware.car_file import load_car
from tianyuan.firmware.tables import wire
from tianyuan.hil.benches.node import Work
from tianyuan.hil.benches.traffic_node import grain_rad

PRIORITY: Final = 75  # above the traffic's: it sees a frame before the traffic goes on
WAIT_MS: Final = 100
FRAMES: Final = 64
SENSOR, COMMANDED = 0, 1
SLOTS: Final = (CHANNEL_NAMES.index("steer_rad"), COMMAND_NAMES.index("steer_rad"))

# A frame seen: when, which of the two messages, and its angle in grains.
SIGHTING: Final = np.dtype([("t_ns", "i8"), ("side", "i8"), ("key", "i8")])


class Order(NamedTuple):
    """One turn: on which bus, and for how many frames there must be room."""

    bus: str
    room: int


class Side(NamedTuple):
    """One of the two messages that are watched, and what decoding it needs."""

    codec: Codec
    message: int
    slot: int
    received: np.recarray
    values: np.ndarray


class Matched(NamedTuple):
    """Responses in ns, how many sensor frames no command answered, and how many there were."""

    response_ns: np.ndarray
    unanswered: int
    asked: int


def match(sightings: np.ndarray) -> Matched:
    """Each sensor frame with the first command frame after it that carries its angle.

    A command that repeats the angle answers nothing more. A frame whose angle no command
    carried before the same angle came again, be it that the command was lost or that a
    newer frame overtook it in the same tick, is unanswered. Left out are the frames sent
    before the first command or after the last, when nobody was there to answer them, and
    those with the angle of the one before, which the commands carry already.
    """
    commands = np.flatnonzero(sightings["side"] == COMMANDED)
    if commands.size == 0:
        return Matched(np.zeros(0, np.int64), 0, 0)
    waiting: dict[int, int] = {}
    asked, before, response_ns = 0, None, []
    for t_ns, side, key in sightings[commands[0] : commands[-1] + 1].tolist():
        if side == SENSOR:
            if key != before and before is not None:
                asked += 1
                waiting[key] = t_ns
            before = key
        elif key in waiting:
            response_ns.append(t_ns - waiting.pop(key))
    return Matched(np.array(response_ns, np.int64), asked - len(response_ns), asked)


@kernel
def _wait(port):
    """Wait for something to read."""
    address = np.int64(port.ctypes.data) + EVENTS
    libc.epoll_wait(port[0].epoll, address, LINKS + 1, WAIT_MS)


@kernel
def _note(side, which, frames_in, i, t_ns, grain, seen, count):
    """Note frame ``i`` if it is the one watched; returns how many are noted then."""
    found = decode(side.codec, frames_in, i, side.received, side.values)
    if found != side.message or count >= seen.size:
        return count
    row = seen[count]
    row.t_ns, row.side = t_ns, which
    row.key = np.int64(np.rint(side.values[side.slot] / grain))
    return count + 1


@unlocked
def watch(sensor, commanded, grain, port, frames_in, seen, quit_, clock_):
    """Stamp frames as they come until ``quit_`` is set; returns how many were noted."""
    count = 0
    while quit_[0] == 0:
        _wait(port)
        t_ns = monotonic_ns(clock_)
        n_in = receive(port, frames_in, 0, t_ns)
        for i in range(n_in):
            count = _note(sensor, SENSOR, frames_in, i, t_ns, grain, seen, count)
            count = _note(commanded, COMMANDED, frames_in, i, t_ns, grain, seen, count)
    return count


def prepare(car_file: Path, cpu: int) -> Work:
    """The work of the third node's process: gives what it saw, as SIGHTING in order."""
    car = load_car(car_file)
    bus = wire(car)
    grain = grain_rad(bus)
    names = ([m.name for m in bus.sensor_messages], [m.name for m in bus.command_messages])
    wired = (car.sensors["steer_rad"], car.commands["steer_rad"][0])
    places = [n.index(w.message) for n, w in zip(names, wired, strict=True)]

    def sides() -> tuple[Side, Side]:
        def side(which: int, codec: Codec, dtype: np.dtype) -> Side:
            values = record(dtype).view(np.float64)
            return Side(codec, places[which], SLOTS[which], records(codec, RECEIVED), values)

        return side(SENSOR, bus.sensors, SENSORS), side(COMMANDED, bus.commands, COMMAND)

    def work(order: Order, ready: Callable[[], None], quit_: np.ndarray) -> np.ndarray:
        seen = np.zeros(order.room, SIGHTING)
        with open_port(order.bus, "observer") as port:
            watch(*sides(), grain, port.record, frames(FRAMES), seen, np.ones(1, np.int64),
                  clock.scratch())  # fmt: skip
            arguments = (*sides(), grain, port.record, frames(FRAMES), seen, quit_, clock.scratch())
            with real_time(cpu, PRIORITY):
                ready()
                count = watch(*arguments)
        return seen[:count]

    return work
