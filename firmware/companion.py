"""A program that runs beside the host, started again whenever it ends before its time."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Sequence
from typing import Final

PAUSE_S: Final = 0.2  # before a program is started again; doubled each time it ends at once
LONGEST_S: Final = 1.5
SETTLED_S: Final = 5.0


class Companion:
    """A child process of ordinary priority, on the CPUs that are left to it.

    ``look`` must be called from time to time; ``starts`` counts how often it was started.
    """

    def __init__(self, command: Sequence[str], cpus: set[int]) -> None:
        self.starts = 0
        self._command, self._cpus = list(command), cpus
        self._pause_s = PAUSE_S
        self._due_s = 0.0
        self._process = self._start()

    @property
    def pid(self) -> int:
        """The process that runs, or has run last."""
        return self._process.pid

    def _start(self) -> subprocess.Popen[bytes]:
        self.starts += 1
        self._began_s = time.monotonic()
        # A session of its own: Ctrl-C at the terminal is the host's alone to answer.
        process = subprocess.Popen(
            self._command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        with contextlib.suppress(OSError):
            os.sched_setaffinity(process.pid, self._cpus)
        return process

    def look(self) -> None:
        """Start the program again if it has ended, after a pause."""
        now_s = time.monotonic()
        if self._process.poll() is None:
            if now_s - self._began_s > SETTLED_S:
                self._pause_s, self._due_s = PAUSE_S, 0.0
        elif self._due_s == 0.0:
            self._due_s = now_s + self._pause_s
            self._pause_s = min(2.0 * self._pause_s, LONGEST_S)
        elif now_s >= self._due_s:
            self._due_s = 0.0
            self._process = self._start()

    def finish(self, patience_s: float) -> None:
        """Let the program come to its end, started once more if it was ended before its time.

        One that takes longer than ``patience_s`` is killed.
        """
        with contextlib.suppress(subprocess.TimeoutExpired):
            if self._process.wait(patience_s) != 0:
                self._process = self._start()
                self._process.wait(patience_s)
        self._process.kill()
        self._process.wait()
