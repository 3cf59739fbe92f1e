"""The recorder: everything the loop saw, said and thought, from the ring into a log.

A process of its own. The frames of one tick end with its marker, which carries the tick's
integer time: that, and the run's card beside the log, is all that a replay needs. Whoever
kills it loses nothing: the next one takes up where the log is safe, as far as the ring
reaches back. A log that cannot be written, as on a full disk, is tried again and again.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from pathlib import Path
from typing import Final

import numpy as np

from tianyuan.control.errors import InputError
from tianyuan.dbc.frame import FRAME, TX
from tianyuan.firmware.host_record import TICK_ID
from tianyuan.firmware.log_file import Part, part
from tianyuan.firmware.marks import Marks, marks_file, read_marks, write_marks
from tianyuan.firmware.shared_ring import RingReader

PAUSE_S: Final = 0.02
PATIENCE_S: Final = (1.0, 30.0)  # between attempts to write: the first, and the most


def whole_ticks(frames: np.ndarray) -> int:
    """How many of the frames (n,) come before the end of the last tick that is whole."""
    ends = np.flatnonzero((frames["can_id"] == TICK_ID) & (frames["reserved"] == TX))
    return int(ends[-1]) + 1 if ends.size else 0


class Recorder:
    """Follows a ring into a log; ``marks`` tells how far it has come, and a file too."""

    def __init__(self, ring: RingReader, log: Path, noted: Path | None) -> None:
        self.marks = read_marks(noted, ring.pid) if noted else Marks()
        self._ring, self._log, self._noted = ring, log, noted
        self._unsafe = np.zeros(0, FRAME)  # written since the last whole tick that is safe
        self.go_back()

    def go_back(self) -> None:
        """Take up where the log is safe."""
        self._unsafe = self._unsafe[:0]
        self._ring.read, self._ring.lost = self.marks.read, self.marks.lost

    def follow(self) -> None:
        """Record until the ring is over; raises OSError where the log cannot be written."""
        self._mark(parts=self.marks.parts + 1)
        with Part(part(self._log, self.marks.parts)) as opened:
            over = False
            while not over:
                over = self._ring.is_over()  # asked before the last look, not after
                self._write(opened, self._look())
                if not over:
                    time.sleep(PAUSE_S)
        self._mark(read=self._ring.read, lost=self._ring.lost)

    def give_up(self) -> None:
        """Count what the log does not have as lost."""
        self.go_back()
        lost = self._ring.lost + len(self._ring.take())
        self._mark(read=self._ring.read, lost=lost)

    def _look(self) -> np.ndarray:
        lost = self._ring.lost
        frames = self._ring.take()
        if self._ring.lost != lost:
            self._unsafe = self._unsafe[:0]  # older than a gap: cannot be had again
        return frames

    def _write(self, opened: Part, frames: np.ndarray) -> None:
        opened.write(frames, self._ring.wall_ns)
        pending = np.concatenate((self._unsafe, frames))
        # A part begins with a whole tick, so that ticks can be told apart.
        safe = whole_ticks(pending[: max(len(pending) - opened.unsafe, 0)])
        self._unsafe = pending[safe:]
        self._mark(read=self._ring.read - len(self._unsafe), lost=self._ring.lost)

    def _mark(self, **changed: int) -> None:
        marks = self.marks._replace(**changed)
        if marks != self.marks and self._noted:
            write_marks(self._noted, self._ring.pid, marks)
        self.marks = marks


def record(ring_file: Path, log: Path, noted: Path | None = None) -> Marks:
    """Follow a ring into ``log`` until its host has ended, or is dead.

    Takes up where the recorder before it came to, which ``noted`` tells. Raises InputError
    for what is no ring, and for a log whose format is not known.
    """
    with RingReader(ring_file) as ring:
        recorder = Recorder(ring, log, noted)
        patience_s, longest_s = PATIENCE_S
        while True:
            try:
                recorder.follow()
                return recorder.marks
            except OSError:
                if ring.is_over():
                    recorder.give_up()
                    return recorder.marks
            time.sleep(patience_s)
            patience_s = min(2.0 * patience_s, longest_s)
            recorder.go_back()


def recorder_command(ring_file: Path, log: Path) -> list[str]:
    """The program that records a ring into a log as a process of its own."""
    return [sys.executable, "-m", "tianyuan.firmware.recorder", str(ring_file), str(log)]


def main(ring_file: str, log: str) -> int:
    """Record as the least of the processes here: the first to wait, the first to be killed."""
    os.nice(10)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    try:
        record(Path(ring_file), Path(log), marks_file(Path(ring_file)))
    except InputError as error:
        print(f"recorder: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
