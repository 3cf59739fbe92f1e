"""A cluster's rows are those of this machine, column by column."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from unittest.mock import create_autospec

import pytest

from tianyuan.control.errors import InputError
from tianyuan.hil.campaign import rows
from tianyuan.hil.campaign.cluster import Cluster, outcome
from tianyuan.hil.campaign.driving import driven_here, driven_there
from tianyuan.hil.campaign.pool import Lost

pytestmark = [pytest.mark.compiled, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


@contextmanager
def two_workers() -> Iterator[str]:
    """The address of a cluster of two worker processes on this machine."""
    import dask
    from distributed import LocalCluster

    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        LocalCluster(
            n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
        ) as cluster,
    ):
        yield cluster.scheduler_address


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with two_workers() as address:
        yield address


@pytest.fixture
def cluster(address: str) -> Iterator[Cluster]:
    with closing(Cluster(address)) as made:
        yield made


def test_a_cluster_drives_the_same_rows(small, cluster):
    job, loaded = rows.read(small)
    rows.warm_up(loaded.tasks)
    here = {row["row"]: row for row in driven_here(loaded, range(1, 5), workers=2)}

    there = {row["row"]: row for row in driven_there(cluster, job, loaded, range(1, 5))}

    assert sorted(there) == [1, 2, 3, 4]
    for number, row in there.items():
        for column in loaded.columns():
            if column not in rows.MEASURED:
                assert repr(row[column]) == repr(here[number][column]), column


def deadly(row: int) -> dict:
    import os

    if row == 3:
        os._exit(9)
    return {"row": row}


def test_a_row_that_kills_workers_is_lost_and_the_rest_is_driven():
    """Also the rows that waited behind it, which Dask blames as well."""
    with two_workers() as address, closing(Cluster(address)) as cluster:
        found = [made for made, _ in cluster.run_all(range(1, 7), _by_value(deadly))]
    assert sorted(made["row"] for made in found if isinstance(made, dict)) == [1, 2, 4, 5, 6]
    (lost,) = (made for made in found if isinstance(made, Lost))
    assert lost.row == 3
    assert lost.how.startswith("KilledWorker")


def _by_value(function):
    """A function of this file, which the workers cannot import."""
    import types

    return types.FunctionType(function.__code__, {"__builtins__": __builtins__}, function.__name__)


def test_workers_with_other_files_end_the_campaign_in_one_line(small, cluster):
    job, loaded = rows.read(small)
    small.write_text(small.read_text().replace("seed = 3", "seed = 4"))
    with pytest.raises(InputError, match="other files"):
        list(driven_there(cluster, job, loaded, [1]))


def test_a_scheduler_that_is_gone_is_told_in_one_line():
    from distributed import Future

    lost = create_autospec(Future, instance=True)
    lost.cancelled.return_value = True
    with pytest.raises(InputError, match="scheduler is gone"):
        outcome(lost, 1)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense", "no.json"])
def test_a_cluster_that_is_not_there_is_refused_in_one_line(address, monkeypatch):
    monkeypatch.setattr("tianyuan.hil.campaign.cluster.CONNECT_S", 1.0)
    with pytest.raises(InputError) as refused:
        Cluster(address)
    assert str(refused.value).startswith(f"--cluster {address}: no Dask scheduler there")
    assert "\n" not in str(refused.value)


def test_without_dask_the_remedy_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"tianyuan\[cluster\]"):
        Cluster("tcp://127.0.0.1:1")
