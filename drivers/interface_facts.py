"""What the system says of a CAN interface before it is used: is it there, up, fast enough."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Final, NamedTuple

from tianyuan.control.errors import InputError

LONG_QUEUE: Final = 32  # frames: some 8 ms at 500 kbit/s, which a command may wait in it
_NET: Final = Path("/sys/class/net")
_CAN: Final = "280"  # ARPHRD_CAN
_FD_MTU: Final = 72
_UP: Final = 0x1


class Interface(NamedTuple):
    """A CAN interface, as the system describes it."""

    name: str
    up: bool
    fd: bool  # carries CAN FD
    queue: int  # frames that its transmit queue holds
    bitrate: int | None  # bits a second, None where there is none, as on vcan, or it is not told


def interfaces() -> list[str]:
    """Names of the CAN interfaces that there are."""
    return sorted(
        entry.name
        for entry in (_NET.iterdir() if _NET.is_dir() else ())
        if (entry / "type").is_file() and (entry / "type").read_text().strip() == _CAN
    )


def _read(name: str, what: str) -> int:
    return int((_NET / name / what).read_text(), 0)


def _bitrate(name: str) -> int | None:
    """Bits a second, by iproute2: only netlink tells them."""
    program = shutil.which("ip", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if program is None:
        return None
    told = subprocess.run(
        [program, "-details", "-json", "link", "show", name],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    try:
        data = json.loads(told.stdout)[0]["linkinfo"]["info_data"]
        # Where a driver has fixed bit rates to choose from, the name is another.
        timing = data.get("bittiming", {"bitrate": data.get("bittiming_bitrate")})
        return int(timing["bitrate"]) or None
    except (ValueError, LookupError, TypeError):
        return None


def facts_of(name: str) -> Interface:
    """What is known of an interface; raises InputError where it is none of CAN."""
    if name not in interfaces():
        known = ", ".join(interfaces()) or "none"
        raise InputError(
            f"CAN interface {name}: not there; there are: {known} (ip link show type can; "
            "a driver may have to be loaded, and is not in every kernel)"
        )
    return Interface(
        name,
        bool(_read(name, "flags") & _UP),
        _read(name, "mtu") >= _FD_MTU,
        _read(name, "tx_queue_len"),
        _bitrate(name),
    )


def check(found: Interface, bitrate: int | None, fd: bool) -> None:
    """Raise InputError where an interface does not serve a bus of this bit rate."""
    name = found.name
    if not found.up:
        asked = f" type can bitrate {bitrate or 500_000}"
        raise InputError(f"CAN interface {name}: down; ip link set {name} up{asked}")
    if fd and not found.fd:
        raise InputError(
            f"CAN interface {name}: classic CAN, and the car's bus has CAN FD frames; ip link "
            f"set {name} down, then ip link set {name} up type can dbitrate 2000000 fd on "
            "bitrate 500000, if the adapter can do that"
        )
    if bitrate is not None and found.bitrate not in (None, bitrate):
        raise InputError(
            f"CAN interface {name}: runs at {found.bitrate} bit/s, and the car's bus at "
            f"{bitrate}; ip link set {name} down, then ip link set {name} up type can "
            f"bitrate {bitrate}"
        )


def advice(found: Interface) -> str | None:
    """What would make an interface better, in one line; None where nothing would."""
    if found.queue <= LONG_QUEUE or found.bitrate is None:
        return None
    return (
        f"CAN interface {found.name}: its queue of {found.queue} frames lets commands grow old "
        f"in it; ip link set {found.name} txqueuelen 10"
    )
