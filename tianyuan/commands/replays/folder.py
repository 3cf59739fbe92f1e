"""A folder of logs: each replayed and held against the reference beside it."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import typer

from tianyuan.commands import options
from tianyuan.commands.files import written
from tianyuan.commands.progress import bar, counter
from tianyuan.control.errors import InputError
from tianyuan.hil.campaign.cluster import Cluster
from tianyuan.hil.campaign.driving import cores
from tianyuan.hil.replay import suite
from tianyuan.hil.replay.reference import write_reference
from tianyuan.hil.replay.source import Named
from tianyuan.hil.replay.suite import Case, Job


def replay_folder(
    folder: Path,
    named: Named,
    workers: int | None,
    cluster: str | None,
    accept: bool,
    junit: Path | None,
    json: str | None,
) -> bool:
    """Replay every log of a folder; whether each gave what its reference has.

    ``accept`` makes what came out the reference. Raises InputError.
    """
    if cluster is not None and workers is not None:
        raise InputError("--workers: a cluster has its own; leave it out, or --cluster")
    named = _anywhere(named)
    logs, stale = suite.logs_of(folder.resolve(), named)
    found = _replayed(Job(logs, named), workers, cluster)
    found = sorted([*found, *map(suite.gone, stale)], key=lambda case: case.log)
    if accept:
        for case in found:
            if case.document is not None and case.verdict != "same":
                write_reference(case.log, case.document)
    if junit is not None:
        written("junit", junit, suite.write_junit, found)
    if json is not None:
        options.write_json(json, _document(found, accept))
    if json != "-":
        _print(found, accept)
    return all(case.verdict == "same" or (accept and case.document) for case in found)


def _anywhere(named: Named) -> Named:
    """What is named, with files by their whole path: a cluster's workers are elsewhere."""
    line = named.line.resolve() if named.line else None
    return named._replace(car=_whole(named.car), track=_whole(named.track), line=line)


def _whole(name: str | None) -> str | None:
    return f"{Path(name).resolve()}" if name is not None and Path(name).is_file() else name


def _replayed(job: Job, workers: int | None, cluster: str | None) -> list[Case]:
    there = Cluster(cluster) if cluster is not None else None
    try:
        if there is None:
            with bar("compiling, the first time only", total=None):
                suite.compile_first(job)
        count, cases = len(job.logs), list[Case]()
        with (
            closing(suite.cases(job, min(workers or cores(), count), there)) as found,
            counter("logs", count) as progress,
        ):
            for case in found:
                cases.append(case)
                others = sum(each.verdict != "same" for each in cases)
                progress(len(cases), f"{others} not the same" if others else "")
    finally:
        if there is not None:
            there.close()
    return cases


def _print(found: Sequence[Case], accept: bool) -> None:
    for case in found:
        taken = accept and case.document is not None and case.verdict != "same"
        typer.echo(f"{case.log}: {case.verdict}{', accepted' if taken else ''}")
        for line in suite.told(case):
            typer.echo(f"  {line}")
    counts = {name: sum(case.verdict == name for case in found)
              for name in ("same", "changed", "new", "failed")}  # fmt: skip
    driven_s = sum(case.driven_s for case in found)
    told = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    typer.echo(f"{len(found)} logs, {driven_s:.1f} s of driving: {told}")


def _document(found: Sequence[Case], accept: bool) -> str:
    logs = [
        {
            "log": str(case.log),
            "verdict": case.verdict,
            "accepted": accept and case.document is not None and case.verdict != "same",
            "why": case.why,
            "changes": {key: list(pair) for key, pair in case.changes.items()},
            "notes": list(case.notes),
            "driven_s": case.driven_s,
            "took_s": case.took_s,
        }
        for case in found
    ]
    same = sum(case.verdict == "same" for case in found)
    return jsonlib.dumps({"logs": logs, "same": same, "other": len(found) - same}, indent=2) + "\n"
