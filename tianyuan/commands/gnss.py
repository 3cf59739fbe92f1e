"""``tianyuan gnss``: a satellite receiver on a serial port, as frames on the car's bus."""

from __future__ import annotations

import json as jsonlib
import math
from typing import Annotated

import typer

from tianyuan import names
from tianyuan.commands import options
from tianyuan.commands.privileges import print_privileges
from tianyuan.commands.signals import stop_on_signals
from tianyuan.control.errors import InputError
from tianyuan.drivers.local_frame import frame_at
from tianyuan.drivers.serial_line import SerialLines
from tianyuan.firmware.bus_names import car_buses
from tianyuan.firmware.car_file import Car, load_car
from tianyuan.firmware.commissioning import check_commissioned
from tianyuan.firmware.gnss.age import Clock, ReceiverClock, SystemClock
from tianyuan.firmware.gnss.process import Published, publish
from tianyuan.firmware.gnss.receiver import Receiver

CLOCKS = ("system", "receiver")


def clock_of(name: str, car: Car) -> Clock:
    """What ages are told by; raises InputError."""
    if name not in CLOCKS:
        raise InputError(f"--clock {name}: unknown; choose one of {', '.join(CLOCKS)}")
    if name == "system":
        return SystemClock()
    return ReceiverClock(float(car.parameters["estimator"]["gnss_delay_s"]))


def gnss(
    port: Annotated[
        str,
        typer.Option(
            "--port", help="Device, pattern of devices, or USB VENDOR:PRODUCT[:SERIAL number]."
        ),
    ],
    origin: Annotated[
        str, typer.Option("--origin", help="LAT,LON in degrees: where x and y are zero.")
    ],
    baud: Annotated[
        int, typer.Option("--baud", min=1200, max=4_000_000, help="Bits a second.")
    ] = 115_200,
    car: options.CarName = "tianyuan",
    interface: options.Interface = "tianyuan",
    channel: options.Channel = "tianyuan",
    heading_offset: Annotated[
        float,
        typer.Option(
            "--heading-offset",
            min=-360.0,
            max=360.0,
            help="Degrees clockwise from the nose to the second antenna, seen from the first.",
        ),
    ] = 0.0,
    clock: Annotated[
        str,
        typer.Option(
            "--clock",
            help="Ages by: system, if this machine's clock is set to UTC, or receiver.",
        ),
    ] = "system",
    seconds: options.Seconds = None,
    cpu: options.Cpu = None,
    json: options.Json = None,
) -> None:
    """Publish a satellite receiver's position, speed and heading on the car's bus.

    Ends on SIGTERM or SIGINT. A receiver that is pulled is looked for until it is back.
    """
    the_car = load_car(names.car_file(car))
    check_commissioned(the_car)
    receiver = Receiver(
        the_car, frame_at(origin), clock_of(clock, the_car), math.radians(heading_offset)
    )
    bus = car_buses(the_car, channel, interface)[receiver.channel]
    options.advise([bus])
    stop = stop_on_signals()
    with SerialLines(port, baud, told=_tell) as lines:
        result = publish(receiver, lines, bus, stop, seconds, cpu, _tell)
    print_privileges(result.steps)
    if json is not None:
        options.write_json(json, jsonlib.dumps(result.figures(), indent=2) + "\n")
    if json != "-":
        print_figures(result)


def _tell(news: str) -> None:
    typer.echo(f"gnss: {news}", err=True)


def print_figures(result: Published) -> None:
    """What was read, what was published, and how old it was."""
    fixes, lines, sentences = result.fixes, result.port, result.sentences
    typer.echo(
        f"gnss: {result.seconds:.1f} s, {fixes['sent']} frames sent, {fixes['late']} of them late, "
        f"{fixes['disowned']} without a solution"
    )
    typer.echo(
        f"not sent: {fixes['old']} too old, {fixes['ahead']} from the future, "
        f"{fixes['out_of_range']} out of range, {fixes['incomplete']} without their heading"
    )
    typer.echo(
        f"sentences: {sentences['used']} used, {sentences['ignored']} of other kinds, "
        f"{sentences['checksum']} by checksum, {sentences['half']} halves, "
        f"{sentences['malformed']} malformed, {sentences['garbage'] + lines['overlong']} garbage; "
        f"port lost {lines['lost']} times, back {lines['reopened']}"
    )
    if result.age_ms:
        typer.echo(
            "age at receipt: "
            + ", ".join(f"{share} {age_ms:.1f} ms" for share, age_ms in result.age_ms.items())
            + "; estimator.gnss_delay_s should be the p50"
        )
    if fixes["old"] + fixes["ahead"] > fixes["sent"]:
        typer.echo(
            "most fixes were refused for their age: set this machine's clock to UTC (PTP, chrony), "
            "or choose --clock receiver",
            err=True,
        )
