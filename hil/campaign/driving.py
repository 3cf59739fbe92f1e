"""Driving a campaign's rows: on this machine's cores, or on a cluster's."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable
from contextlib import closing
from functools import partial

from tianyuan.hil.campaign import rows
from tianyuan.hil.campaign.cluster import Cluster
from tianyuan.hil.campaign.pool import Lost, run_all
from tianyuan.hil.campaign.rows import Job, Loaded, Row


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0))


def driven_here(loaded: Loaded, numbers: Iterable[int], workers: int) -> Generator[Row]:
    """Rows as they get done, by forked workers; to be warmed up before (``rows.warm_up``)."""
    with closing(run_all(numbers, partial(rows.drive, loaded.tasks), workers)) as found:
        yield from _rows(loaded, found)


def driven_there(
    cluster: Cluster, job: Job, loaded: Loaded, numbers: Iterable[int]
) -> Generator[Row]:
    """Rows as they get done, by the workers of a cluster."""
    with closing(cluster.run_all(numbers, partial(rows.drive_of, job))) as found:
        yield from _rows(loaded, found)


def _rows(loaded: Loaded, found: Iterable[tuple[Row | Lost, int]]) -> Generator[Row]:
    for made, tries in found:
        yield (_lost(loaded, made) if isinstance(made, Lost) else made) | {"tries": tries}


def _lost(loaded: Loaded, lost: Lost) -> Row:
    return rows.row_of(loaded.tasks[lost.row], {}, lost.how, 0.0)
