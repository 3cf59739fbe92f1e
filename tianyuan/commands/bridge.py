"""``tianyuan bridge``: any bus that python-can can open, joined to the local bus."""

from __future__ import annotations

import json as jsonlib
import logging
import re
import threading
import time
from typing import Annotated, Any

import can
import typer
from can.util import cast_from_string

from tianyuan.commands import options
from tianyuan.commands.signals import stop_on_signals
from tianyuan.control.errors import InputError
from tianyuan.drivers.bridge import UNOPENED, Bridge
from tianyuan.drivers.bridge_measure import measure as measured
from tianyuan.drivers.local_bus import bus_directory
from tianyuan.drivers.local_can import LocalBus

LOOK_S = 0.1
_FILTER = re.compile(r"(?:0x)?([0-9a-f]{1,8})(?::(?:0x)?([0-9a-f]{1,8}))?", re.I)


def filters_of(texts: list[str], option: str) -> list[dict[str, int]] | None:
    """Filters as python-can takes them, of ``ID`` or ``ID:MASK`` in hexadecimal."""
    filters = []
    for text in texts:
        found = _FILTER.fullmatch(text)
        if not found:
            raise InputError(f"{option} {text}: not ID or ID:MASK in hexadecimal, as 100:7F0")
        identifier, mask = found.groups(default="1FFFFFFF")
        filters.append({"can_id": int(identifier, 16), "can_mask": int(mask, 16)})
    return filters or None


def settings_of(texts: list[str]) -> dict[str, Any]:
    """Further settings of the adapter, of ``KEY=VALUE``."""
    settings = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not (equals and key.isidentifier()):
            raise InputError(f"--set {text}: not KEY=VALUE, as serial=12345")
        settings[key] = cast_from_string(value)
    return settings


def bridge(
    interface: Annotated[
        str, typer.Option("--interface", "-i", help="python-can's: slcan, pcan, kvaser, vector, …")
    ] = "",
    channel: Annotated[
        str, typer.Option("--channel", "-c", help="The adapter's channel or device.")
    ] = "",
    bitrate: Annotated[
        int | None, typer.Option("--bitrate", "-b", min=1000, max=8_000_000, help="Bits a second.")
    ] = None,
    to: Annotated[str, typer.Option("--to", help="The local bus: its name, or folder.")] = (
        "tianyuan"
    ),
    fd: Annotated[bool, typer.Option("--fd", help="Carry CAN FD, too.")] = False,
    take: Annotated[
        list[str] | None,
        typer.Option("--in", help="Carry in only ID or ID:MASK, hexadecimal; may be repeated."),
    ] = None,
    give: Annotated[
        list[str] | None, typer.Option("--out", help="Carry out only these; may be repeated.")
    ] = None,
    more: Annotated[
        list[str] | None, typer.Option("--set", help="KEY=VALUE, a setting of the interface.")
    ] = None,
    seconds: options.Seconds = None,
    measure: Annotated[
        bool, typer.Option("--measure", help="Measure what a bridge adds, without an adapter.")
    ] = False,
    json: options.Json = None,
) -> None:
    """Join an adapter of python-can to the local bus, both ways.

    Ends on SIGTERM or SIGINT. An adapter that is pulled is opened again once it is back.
    """
    logging.getLogger("can").setLevel(logging.ERROR)  # what interfaces warn of, they raise, too
    if measure:
        figures: dict[str, Any] = measured()
    else:
        settings = settings_of(more or [])
        if fd:
            settings["fd"] = True
        if bitrate is not None:
            settings["bitrate"] = bitrate
        if take:
            settings["can_filters"] = filters_of(take, "--in")
        figures = carry(interface, channel, settings, to, fd, give or [], seconds)
    if json is not None:
        options.write_json(json, jsonlib.dumps(figures, indent=2) + "\n")
    if json != "-":
        print_figures(figures)
    if figures.get("crashed"):
        raise typer.Exit(1)


def carry(
    interface: str,
    channel: str,
    settings: dict[str, Any],
    to: str,
    fd: bool,
    give: list[str],
    seconds: float | None,
) -> dict[str, Any]:
    """Run the bridge until it is told to end; returns its figures. Raises InputError."""
    if not interface or not channel:
        raise InputError("give the adapter: --interface and --channel, as -i slcan -c /dev/ttyACM0")
    if interface == "tianyuan" and bus_directory(channel) == bus_directory(to):
        raise InputError(f"--channel {channel}: is the bus --to; a bridge joins two")
    stop = stop_on_signals()

    def opened() -> can.BusABC:
        return can.Bus(interface=interface, channel=channel, **settings)

    out = filters_of(give, "--out")
    try:
        near = LocalBus(to, can_filters=out, fd=fd, label="bridge")  # type: ignore[arg-type]
    except can.CanError as error:
        raise InputError(str(error)) from None
    with near:
        try:
            made = Bridge(near, opened, _tell)
        except UNOPENED as error:
            raise InputError(
                f"-i {interface} -c {channel}: {error}; check the adapter, its driver and settings"
            ) from None
        return _run(made, stop, seconds)


def _run(made: Bridge, stop: threading.Event, seconds: float | None) -> dict[str, Any]:
    began = time.monotonic()
    made.start()
    _tell("carrying")
    try:
        while made.is_alive() and not stop.wait(LOOK_S):
            if seconds is not None and time.monotonic() - began >= seconds:
                break
    finally:
        crashed = not made.is_alive()
        made.stop()
    return {
        "crashed": crashed,
        "seconds": time.monotonic() - began,
        "lost": made.far.lost,
        "reopened": made.far.reopened,
        "inward": made.inward.figures(),
        "outward": made.outward.figures(),
    }


def _tell(news: str) -> None:
    typer.echo(f"bridge: {news}", err=True)


def print_figures(figures: dict[str, Any]) -> None:
    """A line for each way, and how often the adapter went."""
    for way, table in figures.items():
        if isinstance(table, dict):
            told = [
                f"{name.removesuffix('_us')} {value:.0f} µs"
                if name.endswith("_us")
                else f"{value:.0f} {name}"
                for name, value in table.items()
            ]
            typer.echo(f"{way}: {', '.join(told)}")
    if "lost" in figures:
        typer.echo(f"adapter lost {figures['lost']} times, back {figures['reopened']}")
