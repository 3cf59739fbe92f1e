"""What the commands print of a run, and the report they write of it."""

from __future__ import annotations

import datetime
import platform
from collections.abc import Sequence

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from tianyuan.commands.prepare import Prepared
from tianyuan.firmware.accounting import BINS, STAGES, Accounts, summary
from tianyuan.hil import laps as lap_table
from tianyuan.hil.bus.figures import BusFigures
from tianyuan.hil.laps import Lap, LapRun
from tianyuan.hil.reactions import reactions
from tianyuan.hil.report import Run, Stage, Timing

KMH_PER_MPS = 3.6


def result_of(
    ready: Prepared,
    telemetry: np.ndarray,
    finished: bool,
    real_time_factor: float = 1.0,
    buses: Sequence[BusFigures] = (),
) -> LapRun:
    """The document of a run that left this telemetry."""
    return LapRun(
        finished=finished,
        stop_cause=lap_table.stop_cause(telemetry).name,
        laps=lap_table.laps(telemetry),
        reactions=reactions(telemetry),
        real_time_factor=real_time_factor,
        track=ready.track,
        car=ready.car.name,
        controller=ready.law.name.lower().replace("_", "-"),
        buses=list(buses),
    )


def print_laps(run: LapRun) -> None:
    """The lap table and how the run ended."""
    print_lap_table(f"{run.car} on {run.track}, {run.controller}", run.laps)
    ended = "finished" if run.finished else "not finished"
    Console().print(f"{ended}: {run.stop_cause}; {run.real_time_factor:.0f} times real time")
    for each in () if run.finished else run.reactions:
        typer.echo(
            f"{each.t_s:9.3f} s  {each.reaction.replace('_', ' ')}: {each.cause}, at "
            f"{each.station_m:.0f} m of lap {each.lap}, {each.speed_mps * KMH_PER_MPS:.0f} km/h"
        )


def print_lap_table(title: str, laps: Sequence[Lap]) -> None:
    """A row for each completed lap."""
    if not laps:
        Console().print(f"{title}: no lap was completed", highlight=False)
        return
    table = Table(title=title, title_justify="left")
    for heading in (
        "lap",
        "time s",
        "off line rms m",
        "off line max m",
        "to the edge m",
        "top km/h",
    ):
        table.add_column(heading, justify="right")
    for lap in laps:
        table.add_row(
            str(lap.number),
            f"{lap.time_s:.3f}",
            f"{lap.rms_cross_track_m:.3f}",
            f"{lap.max_cross_track_m:.3f}",
            f"{lap.min_edge_margin_m:.3f}",
            f"{lap.top_speed_mps * KMH_PER_MPS:.1f}",
        )
    Console().print(table)


def print_buses(buses: Sequence[BusFigures]) -> None:
    """How full the modelled buses were, and how long their messages took."""
    for bus in buses:
        table = Table(
            title=f"bus {bus.name}: load {bus.load:.1%}, {bus.frames} frames, {bus.spoilt} spoilt",
            title_justify="left",
        )
        for heading in ("message", "frames", "least µs", "median µs", "most µs"):
            table.add_column(heading, justify="left" if heading == "message" else "right")
        for each in bus.messages:
            times_us = (each.min_us, each.median_us, each.max_us)
            table.add_row(each.name, f"{each.frames}", *(f"{time_us:.0f}" for time_us in times_us))
        Console().print(table)
        for node in bus.nodes:
            lost = {"replaced": node.replaced, "dropped": node.dropped, "overrun": node.overrun}
            told = [f"{count} {name}" for name, count in lost.items() if count]
            if told:
                typer.echo(f"bus {bus.name}: {node.name}: {', '.join(told)}")


def timing_of(kept: Accounts) -> Timing:
    """The accounts of a real-time run as the report draws them."""
    figures = summary(kept)
    stages = {}
    for stage, bins in zip(STAGES, kept.bins, strict=True):
        if bins.sum() == 0:
            continue
        p = figures[f"{stage}_us"]
        stages[stage] = Stage(
            np.arange(BINS + 1, dtype=float), bins, p["p50"], p["p99"], p["p999"], p["max"]
        )
    missed = dict(zip(STAGES, kept.missed.tolist(), strict=True))
    return Timing(stages, {stage: count for stage, count in missed.items() if count})


def report_of(
    run: LapRun, telemetry: np.ndarray, path: np.ndarray, timing: Timing | None = None
) -> Run:
    """What the report is written from."""
    return Run(
        title=f"{run.car} on {run.track}",
        track=run.track,
        car=run.car,
        controller=run.controller,
        date=datetime.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z"),
        machine=f"{platform.machine()}, Python {platform.python_version()}",
        telemetry=telemetry,
        path=path,
        laps=run.laps,
        stop_cause=run.stop_cause,
        real_time_factor=run.real_time_factor,
        timing=timing,
        figures={f"load of bus {bus.name}": f"{bus.load:.1%}" for bus in run.buses},
    )
