"""What the buses of a car are called where they are joined."""

from __future__ import annotations

from tianyuan.control.errors import InputError
from tianyuan.firmware.car_file import Car


def car_buses(car: Car, given: str) -> tuple[str, ...]:
    """The buses of a car by the name, or the names parted by commas, that were ``given``.

    One name is that of the car's first bus; the others are then called after it and their
    names in the car file, as ``pit.gnss``. Raises InputError where the count does not fit.
    """
    names = tuple(given.split(","))
    others = list(car.buses)[1:]
    if len(names) == 1:
        return (given, *(f"{given}.{other}" for other in others))
    if len(names) != len(car.buses):
        raise InputError(
            f"--channel {given}: {len(names)} buses, and {car.file} has {len(car.buses)}: "
            f"{', '.join(car.buses)}; name each, or the first alone"
        )
    return names


def host_bus(bus: str) -> str:
    """The bus that the host publishes about itself on, beside the car's first one."""
    return f"{bus}.host"
