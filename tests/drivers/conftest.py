"""A bus of its own for each test, and nodes that leave it in the end."""

from __future__ import annotations

import multiprocessing
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import numpy as np
import pytest

from tianyuan.dbc.frame import frames
from tianyuan.drivers.port import LocalPort, open_port

Join = Callable[..., LocalPort]


@pytest.fixture
def bus() -> Iterator[str]:
    """A new directory; pytest's own are too long for a socket's path."""
    directory = tempfile.mkdtemp(prefix="bus-")
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def join(bus: str) -> Iterator[Join]:
    """Open a port on the test's bus; it is closed after the test."""
    with ExitStack() as stack:
        yield lambda label="node", channel=0: stack.enter_context(open_port(bus, label, channel))


@pytest.fixture
def numbered() -> Callable[..., np.recarray]:
    """Make frames of eight bytes whose identifiers count up."""

    def make(count: int, first: int = 0) -> np.recarray:
        made = frames(count)
        made.can_id = np.arange(first, first + count)
        made.length = 8
        made.payload[:, :8] = np.arange(8)
        return made

    return make


@pytest.fixture
def fork(bus: str) -> Iterator[Callable[..., multiprocessing.Process]]:
    """Run a function in a process that has this one's compiled code; killed after the test."""
    open_port(bus, "compiles").close()
    context = multiprocessing.get_context("fork")
    started = []

    def start(function: Callable[..., None], *arguments: object) -> multiprocessing.Process:
        started.append(context.Process(target=function, args=arguments))
        started[-1].start()
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.join()
