"""``tianyuan bench ports``: what the local bus costs the loop."""

from __future__ import annotations

import json as jsonlib

import typer

from tianyuan.commands import options
from tianyuan.commands.progress import bar
from tianyuan.hil.benches import ports as buses


def ports(json: options.Json = None) -> None:
    """Frames over the local bus: sent and received, looked for in vain, between processes."""
    with bar("the local bus") as progress:
        figures = buses.measure(progress)
    one_way_us = figures.one_way.figures()
    if json is not None:
        document = {
            "exchange_us": {str(count): us for count, us in figures.exchange_us.items()},
            "empty_receive_us": figures.empty_receive_us,
            "links": figures.links,
            "one_way_us": one_way_us,
        }
        options.write_json(json, jsonlib.dumps(document, indent=2) + "\n")
    if json != "-":
        for count, us in figures.exchange_us.items():
            typer.echo(f"{count} frames sent and received: {us:.2f} µs, {us / count:.2f} a frame")
        typer.echo(f"empty receive, {figures.links} links: {figures.empty_receive_us:.2f} µs")
        shares = ", ".join(f"{share} {us:.0f}" for share, us in one_way_us.items())
        typer.echo(f"one way between processes, µs: {shares}")
