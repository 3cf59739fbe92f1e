"""Options that several commands share, and how they are written once."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from tianyuan.control.errors import InputError
from tianyuan.control.records import Controller
from tianyuan.drivers.address import CAN_INTERFACE, Address
from tianyuan.drivers.interface_facts import advice, check, facts_of
from tianyuan.firmware.log_file import USUAL, Limits
from tianyuan.hil.whole_file import write_whole

MOST = 1e9  # megabytes or seconds
MOST_SEED = 2**63 - 1

CarName = Annotated[str, typer.Option("--car", help="A shipped car, or the path of its TOML file.")]
TrackName = Annotated[
    str, typer.Option("--track", help="A shipped circuit, or the path of a TOML or CSV file.")
]
LineFile = Annotated[
    Path | None, typer.Option("--line", help="A racing line that `tianyuan raceline` wrote.")
]
ControllerName = Annotated[
    str, typer.Option("--controller", "-k", help="Lateral law: stanley or pure-pursuit.")
]


def writable(param: typer.CallbackParam, value: str | Path | None) -> str | Path | None:
    """An option's file, to be written when all is done; raises InputError if it cannot be."""
    if value is None or str(value) == "-":
        return value
    file, wrong = Path(value), 0
    if file.is_dir():
        wrong = errno.EISDIR
    elif not file.parent.is_dir():
        wrong = errno.ENOTDIR if file.parent.exists() else errno.ENOENT
    elif not os.access(file if file.exists() else file.parent, os.W_OK):
        wrong = errno.EACCES
    if wrong:
        raise InputError(f"{param.opts[0]} {value}: {os.strerror(wrong)}")
    return value


Json = Annotated[
    str | None,
    typer.Option(
        "--json", callback=writable, help="Write the figures as JSON to a file, or - for here."
    ),
]
Report = Annotated[
    Path | None,
    typer.Option("--report", callback=writable, help="Write one self-contained HTML file."),
]
Picture = Annotated[
    Path | None,
    typer.Option("--picture", callback=writable, help="Draw the best lap as an SVG file."),
]
Laps = Annotated[
    int, typer.Option("--laps", "-n", min=1, max=10_000, help="Flying start to finish.")
]
RATE_HELP = "Ticks a second: 100, 125, 200, 250, 500 or 1000."
Rate = Annotated[int, typer.Option("--rate", help=RATE_HELP)]
BusModel = Annotated[
    bool,
    typer.Option(
        "--bus-model", help="Carry the frames over modelled buses; without it they arrive at once."
    ),
]
Seed = Annotated[int, typer.Option("--seed", min=0, max=MOST_SEED, help="Of the sensors' noise.")]
Cpu = Annotated[int | None, typer.Option("--cpu", min=0, help="Pin the real-time thread to a CPU.")]
Seconds = Annotated[float | None, typer.Option("--seconds", min=0.1, help="End after so long.")]
LogPartMb = Annotated[
    float,
    typer.Option(
        "--log-part-mb", min=0, max=MOST, help="Go on in a further file above so much; 0: no."
    ),
]
LogPartS = Annotated[
    float,
    typer.Option(
        "--log-part-s", min=0, max=MOST, help="Go on in a further file after so long; 0: no."
    ),
]
LogTotalMb = Annotated[
    float,
    typer.Option(
        "--log-total-mb",
        min=0,
        max=MOST,
        help="Drop the oldest files of the log above so much in all; 0: keep everything. A file "
        "is a quarter of it at most.",
    ),
]
Early = Annotated[
    int,
    typer.Option(
        "--early", min=0, max=1000, help="Microseconds to watch the clock before each deadline."
    ),
]
Turns = Annotated[int, typer.Option("--turns", min=1, max=1000, help="Figures are medians of.")]
Interface = Annotated[
    str,
    typer.Option(
        "--interface", "-i", help="tianyuan is the local bus, socketcan the kernel's own CAN."
    ),
]
HostBus = Annotated[
    str | None,
    typer.Option(
        "--host-bus",
        help="Where the host tells of itself: a local bus, or socketcan:NAME; CHANNEL.host if "
        "not given.",
    ),
]
Channel = Annotated[
    str,
    typer.Option(
        "--channel",
        "-c",
        help="The bus: its name, or its folder; of several, the first or all, with commas. Of "
        "socketcan, the interface, as can0.",
    ),
]

MEGABYTE = 1_000_000
LOG_PART_MB = USUAL.part_bytes / MEGABYTE
RATES = (100, 125, 200, 250, 500, 1000)


def controller_of(name: str) -> Controller:
    """The law of a name as people type it; raises InputError."""
    try:
        return Controller[name.upper().replace("-", "_")]
    except KeyError:
        known = ", ".join(law.name.lower().replace("_", "-") for law in Controller)
        raise InputError(f"--controller {name}: unknown law; choose one of {known}") from None


def limits_of(part_mb: float, part_s: float, total_mb: float) -> Limits:
    """When a log goes on in a further file, and how much of it is kept."""
    return Limits(int(part_mb * MEGABYTE), part_s, int(total_mb * MEGABYTE))


def period_ns_of(rate_hz: int) -> int:
    """The loop's period; raises InputError for a rate whose period is no whole millisecond."""
    if rate_hz not in RATES:
        raise InputError(f"--rate {rate_hz}: choose one of {', '.join(map(str, RATES))}")
    return 1_000_000_000 // rate_hz


def advise(places: Iterable[str | Address | None]) -> None:
    """Say on standard error what would make CAN interfaces better; refuse those not there.

    Raises InputError, before anything is planned or compiled for them.
    """
    for place in places:
        if isinstance(place, Address) and place.interface == CAN_INTERFACE:
            found = facts_of(place.bus)
            check(found, place.bitrate, place.fd)
            if (line := advice(found)) is not None:
                typer.echo(line, err=True)


def spare(read: Iterable[Path], **written: str | Path | None) -> None:
    """Raise InputError where what an option writes is a file that the command reads."""
    there = [file for file in read if file.exists()]
    for option, file in written.items():
        if file is None or not Path(file).exists():
            continue
        if any(Path(file).samefile(each) for each in there):
            raise InputError(f"--{option} {file}: is read here; name another file")


def write_json(where: str, text: str) -> None:
    """Write a JSON document to a file, or to standard output for ``-``."""
    if where == "-":
        typer.echo(text, nl=False)
        return
    try:
        write_whole(Path(where), text)
    except OSError as error:
        raise InputError(f"--json {where}: {error.strerror}") from None
