"""``tianyuan campaign``: many runs of varied scenarios, on all cores or on a cluster."""

from __future__ import annotations

import json as jsonlib
import platform
import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer

from tianyuan.commands import options
from tianyuan.commands.campaign_printed import print_row, print_summary
from tianyuan.commands.progress import bar, counter
from tianyuan.control.errors import InputError
from tianyuan.hil.campaign import rows
from tianyuan.hil.campaign.cluster import Cluster
from tianyuan.hil.campaign.driving import cores, driven_here, driven_there
from tianyuan.hil.campaign.figures import LAP_TIME, RANKED
from tianyuan.hil.campaign.rows import Job, Loaded, Row
from tianyuan.hil.campaign.store import FORMAT, Store, opened, read_only
from tianyuan.hil.campaign.summary import Summary, summary_of

File = Annotated[Path, typer.Argument(help="The campaign's TOML file.", show_default=False)]
Workers = Annotated[
    int | None, typer.Option("--workers", min=1, help="Processes; one a core if not given.")
]
ClusterAt = Annotated[
    str | None,
    typer.Option("--cluster", help="Run on Dask: a scheduler's address, or its scheduler file."),
]
Results = Annotated[
    Path | None, typer.Option("--output", "-o", help="SQLite file; FILE.sqlite if not given.")
]
RowNumber = Annotated[
    int | None,
    typer.Option("--row", min=1, help="Drive this row alone and compare it with the stored one."),
]
CampaignSeed = Annotated[
    int | None, typer.Option("--seed", min=0, help="Of all that is drawn, instead of the file's.")
]


def campaign(
    file: File,
    workers: Workers = None,
    cluster: ClusterAt = None,
    output: Results = None,
    row: RowNumber = None,
    seed: CampaignSeed = None,
    json: options.Json = None,
) -> None:
    """Drive each row of a campaign that the results do not have yet.

    Exit status 1 if a row failed, or if --row finds another result than the stored one.
    """
    if cluster is not None and workers is not None:
        raise InputError("--workers: a cluster has its own; leave it out, or --cluster")
    job, loaded = rows.read(file, seed)
    results = output or Path(f"{file.stem}.sqlite")
    if row is not None:
        _drive_again(loaded, results, row, json)
        return
    for _ in rows.firsts(loaded.tasks):  # no file of results for what cannot be driven
        pass
    about = {"format": str(FORMAT), **loaded.digests, **_facts(file, loaded)}
    with opened(results, loaded.columns(), about, ["format", *loaded.digests]) as store:
        before = store.done()
        left = [number for number in range(1, len(loaded.tasks) + 1) if number not in before]
        seconds = 0.0
        if left:
            with _found(job, loaded, left, workers, cluster) as found:
                began = time.perf_counter()
                _write(found, store, len(loaded.tasks), len(before), results)
                seconds = time.perf_counter() - began
        summary = _summary(loaded, list(store.rows()))
    measured = {"driven": len(left), "seconds": seconds, "results": str(results)}
    if json is not None:
        document = summary.model_dump() | measured
        options.write_json(json, jsonlib.dumps(document, indent=2) + "\n")
    if json != "-":
        print_summary(summary)
        pace = f", {len(left)} of them now in {seconds:.1f} s" if left else ""
        typer.echo(f"{summary.done} rows in {results}{pace}")
    if summary.failed:
        raise typer.Exit(1)


def _facts(file: Path, loaded: Loaded) -> dict[str, str]:
    """What the results note of their campaign beside its digests."""
    used = ("llvmlite", "numba", "numpy", "scipy")
    versions = {"python": platform.python_version()} | {name: version(name) for name in used}
    return {
        "name": loaded.tasks.campaign.name,
        "toml": file.read_text(encoding="utf-8"),
        "seed": str(loaded.tasks.campaign.seed),
        "rows": str(len(loaded.tasks)),
        "versions": jsonlib.dumps(versions),
        "machine": f"{platform.platform()} {platform.machine()}",
    }


@contextmanager
def _found(
    job: Job, loaded: Loaded, left: list[int], workers: int | None, cluster: str | None
) -> Iterator[Generator[Row]]:
    """The rows that are left, as they get done, here or on a cluster."""
    there = Cluster(cluster) if cluster is not None else None
    try:
        with bar("compiling and planning, the first time only", total=None):
            rows.warm_up(loaded.tasks)
        if there is not None:
            yield driven_there(there, job, loaded, left)
        else:
            yield driven_here(loaded, left, min(workers or cores(), len(left)))
    finally:
        if there is not None:
            there.close()


def _write(found: Generator[Row], store: Store, total: int, before: int, results: Path) -> None:
    """Put rows into the results as they come; Ctrl-C ends that, and the workers."""
    done, failed = before, 0
    try:
        with closing(found), counter("rows", total, before) as progress:
            for row in found:
                store.add(row)
                done, failed = done + 1, failed + (not row["passed"] and row["verdict"] != "known")
                progress(done, f"{failed} failed" if failed else "")
    except KeyboardInterrupt:
        typer.echo(
            f"stopped: {done} of {total} rows are in {results}; the same command drives the rest",
            err=True,
        )
        raise typer.Exit(130) from None


def _summary(loaded: Loaded, done: list[Row]) -> Summary:
    tasks = loaded.tasks
    return summary_of(
        tasks.campaign.name, len(tasks), done, tasks.campaign.keys(), list(RANKED), LAP_TIME
    )


def _drive_again(loaded: Loaded, results: Path, number: int, json: str | None) -> None:
    """Drive one row and hold it against the stored one; exit status 1 if they differ."""
    if number > len(loaded.tasks):
        raise InputError(f"--row {number}: the campaign has {len(loaded.tasks)} rows")
    with read_only(results) as (store, about):
        kept = store.row(number)
        others = [key for key, value in loaded.digests.items() if about.get(key) != value]
    with bar("compiling and planning, the first time only", total=None):
        rows.warm_up(loaded.tasks)
    with bar(f"row {number}", total=None):
        row = rows.drive(loaded.tasks, number)
    differ = rows.differences(row, kept) if kept is not None else []
    document: dict[str, Any] = {
        "row": row,
        "stored": kept is not None,
        "bit_exact": kept is not None and not differ,
        "differences": {name: [(kept or {}).get(name), row.get(name)] for name in differ},
        "other_than_stored_with": others,
    }
    if json is not None:
        options.write_json(json, jsonlib.dumps(document, indent=2) + "\n")
    if json != "-":
        print_row(document, results)
    if differ:
        raise typer.Exit(1)
