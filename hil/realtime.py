"""The rig in real time: the car and the world as a node on the bus."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

import numpy as np

from tianyuan.control.kernels import unlocked
from tianyuan.dbc.frame import frames
from tianyuan.drivers import clock
from tianyuan.drivers.address import Address, Places
from tianyuan.drivers.buses import Buses, receive_all, send_all
from tianyuan.drivers.clock import monotonic_ns, sleep_until
from tianyuan.drivers.port import open_port, receive
from tianyuan.drivers.port_record import closed_port
from tianyuan.drivers.realtime import real_time
from tianyuan.firmware.accounting import WAKE, Accounts, accounts, book
from tianyuan.firmware.bus_names import host_bus
from tianyuan.firmware.hearing import asked_of
from tianyuan.firmware.host_record import HOST_CHANNEL
from tianyuan.hil import rig
from tianyuan.hil.life import Life
from tianyuan.hil.world import World

PRIORITY: Final = 70
LOOK_S: Final = 0.1
FRAMES: Final = 512


@unlocked
def run(world, life, cars, about, frames_in, frames_out, books, quit_, clock_):
    """A millisecond of the rig every millisecond, until the run is over or ``quit_`` is set.

    ``books`` (``firmware/accounting.py``) tell how late the rig itself woke.
    """
    deadline_ns = monotonic_ns(clock_) + rig.STEP_NS
    while quit_[0] == 0 and life.race[0].finished == 0:
        sleep_until(clock_, deadline_ns)
        now_ns = monotonic_ns(clock_)
        book(books, WAKE, now_ns - deadline_ns)
        n_in = receive_all(cars, frames_in, now_ns)
        n_in += receive(about, frames_in, n_in, now_ns)
        # A stall is made up for: the world does not stand still because we did.
        n_out = rig.tick(world, life, frames_in, n_in, deadline_ns, frames_out)
        send_all(cars, frames_out, n_out)
        deadline_ns += rig.STEP_NS
    return deadline_ns


def warm_up(world: World, life: Life) -> None:
    """Compile the rig's loop, or take it from the cache, on ports that go nowhere."""
    nowhere, about = closed_port(0), closed_port(HOST_CHANNEL)
    arguments = (world, life, nowhere, about, frames(FRAMES), frames(FRAMES), accounts())
    run(*arguments, np.ones(1, np.int64), clock.scratch())


def drive_rig(
    world: World,
    life: Life,
    buses: Places,
    cpu: int | None = None,
    progress: Callable[[], None] | None = None,
    stop: threading.Event | None = None,
    about_bus: Address | None = None,
) -> Accounts:
    """Run the rig on a car's buses until the run has finished or ``stop`` is set.

    ``about_bus`` is the host's own, if not a local one after the first of ``buses``. Returns
    how late the rig itself woke.
    """
    books, quit_ = accounts(), np.zeros(1, np.int64)
    warm_up(world, life)  # before joining: race control waits for nobody who compiles
    with (
        Buses(asked_of(buses, (world.commands, world.permit), (world.sensors,)), "rig") as cars,
        open_port(about_bus or host_bus(buses[0]), "rig", HOST_CHANNEL) as about,
    ):
        arguments = (
            world, life, cars.record, about.record, frames(FRAMES), frames(FRAMES), books,
        )  # fmt: skip

        def work() -> None:
            with real_time(cpu, PRIORITY):
                run(*arguments, quit_, clock.scratch())

        thread = threading.Thread(target=work, name="rig")
        thread.start()
        while thread.is_alive():
            thread.join(LOOK_S)
            if progress is not None:
                progress()
            if stop is not None and stop.is_set():
                quit_[0] = 1
    return books
