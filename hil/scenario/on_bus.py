"""The buses that a scenario in real time is driven on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from tianyuan.control.errors import InputError
from tianyuan.drivers import interface_facts
from tianyuan.drivers.address import CAN_INTERFACE, LOCAL_INTERFACE, Address, Places, name_of
from tianyuan.firmware.bus_names import car_buses
from tianyuan.firmware.car_file import Car
from tianyuan.hil.faults import socketcan


class OnBus(NamedTuple):
    """What ``--interface``, ``--channel`` and ``--far-channel`` say."""

    interface: str = LOCAL_INTERFACE
    channel: str | None = None  # None: a local bus of the scenario's own
    far_channel: str | None = None  # the other end of a cable; None: the same interfaces

    @property
    def is_can(self) -> bool:
        """Whether it is the kernel's CAN."""
        return self.interface == CAN_INTERFACE

    def host_end(self, car: Car, folder: Path) -> Places:
        """Where the host joins the car's buses; raises InputError for what cannot be."""
        return car_buses(car, self.channel or f"{folder}/can0", self.interface)

    def rig_end(self, car: Car, folder: Path) -> Places:
        """Where the rig and the guard do."""
        if self.far_channel is None:
            return self.host_end(car, folder)
        return car_buses(car, self.far_channel, self.interface)

    @contextmanager
    def joined(self, near: Places, far: Places) -> Iterator[None]:
        """The ends wired to each other inside a ``with``, where no cable can: both are vcans."""
        with ExitStack() as wires:
            for here, there in zip(map(name_of, near), map(name_of, far), strict=True):
                apart = self.is_can and here != there
                if apart and socketcan.is_virtual(here) and socketcan.is_virtual(there):
                    wires.enter_context(socketcan.joined(here, there))
            yield


def check_on_bus(on: OnBus, car: Car) -> None:
    """Raise InputError for buses that are not there, or do not suit the car or each other."""
    if on.is_can and on.channel is None:
        raise InputError(f"--interface {on.interface}: name the interface, as --channel can0")
    if on.far_channel is not None and not on.is_can:
        raise InputError(
            f"--far-channel {on.far_channel}: the other end of a cable is an interface of "
            f"{CAN_INTERFACE}; a local bus has no cable"
        )
    nowhere = Path()
    for place in {*on.host_end(car, nowhere), *on.rig_end(car, nowhere)}:
        if isinstance(place, Address):
            found = interface_facts.facts_of(place.bus)
            interface_facts.check(found, place.bitrate, place.fd)
