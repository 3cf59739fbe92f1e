"""The traffic of a bench: every sensor message of a car at its cycle, from a real-time process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from tianyuan.control.kernels import kernel, unlocked
from tianyuan.control.records import CHANNEL_NAMES, COMMAND_NAMES, Controller
from tianyuan.dbc.codec import SENT, Codec, encode, records
from tianyuan.dbc.frame import frames
from tianyuan.drivers import clock
from tianyuan.drivers.clock import monotonic_ns, sleep_until
from tianyuan.drivers.port import open_port, receive, send
from tianyuan.drivers.realtime import real_time
from tianyuan.firmware.accounting import WAKE, accounts, book
from tianyuan.firmware.bus_names import host_bus
from tianyuan.firmware.car_file import Car, load_car
from tianyuan.firmware.host import make_host
from tianyuan.firmware.host_record import HOST_CHANNEL
from tianyuan.firmware.tables import Wire, wire
from tianyuan.firmware.tick import due
from tianyuan.firmware.timing import NS_PER_MS, rig_cycles_ns
from tianyuan.hil.benches.histogram import Histogram, stage_of
from tianyuan.hil.benches.moving import (
    Ramp,
    at_start,
    healthy_sensors,
    turn_wheel,
    update,
)
from tianyuan.hil.benches.node import Work

PRIORITY: Final = 70
STEP_NS: Final = NS_PER_MS
STEP_S: Final = 1e-3
# A step takes this much longer than it says, as a sensor's own clock might have it: so the
# frames drift through the period of the loop and meet it in every phase.
DRIFT_NS: Final = 1_750
FRAMES: Final = 256
RAMP_SHARE: Final = 0.8  # of the steering's limit


class Order(NamedTuple):
    """One turn: on which bus, and whether the car drives or stands and its wheel is turned."""

    bus: str
    drives: bool


class Tables(NamedTuple):
    """What the traffic is made from; read-only."""

    driver: np.recarray  # PARAMS
    path: np.recarray
    sensors: Codec
    cycle_ns: np.ndarray  # of the sensor messages
    steering: int  # the message that carries the steering angle
    ramp: Ramp


def grain_rad(bus: Wire) -> float:
    """The finest step of the steering angle that both its sensor and its command can say."""
    scales = []
    for codec, names in ((bus.sensors, CHANNEL_NAMES), (bus.commands, COMMAND_NAMES)):
        rows = codec.signals[codec.signals.slot == names.index("steer_rad")]
        scales.append(float(np.abs(rows.scale).max()))
    return max(scales)


def tables_of(car: Car, path: np.recarray) -> Tables:
    """The traffic of a car along a line."""
    bus, driver = wire(car), make_host(car, path, Controller.STANLEY, STEP_NS).tables.driver
    named = [message.name for message in bus.sensor_messages]
    grain = grain_rad(bus)
    return Tables(
        driver,
        path,
        bus.sensors,
        rig_cycles_ns(bus.sensor_messages, car),
        named.index(car.sensors["steer_rad"].message),
        Ramp(grain, int(RAMP_SHARE * float(driver.limits_steer_rad[0]) / grain)),
    )


@kernel
def _speak(tables, moving, sensors, sent, due_ns, t_ns, frames_out):
    """Encode every message that is due; returns the number of frames."""
    values = sensors.view(np.float64)
    n_out = 0
    for m in range(tables.cycle_ns.size):
        if not due(due_ns, tables.cycle_ns, m, t_ns):
            continue
        if m == tables.steering and moving[0].drives == 0 and moving[0].heard_ns > 0:
            turn_wheel(moving, tables.ramp, sensors)
        if encode(tables.sensors, m, sent, values, frames_out, n_out) >= 0:
            n_out += 1
    return n_out


@unlocked
def run(
    tables, moving, sensors, sent, due_ns, car, about, frames_in, frames_out, books, quit_, clock_
):
    """Send a millisecond of traffic every millisecond until ``quit_`` is set."""
    began_ns = monotonic_ns(clock_)
    steps = 0
    while quit_[0] == 0:
        steps += 1
        deadline_ns = began_ns + steps * (STEP_NS + DRIFT_NS)
        sleep_until(clock_, deadline_ns)
        now_ns = monotonic_ns(clock_)
        book(books, WAKE, now_ns - deadline_ns)
        receive(car, frames_in, 0, now_ns)
        heard = receive(about, frames_in, 0, now_ns)  # a host alone speaks on its own bus
        t_ns = began_ns + steps * STEP_NS  # by the sensors' own clock
        if heard > 0 and moving[0].heard_ns == 0:
            moving[0].heard_ns = t_ns
        update(tables.driver, tables.path, moving, sensors, t_ns, STEP_S)
        n_out = _speak(tables, moving, sensors, sent, due_ns, t_ns, frames_out)
        send(car, frames_out, 0, n_out)
    return steps


def prepare(car: Path, path: np.recarray, cpu: int) -> Work:
    """The work of the traffic's process: gives how late it woke itself."""
    tables = tables_of(load_car(car), path)

    def begin(order: Order, quit_: np.ndarray, ports: tuple) -> tuple:
        spacing_m = float(tables.driver.path_spacing_m[0])
        return (
            tables, at_start(order.drives, spacing_m), healthy_sensors(),
            records(tables.sensors, SENT), np.zeros(tables.cycle_ns.size, np.int64), *ports,
            frames(FRAMES), frames(FRAMES), accounts(), quit_, clock.scratch(),
        )  # fmt: skip

    def work(order: Order, ready: Callable[[], None], quit_: np.ndarray) -> Histogram:
        with (
            open_port(order.bus, "traffic") as car_port,
            open_port(host_bus(order.bus), "traffic", HOST_CHANNEL) as about,
        ):
            ports = (car_port.record, about.record)
            run(*begin(order, np.ones(1, np.int64), ports))  # compiles
            arguments = begin(order, quit_, ports)
            with real_time(cpu, PRIORITY):
                ready()
                run(*arguments)
        return stage_of(arguments[-3], WAKE)

    return work
