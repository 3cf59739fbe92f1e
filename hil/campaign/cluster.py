"""Runs on a Dask cluster: the same rows, driven wherever the scheduler sends them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator, Iterable
from functools import partial
from pathlib import Path
from typing import Any, Final

from tianyuan.control.errors import InputError
from tianyuan.hil.campaign.pool import Lost, Row

CONNECT_S: Final = 20.0
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
        place: dict[str, Any] = (
            {"scheduler_file": address} if Path(address).is_file() else {"address": address}
        )
        try:
            self._client = Client(**place, timeout=CONNECT_S, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
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

        Dask tries a row again whose worker dies, three times. InputError where ``work`` raises it,
        and where the scheduler is gone.
        """
        from distributed import as_completed  # noqa: PLC0415

        waiting = iter(rows)
        # Never again by an answer that the cluster remembers: impure.
        submit = partial(self._client.submit, work, pure=False)
        at_work = {submit(row): row for row in itertools.islice(waiting, AHEAD * self.threads)}
        done = as_completed(list(at_work), loop=self._client.loop)
        try:
            for future in done:
                row = at_work.pop(future)
                for following in itertools.islice(waiting, 1):
                    fresh = submit(following)
                    at_work[fresh] = following
                    done.add(fresh)
                yield outcome(future, row), 1
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
    failure = future.exception()
    if failure is None:
        return future.result()
    if isinstance(failure, InputError):
        raise failure
    return Lost(row, " ".join(f"{type(failure).__name__}: {failure}".split()))
