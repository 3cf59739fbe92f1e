"""Runs on a Dask cluster: the same rows, driven wherever the scheduler sends them."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable, Generator, Iterable
from functools import partial
from pathlib import Path
from typing import Any, Final

from tianyuan.control.errors import InputError
from tianyuan.hil.campaign.pool import Lost, Row

CONNECT_S: Final = 20.0
FETCH_S: Final = 10.0  # for the result of a row that is done
AHEAD: Final = 4  # rows that each thread of the cluster has before it, so that none waits


class Cluster:
    """A connection to a Dask scheduler, by its address or by its scheduler file."""

    def __init__(self, address: str) -> None:
        """Raises InputError without dask, and for a cluster that cannot be reached or is empty."""
        try:
            from distributed import Client  # noqa: PLC0415, an extra, and long to import
        except ImportError:
            raise InputError(
                "--cluster needs Dask, which is not installed: pip install 'tianyuan[cluster]'"
            ) from None
        try:
            place = _scheduler(address)
            # A client that does not come to be closes itself when it is collected, in whatever
            # thread that happens to be, and waits there for a loop that has ended: knock first.
            asyncio.run(_knock(place))
            self._client = Client(place, timeout=CONNECT_S, set_as_default=False)
        except (OSError, ValueError, TypeError, KeyError) as error:
            said = " ".join(str(error).split())
            raise InputError(f"--cluster {address}: no Dask scheduler there: {said}") from None
        self.threads = sum(self._client.nthreads().values())
        if not self.threads:
            self.close()
            raise InputError(f"--cluster {address}: no workers; start some with `dask worker`")

    def run_all(
        self, rows: Iterable[int], work: Callable[[int], Row]
    ) -> Generator[tuple[Row | Lost, int]]:
        """What ``work``, which is sent to the workers, makes of each row, as they get done.

        Dask tries a row again whose worker dies, three times. But it blames all rows that a dead
        worker had before it, and results that died with it may never come back, so a row that came
        to nothing is driven once more with no other beside it, and lost only then. InputError where
        ``work`` raises it, and where the scheduler is gone.
        """
        # Never again by an answer that the cluster remembers: impure.
        submit = partial(self._client.submit, work, pure=False)
        again = []
        for row, found in self._abreast(rows, submit):
            if isinstance(found, Lost):
                again.append(row)
            else:
                yield found, 1
        for row in again:
            for _, found in self._abreast([row], submit):
                yield found, 2

    def _abreast(
        self, rows: Iterable[int], submit: Callable[[int], Any]
    ) -> Generator[tuple[int, Row | Lost]]:
        """Each row and what was made of it, as many at a time as keep the cluster busy."""
        from distributed import as_completed  # noqa: PLC0415

        waiting = iter(rows)
        at_work = {submit(row): row for row in itertools.islice(waiting, AHEAD * self.threads)}
        done = as_completed(list(at_work), loop=self._client.loop)
        try:
            for future in done:
                row = at_work.pop(future)
                for following in itertools.islice(waiting, 1):
                    fresh = submit(following)
                    at_work[fresh] = following
                    done.add(fresh)
                yield row, outcome(future, row)
        finally:
            self._client.cancel(list(at_work))

    def close(self) -> None:
        """Let go of the scheduler."""
        self._client.close()


def outcome(future: Any, row: int) -> Row | Lost:
    """What a future that is done has of its row; InputError where no other row will fare better."""
    if future.cancelled():
        raise InputError(
            "the cluster's scheduler is gone; start it again, and the same command drives the rest"
        )
    try:
        return future.result(timeout=FETCH_S)
    except InputError:
        raise
    except Exception as failure:  # noqa: BLE001, whatever Dask tells of a row that it lost
        return Lost(row, " ".join(f"{type(failure).__name__}: {failure}".split()))


def _scheduler(address: str) -> str:
    """The scheduler's address: as given, or from the scheduler file that is named."""
    file = Path(address)
    return json.loads(file.read_text())["address"] if file.is_file() else address


async def _knock(address: str) -> None:
    """Raises OSError, ValueError or TypeError where nobody answers."""
    from distributed.comm.core import connect  # noqa: PLC0415

    await (await connect(address, timeout=CONNECT_S)).close()
