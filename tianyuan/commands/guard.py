"""``tianyuan guard``: who may move the car, watched by a process of its own."""

from __future__ import annotations

import json as jsonlib
import time
from collections.abc import Callable

import typer

from tianyuan import names
from tianyuan.commands import options
from tianyuan.commands.privileges import print_privileges
from tianyuan.commands.signals import stop_on_signals
from tianyuan.control.errors import InputError
from tianyuan.firmware.bus_names import car_buses
from tianyuan.firmware.car_file import load_car
from tianyuan.firmware.commissioning import check_commissioned
from tianyuan.firmware.guard import process as guarding
from tianyuan.firmware.guard import tables as guard_tables
from tianyuan.firmware.guard.records import GuardCause


def printer() -> Callable[[guarding.Change], None]:
    """Prints each change of the permit on standard error, in seconds from now."""
    began_ns = time.monotonic_ns()

    def told(change: guarding.Change) -> None:
        why = "" if change.cause == GuardCause.NONE else f": {words(change.cause.name)}"
        at_s = (change.t_ns - began_ns) * 1e-9
        typer.echo(f"{at_s:9.3f} s  permit {words(change.permit.name)}{why}", err=True)

    return told


def words(name: str) -> str:
    """An enumeration's name as people write it."""
    return name.lower().replace("_", " ")


def guard(
    car: options.CarName = "tianyuan",
    rate: options.Rate = 500,
    interface: options.Interface = "tianyuan",
    channel: options.Channel = "tianyuan",
    seconds: options.Seconds = None,
    cpu: options.Cpu = None,
    json: options.Json = None,
) -> None:
    """Grant the actuators their permit, and withdraw it when the host is not to be trusted.

    --rate is the host's. Ends on SIGTERM or SIGINT, and withdraws the permit as it does.
    """
    period_ns = options.period_ns_of(rate)
    the_car = load_car(names.car_file(car))
    check_commissioned(the_car)
    if not the_car.guard:
        raise InputError(f"{the_car.file}: guard: missing; this car has no guard, add the table")
    stop = stop_on_signals()
    plan = guard_tables.tables(the_car, period_ns)
    buses = car_buses(the_car, channel, interface)
    options.advise(buses)
    result = guarding.guard(plan, guard_tables.memory(plan), buses, stop, seconds, cpu, printer())
    print_privileges(result.steps)
    if json is not None:
        options.write_json(json, jsonlib.dumps(result.figures(), indent=2) + "\n")
    if json != "-":
        print_books(result)


def print_books(result: guarding.Guarded) -> None:
    """What the guard did, in two lines."""
    books = result.books
    typer.echo(
        f"guard: {result.seconds:.1f} s, {books['published']} permits sent, granted "
        f"{books['grants']}, stalls borne {books['stalls']}, withdrawn {books['withdrawals']}"
    )
    typer.echo(
        f"bad frames: {books['wrong_crc']} by CRC, {books['wrong_counter']} by counter, "
        f"{books['wrong_length']} by length, {books['not_finite']} not finite; "
        f"latest wake-up {result.latest_wake_us:.0f} µs"
    )
