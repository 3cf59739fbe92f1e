"""Where a bus is joined, and what is asked of it there."""

from __future__ import annotations

from typing import Final, NamedTuple

from tianyuan.control.errors import InputError

LOCAL_INTERFACE: Final = "tianyuan"
CAN_INTERFACE: Final = "socketcan"


class Address(NamedTuple):
    """A bus. Of the rest a CAN interface is asked; a local bus carries everything to everybody."""

    bus: str  # a local bus's name or path, or the name of a CAN interface
    interface: str = LOCAL_INTERFACE
    bitrate: int | None = None  # that it must have, bits a second
    fd: bool = False  # it must carry CAN FD
    identifiers: frozenset[int] | None = None  # can_ids to be heard, all with None


Places = tuple[str | Address, ...]  # of a car's buses; a text is a local bus's name or path


def check_interface(name: str) -> None:
    """Raise InputError for an interface that the loop does not speak."""
    if name not in (LOCAL_INTERFACE, CAN_INTERFACE):
        raise InputError(
            f"interface {name}: the loop speaks {LOCAL_INTERFACE}, the local bus, and "
            f"{CAN_INTERFACE}, the kernel's CAN; tianyuan bridge joins every other"
        )


def name_of(where: str | Address) -> str:
    """The name of a bus, however it is joined."""
    return where.bus if isinstance(where, Address) else where
