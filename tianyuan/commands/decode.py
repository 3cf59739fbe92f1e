"""``tianyuan decode``: logs and DBC files to columns of physical values."""

from __future__ import annotations

import json as jsonlib
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from tianyuan import names
from tianyuan.commands import options
from tianyuan.commands.decoded import document, print_summary
from tianyuan.commands.progress import bar
from tianyuan.control.errors import InputError
from tianyuan.dbc.names import suggestion
from tianyuan.drivers.local_frame import frame_at
from tianyuan.firmware.car_file import load_car
from tianyuan.firmware.log_file import card_file, missing_parts, parts
from tianyuan.firmware.run_card import has_card, read_card
from tianyuan.hil.decoding.catalogue import Catalogue
from tianyuan.hil.decoding.databases import Database, database, of_car
from tianyuan.hil.decoding.run import decode as run_decode
from tianyuan.hil.decoding.sinks.choose import STANDARD_OUTPUT, sink_of
from tianyuan.hil.decoding.sinks.sink import Told


def decode(
    logs: Annotated[
        list[Path],
        typer.Argument(help="Logs of any kind, one after the other; of our own, all parts."),
    ],
    dbc: Annotated[
        list[str] | None,
        typer.Option("--dbc", help="A DBC file, or CHANNEL=FILE for one of the log's buses."),
    ] = None,
    car: Annotated[
        str | None,
        typer.Option("--car", help="The DBC files of a car by its buses, and the host's own."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="A folder for one Parquet file a message, or a file: .parquet, .csv, .mf4, .mcap. "
            "- is CSV on standard output.",
        ),
    ] = None,
    signal: Annotated[
        list[str] | None,
        typer.Option("--signal", "-s", help="Only this MESSAGE.Signal, or a MESSAGE's all."),
    ] = None,
    choices: Annotated[
        bool, typer.Option("--choices", help="The DBC files' words in place of their numbers.")
    ] = False,
    partial: Annotated[
        bool,
        typer.Option("--partial", help="Keep what there is of frames that are too short."),
    ] = False,
    origin: Annotated[
        str | None,
        typer.Option("--origin", help="LAT,LON of the host's x and y, for .mcap's map."),
    ] = None,
    json: options.Json = None,
) -> None:
    """Decode logs to physical values, as fast as the disk gives them, in constant memory.

    Without --dbc or --car, our own log is decoded with the files that its card holds. Without
    --output only the summary is made.
    """
    told = Told(choices, partial, frame_at(origin) if origin else None)
    files, databases = _parts(logs), _databases(logs, dbc or [], car)
    told_apart = output == STANDARD_OUTPUT
    if told_apart and json == "-":
        raise InputError("--output - and --json -: one of them; give the other a file")
    options.spare(
        [*files, *map(card_file, logs), *(Path(each.file) for each in databases)],
        output=output, json=json,
    )  # fmt: skip
    catalogue = Catalogue(databases, wanted(databases, signal or []) if signal else None)
    sink = sink_of(output, told)
    began = time.perf_counter()
    with bar(f"decoding {files[0].name}") as progress:
        done = run_decode(files, catalogue, sink, partial, progress)
    figures = document(done, catalogue, time.perf_counter() - began)
    figures["missing_parts"] = [
        str(gone) for log in logs if has_card(log) for gone in missing_parts(log)
    ]
    if json is not None:
        options.write_json(json, jsonlib.dumps(figures, indent=2) + "\n")
    if json != "-":
        print_summary(figures, told_apart)


def wanted(databases: Sequence[Database], said: Sequence[str]) -> set[str]:
    """The signals that ``MESSAGE`` and ``MESSAGE.Signal`` ask for; raises InputError."""
    known: dict[str, set[str]] = {}
    for each in databases:
        for message in each.messages:
            signals = known.setdefault(message.name, set())
            signals.update(signal.name for signal in message.signals)
    found: set[str] = set()
    for name in said:
        message_name, _, signal = name.partition(".")
        if message_name not in known or (signal and signal not in known[message_name]):
            near = [
                message_name,
                *(f"{message_name}.{each}" for each in known.get(message_name, ())),
            ]
            every = near if message_name in known else list(known)
            raise InputError(f"--signal {name}: not in the DBC files; {suggestion(name, every)}")
        signals = {signal} if signal else known[message_name]
        found.update(f"{message_name}.{each}" for each in signals)
    return found


def _parts(logs: Sequence[Path]) -> list[Path]:
    """Of a log of ours all its parts: it is one that has a card."""
    return [part for log in logs for part in (parts(log) if has_card(log) else [log])]


def _databases(logs: Sequence[Path], dbc: Sequence[str], car: str | None) -> list[Database]:
    found = [database(each) for each in dbc]
    if car is not None:
        found += of_car(load_car(names.car_file(car)))
    if not found:
        with_card = next((log for log in logs if has_card(log)), None)
        if with_card is None:
            raise InputError("no DBC file; give --dbc FILE or --car CAR")
        with tempfile.TemporaryDirectory(prefix="tianyuan-") as folder:
            found = of_car(read_card(with_card, Path(folder)).car)
    return found
