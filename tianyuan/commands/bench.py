"""``tianyuan bench``: the figures of the README, measured on this machine."""

from __future__ import annotations

import typer

from tianyuan.commands.benches import codec, decode, lockstep, loop, ports

bench = typer.Typer(
    help="Measure what this machine does.", no_args_is_help=True, add_completion=False
)
for command in (loop.loop, codec.codec, lockstep.lockstep, ports.ports, decode.decode):
    bench.command()(command)
