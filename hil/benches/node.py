"""Nodes of a bench: processes of their own that work when told and report when done."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from tianyuan.hil.spawned import deaf_to_interrupts

# Works until the word of ``quit_`` is set; calls ``ready`` once it is on the bus.
Work = Callable[[Any, Callable[[], None], np.ndarray], Any]


class Node:
    """The bench's end of a node's pipe."""

    def __init__(self, name: str, pipe: Connection) -> None:
        self._name = name
        self._pipe = pipe
        self.result: Any = None  # of the last turn

    @contextmanager
    def working(self, order: Any) -> Iterator[None]:
        """Have the node work by ``order`` inside a ``with``; ``result`` holds its report after."""
        self._pipe.send(order)
        self._hear()
        try:
            yield
        finally:
            self._pipe.send(True)
            self.result = self._hear()

    def _hear(self) -> Any:
        try:
            return self._pipe.recv()
        except EOFError:
            raise RuntimeError(f"{self._name}: its process ended; its message is above") from None


@contextmanager
def node(name: str, prepare: Callable[..., Work], *arguments: Any) -> Iterator[Node]:
    """Start a process that makes its work by ``prepare(*arguments)`` and waits for orders."""
    spawning = multiprocessing.get_context("spawn")
    ours, theirs = spawning.Pipe()
    process = spawning.Process(
        target=_serve, args=(theirs, prepare, arguments), name=name, daemon=True
    )
    with deaf_to_interrupts():  # the bench ends its nodes itself
        process.start()
    theirs.close()  # so that the node's death ends the wait for it
    try:
        yield Node(name, ours)
    except BaseException:
        process.terminate()  # whatever it is at
        raise
    finally:
        ours.close()
        process.join()


def _serve(pipe: Connection, prepare: Callable[..., Work], arguments: tuple[Any, ...]) -> None:
    work = prepare(*arguments)
    try:
        while True:
            order, quit_ = pipe.recv(), np.zeros(1, np.int64)
            listener = threading.Thread(target=_await_end, args=(pipe, quit_), daemon=True)

            def ready(listener: threading.Thread = listener) -> None:
                pipe.send(True)
                listener.start()

            result = work(order, ready, quit_)
            listener.join()
            pipe.send(result)
    except (EOFError, ConnectionError):
        return


def _await_end(pipe: Connection, quit_: np.ndarray) -> None:
    """Wait for the word to end, or for the bench's death, which is one too."""
    try:
        pipe.recv()
    except (EOFError, ConnectionError):
        pass
    finally:
        quit_[0] = 1
