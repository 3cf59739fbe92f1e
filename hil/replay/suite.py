"""A folder of logs as a regression suite: each replayed, and held against its reference."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from junitparser import Error, Failure, JUnitXml, TestCase, TestSuite

from tianyuan.control.errors import InputError
from tianyuan.firmware.log_file import card_file, parts
from tianyuan.firmware.run_card import has_card as is_own
from tianyuan.hil.campaign import pool
from tianyuan.hil.campaign.cluster import Cluster
from tianyuan.hil.campaign.pool import Lost, Row
from tianyuan.hil.replay.reference import ENDING, Result, changes, read_reference, reference_file
from tianyuan.hil.replay.run import replay_of, warm_up
from tianyuan.hil.replay.source import Named, has_card, source_of
from tianyuan.hil.whole_file import whole_file

CARD: Final = card_file(Path("log")).name.removeprefix("log")
ENDINGS: Final = (".blf", ".asc", ".log", ".trc", ".mf4", ".csv")


class Job(NamedTuple):
    """The logs of a folder and what those without a card are replayed with."""

    logs: tuple[Path, ...]
    named: Named


class Case(NamedTuple):
    """What became of one log: ``verdict`` is same, changed, new or failed."""

    log: Path
    verdict: str
    why: str  # of a failure
    changes: dict[str, tuple[Any, Any]]  # by key: as in the reference, and now
    document: dict[str, Any] | None  # a reference of what came out now
    notes: tuple[str, ...]
    driven_s: float
    took_s: float


def logs_of(folder: Path, named: Named) -> tuple[tuple[Path, ...], list[Path]]:
    """The logs in a folder, and the references in it whose log is gone.

    Further parts of a log are no logs; without a car and a circuit, nor are those without a
    card. Raises InputError where there is none.
    """
    cards = {file.with_name(file.name.removesuffix(CARD)) for file in folder.rglob(f"*{CARD}")}
    found = cards | {file for file in folder.rglob("*.mf4") if has_card(file)}
    if named.car is not None and named.track is not None:
        found |= {file for file in folder.rglob("*") if _ending(file) in ENDINGS}
    further = {part for log in found for part in parts(log) if part != log}
    logs = tuple(sorted(found - (further - cards)))
    if not logs:
        raise InputError(
            f"{folder}: no log in it has its run's card; give --car and --track for those of "
            "other hosts"
        )
    kept = {reference_file(log) for log in logs}
    return logs, [file for file in sorted(folder.rglob(f"*{ENDING}")) if file not in kept]


def _ending(file: Path) -> str:
    return Path(file.name.lower().removesuffix(".gz")).suffix


def _named(log: Path, job: Job) -> Named:
    return Named() if is_own(log) else job.named


def drive(job: Job, number: int) -> Row:
    """Replay one log of a job; what goes wrong is in the row."""
    log, began = job.logs[number], time.perf_counter()
    row: Row = {"number": number, "failed": "", "document": None, "notes": [], "driven_s": 0.0}
    try:
        with tempfile.TemporaryDirectory(prefix="tianyuan-") as folder:
            source = source_of(log, _named(log, job), Path(folder))
            result = Result(source.car)
            outcome = replay_of(source.read(log), source.host(), watch=result.add)
        row |= {
            "document": result.document(outcome),
            "notes": list(outcome.notes),
            "driven_s": outcome.seconds,
        }
    except InputError as error:
        row["failed"] = str(error)
    return row | {"took_s": time.perf_counter() - began}


def compile_first(job: Job) -> None:
    """Compile before the workers are forked, by the first log that can be replayed."""
    for log in job.logs:
        try:
            with tempfile.TemporaryDirectory(prefix="tianyuan-") as folder:
                warm_up(source_of(log, _named(log, job), Path(folder)).host())
        except InputError:
            continue
        return


def cases(job: Job, workers: int, cluster: Cluster | None = None) -> Generator[Case]:
    """Each log's case, as they get done; to be compiled first (``compile_first``)."""
    numbers, work = range(len(job.logs)), partial(drive, job)
    runs = cluster.run_all(numbers, work) if cluster else pool.run_all(numbers, work, workers)
    with closing(runs) as found:
        for row, _ in found:
            yield _case(job, row)


def _case(job: Job, row: Row | Lost) -> Case:
    if isinstance(row, Lost):
        return Case(job.logs[row.row], "failed", row.how, {}, None, (), 0.0, 0.0)
    log, now = job.logs[row["number"]], row["document"]
    notes, times = tuple(row["notes"]), (row["driven_s"], row["took_s"])
    if now is None:
        return Case(log, "failed", row["failed"], {}, None, notes, *times)
    try:
        kept = read_reference(log)
    except InputError as error:
        return Case(log, "changed", str(error), {}, now, notes, *times)
    if kept is None:
        return Case(log, "new", "", {}, now, notes, *times)
    found = changes(kept, now)
    return Case(log, "changed" if found else "same", "", found, now, notes, *times)


def gone(reference: Path) -> Case:
    """The case of a reference whose log is gone: a test that is not run must not look passed."""
    log = reference.with_name(reference.name.removesuffix(ENDING))
    why = f"its log is gone; bring it back, or remove {reference.name}"
    return Case(log, "failed", why, {}, None, (), 0.0, 0.0)


def told(case: Case) -> list[str]:
    """What is to be said of a case, a line each."""
    lines = [case.why] if case.why else []
    if case.verdict == "new":
        lines.append("no reference yet; --accept makes what came out one")
    lines += case.notes  # first: a part that is missing changes everything
    return lines + [
        f"{key}: {_short(kept)} -> {_short(now)}" for key, (kept, now) in case.changes.items()
    ]


def _short(value: Any) -> str:
    if value is None:
        return "none"
    return f"{value:.9g}" if isinstance(value, float) else f"{value}"


def write_junit(file: Path, found: Sequence[Case]) -> None:
    """One suite, a case a log. Errors: OSError when the file cannot be written."""
    suite = TestSuite("tianyuan replay")
    for each in found:
        case = TestCase(each.log.name, f"{each.log.parent}", each.took_s)
        if each.verdict == "failed":
            case.result = [Error("; ".join(told(each)), each.verdict)]
        elif each.verdict != "same":
            case.result = [Failure("; ".join(told(each)), each.verdict)]
        suite.add_testcase(case)
    document = JUnitXml()
    document.add_testsuite(suite)
    with whole_file(file) as made:
        document.write(str(made), pretty=True)
