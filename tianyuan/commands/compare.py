"""``tianyuan compare``: two laps by distance, each by our host or anybody's, from their logs."""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from tianyuan import names
from tianyuan.commands import options
from tianyuan.commands.files import written
from tianyuan.commands.progress import bar
from tianyuan.commands.results import KMH_PER_MPS
from tianyuan.control.errors import InputError
from tianyuan.drivers.local_frame import LocalFrame, frame_at
from tianyuan.firmware.log_file import card_file, numbered_parts, parts
from tianyuan.hil.analysis.choose import Drive, chosen
from tianyuan.hil.analysis.compare import Comparison
from tianyuan.hil.analysis.compare import compare as laid_along
from tianyuan.hil.analysis.line import Line, of_track
from tianyuan.hil.analysis.loops import line_of
from tianyuan.hil.analysis.own_log import is_own
from tianyuan.hil.analysis.trace import Wanted
from tianyuan.hil.decoding.databases import database
from tianyuan.hil.report.comparison import figures, named, write_comparison


def compare(
    a: Annotated[Path, typer.Argument(help="A log of `tianyuan drive`, or any with a position.")],
    b: Annotated[Path, typer.Argument(help="Another one; of the same, two laps.")],
    lap_a: Annotated[int | None, typer.Option("--lap-a", help="Its best if not given.")] = None,
    lap_b: Annotated[int | None, typer.Option("--lap-b", help="Its best if not given.")] = None,
    track: Annotated[
        str | None, typer.Option("--track", help="Along this circuit, not A's own line.")
    ] = None,
    dbc: Annotated[
        list[str] | None,
        typer.Option("--dbc", help="FILE or CHANNEL=FILE, of a log without a card; repeatable."),
    ] = None,
    position: Annotated[
        str | None,
        typer.Option("--position", help="MESSAGE.X,MESSAGE.Y in metres or degrees, of such a log."),
    ] = None,
    valid: Annotated[
        str | None, typer.Option("--valid", help="MESSAGE.Signal: 0 where the position is not.")
    ] = None,
    origin: Annotated[
        str | None, typer.Option("--origin", help="LAT,LON where x and y of the line are zero.")
    ] = None,
    speed: Annotated[
        str | None, typer.Option("--speed", help="MESSAGE.Signal; made of places if not given.")
    ] = None,
    steer: Annotated[str | None, typer.Option("--steer", help="MESSAGE.Signal, an angle.")] = None,
    steer_ratio: Annotated[
        float, typer.Option("--steer-ratio", help="Steering wheel's angle to the road wheels'.")
    ] = 1.0,
    throttle: Annotated[str | None, typer.Option("--throttle", help="MESSAGE.Signal.")] = None,
    brake: Annotated[
        str | None, typer.Option("--brake", help="MESSAGE.Signal, a pressure.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write an HTML page.")] = None,
    json: options.Json = None,
) -> None:
    """Compare two laps by distance: where B is slower or faster than A, and on which line."""
    if steer_ratio == 0.0:
        raise InputError(
            "--steer-ratio 0: not a ratio; as 14.5, below zero if it turns the other way"
        )
    options.spare([*parts(a), *parts(b), card_file(a), card_file(b)], out=out, json=json)
    wanted = None
    if position is not None:
        first, comma, second = position.partition(",")
        if not comma or not dbc:
            raise InputError(
                f"--position {position}: give MESSAGE.X,MESSAGE.Y, and its DBC file by --dbc"
            )
        wanted = Wanted(
            [database(each) for each in dbc], (first.strip(), second.strip()), speed, steer,
            steer_ratio, throttle, brake, valid,
        )  # fmt: skip
    given = frame_at(origin) if origin is not None else None
    drives, taken = read_drives(a, b, wanted, given)
    if taken is not None and given is None and (track or any(d.line for d in drives)):
        raise InputError(
            f"--position {position}: latitudes, and the line is in metres; give --origin LAT,LON, "
            "where its x and y are zero"
        )
    is_one = drives[0] is drives[1]
    for drive in drives[:1] if is_one else drives:
        for note in drive.trace.notes:
            typer.echo(f"{drive.trace.name}: {note}", err=True)  # standard output may be JSON
    line = line_along(drives, track)
    of_a = chosen(drives[0], line, lap_a, "--lap-a", lap_b if is_one else None)
    of_b = chosen(drives[1], line, lap_b, "--lap-b", of_a.number if is_one else None)
    found = laid_along(line, (drives[0].trace, of_a), (drives[1].trace, of_b))
    if json is not None:
        options.write_json(json, jsonlib.dumps(figures(found), indent=2) + "\n")
    if json != "-":
        print_comparison(found)
    if out is not None:
        written("out", out, write_comparison, found)


def read_drives(
    a: Path, b: Path, wanted: Wanted | None, origin: LocalFrame | None
) -> tuple[tuple[Drive, Drive], LocalFrame | None]:
    """Both logs, one that is given twice read once, and the origin of their latitudes."""
    read = dict[Path, Drive]()
    for log in (a, b):
        if log in read:
            continue
        # Of a log whose first part was dropped, its card says that there was one.
        if not log.is_file() and not (card_file(log).exists() and numbered_parts(log)):
            raise InputError(f"{log}: no such file; give a log of CAN frames")
        with bar(f"reading {log.name}") as progress:
            if is_own(log):
                read[log] = Drive.own(log, progress)
            elif wanted is None:
                raise InputError(
                    f"{log}: no card of `tianyuan drive` beside it; say where its position is, "
                    "by --dbc and --position"
                )
            else:
                read[log], taken = Drive.foreign(log, wanted, origin)
                origin = taken or origin
    return (read[a], read[b]), origin


def line_along(drives: tuple[Drive, Drive], track: str | None) -> Line:
    """The circuit's centre line, or the racing line of a log, or what A drove."""
    if track is not None:
        return of_track(names.track_file(track))
    for drive in drives:
        if drive.line is not None:
            return drive.line
    return line_of(drives[0].trace)


def print_comparison(found: Comparison) -> None:
    """The laps' times, and the corners in a table."""
    console = Console()
    for label, side in (("A", found.a), ("B", found.b)):
        console.print(f"{label}: {named(side)}, {side.lap_s:.3f} s", highlight=False)
    table = Table(title="corners: what B loses to A, and speeds in km/h", title_justify="left")
    for heading in ("corner", "at m", "B − A s", "entry A", "B", "slowest A", "B", "exit A", "B"):
        table.add_column(heading, justify="right")
    for each in found.through:
        pairs = (
            (each.a.entry_mps, each.b.entry_mps),
            (each.a.min_mps, each.b.min_mps),
            (each.a.exit_mps, each.b.exit_mps),
        )
        table.add_row(
            str(each.corner.number),
            f"{each.corner.apex_m:.0f}",
            f"{each.delta_s:+.3f}",
            *(f"{speed_mps * KMH_PER_MPS:.0f}" for pair in pairs for speed_mps in pair),
        )
    console.print(table)
    place = "behind" if found.total_s >= 0.0 else "ahead of"
    console.print(f"at the end B is {abs(found.total_s):.3f} s {place} A", highlight=False)
