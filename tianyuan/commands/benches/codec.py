"""``tianyuan bench codec``: the codec against cantools, in C and by itself."""

from __future__ import annotations

import json as jsonlib
from typing import Any

from rich.console import Console
from rich.table import Table

from tianyuan.commands import options
from tianyuan.commands.progress import bar
from tianyuan.hil.benches import codec as codecs
from tianyuan.hil.benches import traffic

CONTESTANTS = {
    "ours": "tianyuan",
    "c": "C, linked",
    "c_inlined": "C, inlined",
    "cantools": "cantools",
}


def codec(turns: options.Turns = 21, json: options.Json = None) -> None:
    """The codec against the C that cantools generates, and against cantools itself."""
    every = [traffic.six_signals(), traffic.car(guarded=False), traffic.car(guarded=True)]
    compared = []
    for each in every:
        with bar(each.name, total=2 * turns) as progress:
            compared.append(codecs.compare(each, turns, progress))
    for note in {figures.note for figures in compared if figures.note}:
        Console(stderr=True).print(f"nothing to compare with in C: {note}")
    if json is not None:
        options.write_json(json, jsonlib.dumps(codec_figures(compared, turns), indent=2) + "\n")
    if json != "-":
        print_codec(compared)


def codec_figures(compared: list[codecs.Figures], turns: int) -> dict[str, Any]:
    """The JSON: of the six-signal frame at the top, and below of each traffic.

    A contestant that did not run is null, as in C without gcc and whenever there is
    protection, which cantools does not know.
    """
    by_traffic = {figures.traffic: _with_ratios(figures) for figures in compared}
    return by_traffic[compared[0].traffic] | {"turns": turns, "traffic": by_traffic}


def _with_ratios(figures: codecs.Figures) -> dict[str, Any]:
    """Nanoseconds a frame, and ours as a multiple of each other's."""
    every: dict[str, Any] = {}
    for verb, measured in (("decode", figures.decode_ns), ("encode", figures.encode_ns)):
        ours = measured["ours"]
        every[f"{verb}_ns"] = {name: measured.get(name) for name in CONTESTANTS}
        every[f"{verb}_ratio"] = {
            name: ours / measured[name] if name in measured else None
            for name in CONTESTANTS
            if name != "ours"
        }
    return every


def print_codec(compared: list[codecs.Figures]) -> None:
    """Nanoseconds a frame in a table, and what is in them."""
    table = Table(title="nanoseconds a frame, medians", title_justify="left")
    table.add_column("traffic", no_wrap=True)
    table.add_column("")
    for heading in (*CONTESTANTS.values(), "ours : C"):
        table.add_column(heading, justify="right")
    for figures in compared:
        for verb, measured in (("decode", figures.decode_ns), ("encode", figures.encode_ns)):
            cells = [f"{measured[name]:.1f}" if name in measured else "-" for name in CONTESTANTS]
            ratio = f"{measured['ours'] / measured['c']:.2f}" if "c" in measured else "-"
            table.add_row(figures.traffic, verb, *cells, ratio)
    console = Console()
    console.print(table)
    console.print(
        "Both find the message by its identifier and check its length. Ours also rounds to "
        "nearest, saturates, clears the rest of the frame and keeps books; the C truncates. "
        "Linked is cantools' file compiled for itself; inlined, it is one with the loop and "
        "fixed to this DBC file."
    )
