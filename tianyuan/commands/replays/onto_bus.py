"""A log onto buses, with its original spacing."""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import Any

import typer
from can.util import cast_from_string

from tianyuan.commands import options
from tianyuan.commands.progress import bar
from tianyuan.commands.signals import stop_on_signals
from tianyuan.control.errors import InputError
from tianyuan.drivers.realtime import real_time
from tianyuan.hil.replay.to_bus import Tape, Way, play_log, player

WAYS: dict[str, Way] = {"all": "all", "in": "in", "out": "out"}
PRIORITY = 60  # below every node of the car


def replay_onto_bus(
    log: Path,
    interface: str,
    channel: str,
    speed: float,
    way: str,
    texts: list[str],
    cpu: int | None,
    json: str | None,
) -> None:
    """Play a log until its end or a signal, and tell how late its frames left."""
    if way not in WAYS:
        raise InputError(f"--frames {way}: choose one of {', '.join(WAYS)}")
    places = channel.split(",")
    tape, stop = Tape(log, len(places), WAYS[way]), stop_on_signals()
    onto = player(places, interface, settings_of(texts))
    try:
        with real_time(cpu, PRIORITY), bar(f"{log.name} onto {channel}", total=None) as progress:
            told = play_log(tape, onto, speed, stop, progress)
    finally:
        onto.close()
    if not told.sent:
        left = ", ".join(f"{count} {why}" for why, count in told.left_out.items()) or "no frame"
        raise InputError(f"{log}: nothing to send: {left}")
    figures = told.figures()
    if json is not None:
        options.write_json(json, jsonlib.dumps(figures, indent=2) + "\n")
    if json != "-":
        print_figures(figures)


def settings_of(texts: list[str]) -> dict[str, Any]:
    """Settings of a python-can interface, of KEY=VALUE."""
    settings = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not (equals and key.isidentifier()):
            raise InputError(f"--set {text}: not KEY=VALUE, as bitrate=500000")
        settings[key] = cast_from_string(value)
    return settings


def print_figures(figures: dict[str, Any]) -> None:
    """What left, how late, and what was left out."""
    late = ", ".join(
        f"{name.removesuffix('_us')} {figures[name]:.0f} µs"
        for name in ("p50_us", "p99_us", "p999_us", "max_us")
    )
    typer.echo(f"{figures['sent']} frames in {figures['seconds']:.3f} s; late by {late}")
    for why, count in figures["left_out"].items():
        typer.echo(f"left out: {count} {why}")
    for note in figures["notes"]:
        typer.echo(note)
