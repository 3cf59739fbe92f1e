"""From a campaign's file to the rows of its results, in whatever process they are made."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from tianyuan import __version__, source_digest
from tianyuan.control.errors import InputError
from tianyuan.firmware.car_file import read_toml
from tianyuan.hil import virtual
from tianyuan.hil.campaign.digests import digest_of_files, files_of
from tianyuan.hil.campaign.figures import FIGURES, figures_of
from tianyuan.hil.campaign.model import Campaign, load
from tianyuan.hil.campaign.store import stored
from tianyuan.hil.campaign.tasks import Task, Tasks
from tianyuan.hil.scenario import refusal
from tianyuan.hil.scenario.check import check
from tianyuan.hil.scenario.model import Scenario
from tianyuan.hil.scenario.prepare import prepare
from tianyuan.hil.scenario.read import files as scenario_files
from tianyuan.hil.scenario.read import scenario_of
from tianyuan.hil.scenario.runner import run

BEGIN: Final = ("row", "scenario", "seed")
MEASURED: Final = ("tries", "wall_s")  # what differs when a row is driven again
END: Final = ("error", "version", "program", *MEASURED)

Row = dict[str, Any]


class Job(NamedTuple):
    """Which campaign: its file, where it is run, its seed if not the file's, the digest of all."""

    file: Path
    folder: Path
    seed: int | None
    digest: str


class Loaded(NamedTuple):
    """A campaign ready to be driven, and the digests of what its rows are made of."""

    tasks: Tasks
    digests: dict[str, str]  # of the campaign, of the files it names, of the program

    def columns(self) -> list[str]:
        """Of its results."""
        return list(dict.fromkeys([*BEGIN, *self.tasks.campaign.keys(), *FIGURES, *END]))


def read(file: Path, seed: int | None = None, folder: Path | None = None) -> tuple[Job, Loaded]:
    """Read a campaign and all that it names; raises InputError.

    Files are named from the campaign's folder, or else from ``folder``, where it is run.
    """
    file, folder = file.absolute(), folder or Path.cwd()
    campaign = load(file, seed)
    documents = _documents(campaign, file.parent, folder)
    tasks = Tasks(campaign, documents, [file.parent, folder])
    digests = {
        "campaign": _digest(campaign.model_dump_json(exclude={"name", "about"})),
        "files": _digest(json.dumps(documents, default=str), digest_of_files(files_of(tasks))),
        "program": source_digest(),
    }
    return Job(file, folder, seed, _digest(*digests.values())), Loaded(tasks, digests)


def _documents(campaign: Campaign, *folders: Path) -> Mapping[str, Mapping[str, Any]]:
    if campaign.scenario is not None:
        return {campaign.name: campaign.scenario}
    found = {}
    for name in campaign.scenarios:
        places = [str(folder / name) for folder in folders if (folder / name).exists()]
        for file in scenario_files(places[:1] or [name]):
            if file.stem in found:
                raise InputError(f"scenarios: two are named {file.stem}; rename a file")
            found[file.stem] = read_toml(file)
    return found


def _digest(*texts: str) -> str:
    return hashlib.blake2b("\0".join(texts).encode(), digest_size=16).hexdigest()


@cache
def _again(job: Job) -> Loaded:
    """The campaign in another process; InputError unless it is the very same there."""
    found, loaded = read(job.file, job.seed, job.folder)
    if found.digest != job.digest:
        raise InputError(
            f"{job.file}: a worker finds other files or another program there; "
            "give all machines the same ones"
        )
    return loaded


def firsts(tasks: Tasks) -> Iterator[tuple[Task, Scenario, str]]:
    """The first row of each scenario at each corner of the grid, checked; raises InputError."""
    for number in tasks.firsts():
        task = tasks[number]
        where = f"{tasks.campaign.name}: row {number}"
        scenario = scenario_of(task.document, where)
        check(scenario, where)
        yield task, scenario, where


def warm_up(tasks: Tasks) -> None:
    """See that each scenario can be driven, plan its line, and compile; raises InputError."""
    for task, scenario, where in firsts(tasks):
        if not refusal.is_of_files(scenario):  # those are not to be ready
            ready = prepare(scenario, where, task.seed)
            virtual.warm_up(ready.world, ready.host, ready.guard)


def drive_of(job: Job, number: int) -> Row:
    """Row ``number`` of a campaign, driven in a process that may not know it yet."""
    return drive(_again(job).tasks, number)


def drive(tasks: Tasks, number: int) -> Row:
    """Row ``number``, driven now. A run that fails is a row that says so."""
    task, where = tasks[number], f"row {number}"
    began = time.perf_counter()
    try:
        figures = figures_of(run(scenario_of(task.document, where), seed=task.seed, where=where))
    except Exception as failure:  # noqa: BLE001, the campaign goes on whatever a run ends by
        return row_of(task, {}, _said(failure), time.perf_counter() - began)
    return row_of(task, figures, None, time.perf_counter() - began)


def _said(failure: Exception) -> str:
    return f"{type(failure).__name__}: {' '.join(str(failure).split())}"


def row_of(task: Task, figures: Mapping[str, Any], error: str | None, wall_s: float) -> Row:
    """A row of the results as it is stored."""
    row = {
        **dict.fromkeys(FIGURES),
        "row": task.row,
        "scenario": task.scenario,
        "seed": task.seed,
        **task.parameters,
        "passed": False,
        **figures,
        "error": error,
        "version": __version__,
        "program": source_digest(),
        "tries": 1,
        "wall_s": wall_s,
    }
    return {name: stored(value) for name, value in row.items()}


def differences(row: Row, other: Row) -> list[str]:
    """Columns in which two rows differ by a single bit, but for what is measured of a run."""
    names = [name for name in {**row, **other} if name not in MEASURED]
    return [name for name in names if not _same(row.get(name), other.get(name))]


def _same(value: Any, other: Any) -> bool:
    # Floats by their shortest decimals, which differ where the bits do.
    return type(value) is type(other) and repr(value) == repr(other)
