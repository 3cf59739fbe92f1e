"""Progress bars for whatever takes longer than a second."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)


@contextmanager
def bar(what: str, total: float | None = 1.0) -> Iterator[Callable[[float], None]]:
    """A bar on standard error; call the yielded function with how much is done.

    Without a total it only shows that there is life.
    """
    columns = (
        TextColumn("{task.description:<34}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(compact=True),
    )
    console = Console(stderr=True)
    off = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=off) as progress:
        task = progress.add_task(what, total=total)
        yield lambda done: progress.update(task, completed=done)
        progress.update(task, completed=total or 1.0, total=total or 1.0)


@contextmanager
def counter(what: str, total: int, before: int = 0) -> Iterator[Callable[[int, str], None]]:
    """A bar of things that are counted, ``before`` of them done already, with their rate.

    The yielded function takes how many are done, and a word on them. No thread of its own: a
    program that forks must have none.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(compact=True, elapsed_when_finished=True),
        TextColumn("{task.fields[note]}"),
    )
    console = Console(stderr=True)
    off = not console.is_terminal
    with Progress(
        *columns, console=console, transient=True, disable=off, auto_refresh=False
    ) as progress:
        task = progress.add_task(what, total=total, completed=before, rate="", note="")
        progress.refresh()

        def tell(done: int, note: str) -> None:
            speed = progress.tasks[0].speed
            rate = f"{speed:.1f} a second" if speed else ""
            progress.update(task, completed=done, rate=rate, note=note, refresh=True)

        yield tell
