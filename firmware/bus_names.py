"""What the buses of a car are called where they are joined."""

from __future__ import annotations

from tianyuan.control.errors import InputError
from tianyuan.drivers.address import LOCAL_INTERFACE, Address, Places, check_interface, name_of
from tianyuan.firmware.car_file import Car


def car_buses(car: Car, given: str, interface: str = LOCAL_INTERFACE) -> Places:
    """The buses of a car by the name, or the names parted by commas, that were ``given``.

    One name is that of the car's first bus; the others are then called after it and their
    names in the car file, as ``pit.gnss``. Raises InputError where the count does not fit, and
    for an ``interface`` that there is not.
    """
    check_interface(interface)
    names = tuple(given.split(","))
    others = list(car.buses)[1:]
    if len(names) == 1:
        names = (given, *(f"{given}.{other}" for other in others))
    if len(names) != len(car.buses):
        raise InputError(
            f"--channel {given}: {len(names)} buses, and {car.file} has {len(car.buses)}: "
            f"{', '.join(car.buses)}; name each, or the first alone"
        )
    if interface == LOCAL_INTERFACE:
        return names
    return tuple(
        Address(name, interface, bus.bitrate)
        for name, bus in zip(names, car.buses.values(), strict=True)
    )


def host_bus(bus: str | Address) -> str:
    """The local bus that the host publishes about itself on, beside the car's first one."""
    return f"{name_of(bus)}.host"


def bus_of(given: str | None) -> Address | None:
    """The bus that ``INTERFACE:NAME`` says, or a local one by its name; raises InputError."""
    if given is None:
        return None
    interface, colon, name = given.partition(":")
    if not colon:
        return Address(given)
    check_interface(interface)
    return Address(name, interface)
