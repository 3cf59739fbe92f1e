"""``tianyuan report``: a drive's log as one page, and its laps in the terminal."""

from __future__ import annotations

import datetime
import json as jsonlib
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tianyuan.commands import options
from tianyuan.commands.files import written
from tianyuan.commands.progress import bar
from tianyuan.commands.results import print_lap_table, timing_of
from tianyuan.firmware.log_file import card_file, ending_of, parts
from tianyuan.hil import laps as lap_table
from tianyuan.hil.analysis.events import Event
from tianyuan.hil.analysis.own_log import Gap, OwnLog, read_own
from tianyuan.hil.report import Evidence, Run, Timing, Traffic, write_report
from tianyuan.hil.report.data import key_figures

MOST_TOLD = 12


def report(
    log: Annotated[Path, typer.Argument(help="A log that `tianyuan drive --log` wrote.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The page; LOG.html if not given.")
    ] = None,
    json: options.Json = None,
) -> None:
    """Tell a drive from its log: laps, corners, errors, timing, faults, in one HTML file."""
    ending = ending_of(log) or log.suffix
    page = out or log.with_name(log.name[: len(log.name) - len(ending)] + ".html")
    options.spare([*parts(log), card_file(log)], out=page, json=json)
    with bar(f"reading {log.name}") as progress:
        own = read_own(log, progress)
    run = run_of(own)
    if json is not None:
        options.write_json(json, jsonlib.dumps(key_figures(run), indent=2) + "\n")
    if json != "-":
        tell(own, run)
    written("out", page, write_report, run)


def run_of(own: OwnLog) -> Run:
    """What the page is written from."""
    began = datetime.datetime.fromtimestamp(own.began_ns * 1e-9).astimezone()
    return Run(
        title=f"{own.car.car.name}, {own.file.name}",
        track="",
        car=own.car.car.name,
        controller=own.controller,
        date=began.strftime("%Y-%m-%d %H:%M %Z"),
        machine=f"{own.rate_hz} Hz, {own.ticks:,} ticks",
        telemetry=own.telemetry,
        path=own.path,
        laps=lap_table.laps(own.telemetry),
        stop_cause=lap_table.stop_cause(own.telemetry).name,
        timing=Timing(timing_of(own.timing).stages, {"in all": own.overruns}),
        figures={"deadlines missed": own.overruns, "faults": len(faults_of(own))},
        evidence=evidence_of(own),
    )


def faults_of(own: OwnLog) -> list[Event]:
    """What went wrong, but for deadlines missed, which are counted by themselves."""
    return [event for event in own.events if event.grave and not event.late]


def evidence_of(own: OwnLog) -> Evidence:
    """Messages by their names, and the rest in sentences."""
    buses = dict(enumerate(own.buses))
    traffic = [
        Traffic(
            buses.get(each.channel, "host"), each.name(own.names), each.sent, each.frames,
            each.mean_ms, each.silent_ns * 1e-6,
        )
        for each in own.messages
    ]  # fmt: skip
    refused = [
        f"{each.message}: {each.frames:,} frames could not be taken"
        + (f", the last one: {each.why}" if each.why else "")
        for each in own.refused
    ]
    notes = [f"{note.kind}, {note.times:,} times; the first: {note.first}" for note in own.notes]
    return Evidence(traffic, own.events, [_gap(gap) for gap in own.gaps], [*notes, *refused])


def _gap(gap: Gap) -> str:
    if gap.lost_frames:
        return f"{gap.t_s:.3f} s: the recorder lost {gap.lost_frames:,} frames"
    return f"{gap.t_s:.3f} s: no tick for {gap.missing_s:.3f} s"


def tell(own: OwnLog, run: Run) -> None:
    """Laps, and what was wrong, for the terminal."""
    print_lap_table(f"{run.car}, {run.controller}: {own.file.name}", run.laps)
    console = Console()
    console.print(f"{own.ticks:,} ticks, ended with {run.stop_cause}", highlight=False)
    wrong = faults_of(own)
    for event in wrong[:MOST_TOLD]:
        console.print(f"{event.t_s:9.2f} s  {event.what}", highlight=False)
    if len(wrong) > MOST_TOLD:
        console.print(f"and {len(wrong) - MOST_TOLD} more faults; the page has them all")
    if late := [event for event in own.events if event.late]:
        most = max(late, key=lambda event: event.late)
        console.print(
            f"deadlines missed: {sum(event.late for event in late)} in {len(late)} places, "
            f"{most.late} of them at {most.t_s:.2f} s",
            highlight=False,
        )
    assert run.evidence is not None
    for each in [*run.evidence.gaps, *run.evidence.notes][:MOST_TOLD]:
        console.print(each, highlight=False)
