"""The recorder: everything the loop saw, said and thought, from the ring into a log.

A process of its own. The frames of one tick end with its marker, which carries the tick's
integer time: that, and the run's card beside the log, is all that a replay needs. Each look
at the ring ends on the disk, so a power cut costs half a second. Whoever kills the recorder
loses nothing: the next one takes up where the log is safe, as far as the ring reaches back,
and tells in the log itself what it does not. A log that cannot be written, as on a full disk,
is tried again and again.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from tianyuan.control.errors import InputError
from tianyuan.dbc.frame import FRAME, TX
from tianyuan.firmware.host_record import TICK_ID
from tianyuan.firmware.log_file import USUAL, Limits, card_text
from tianyuan.firmware.marks import Marks, marks_file, read_marks, write_marks
from tianyuan.firmware.recording.gaps import gap
from tianyuan.firmware.recording.segments import Segments
from tianyuan.firmware.shared_ring import RingReader

PAUSE_S: Final = 0.25  # between looks; a power cut costs what the log waits for, twice this
PIECE: Final = 8192  # frames: a second or two of a car
PATIENCE_S: Final = (1.0, 30.0)  # between attempts to write: the first, and the most


def whole_ticks(frames: np.ndarray) -> int:
    """How many of the frames (n,) come before the end of the last tick that is whole."""
    ends = np.flatnonzero((frames["can_id"] == TICK_ID) & (frames["reserved"] == TX))
    return int(ends[-1]) + 1 if ends.size else 0


def pieces(frames: np.ndarray) -> Iterator[np.ndarray]:
    """Frames (n,) in pieces that end with a tick: a recorder that comes late has ten seconds."""
    while len(frames) > PIECE:
        cut = whole_ticks(frames[:PIECE]) or PIECE
        yield frames[:cut]
        frames = frames[cut:]
    yield frames


class Recorder:
    """Follows a ring into a log; ``marks`` tells how far it has come, and a file too."""

    def __init__(self, ring: RingReader, log: Path, noted: Path | None, limits: Limits) -> None:
        self.marks = read_marks(noted, ring.pid) if noted else Marks()
        self._ring, self._log, self._noted, self._limits = ring, log, noted, limits
        self._held = np.zeros(0, FRAME)  # read, of a tick that is not whole yet
        self.go_back()

    def go_back(self) -> None:
        """Take up where the log is safe."""
        self._held = self._held[:0]
        self._ring.read, self._ring.lost = self.marks.read, self.marks.lost

    def follow(self) -> None:
        """Record until the ring is over; raises OSError where the log cannot be written."""
        before, number = self.marks.dropped, self.marks.parts + 1
        with Segments(self._log, number, self._limits, card_text(self._log)) as segments:
            over = False
            while not over:
                over = self._ring.is_over()  # asked before the last look, not after
                if len(frames := self._look(over)):
                    for piece in pieces(frames):
                        segments.append(piece, self._ring.wall_ns)
                    # All at once: a part that is not told of here is written over.
                    self._mark(
                        read=self._ring.read - len(self._held),
                        lost=self._ring.lost,
                        parts=segments.parts,
                        dropped=before + segments.dropped,
                    )
                if not over:
                    time.sleep(PAUSE_S)

    def give_up(self) -> None:
        """Count what the log does not have as lost."""
        self.go_back()
        lost = self._ring.lost + len(self._ring.take())
        self._mark(read=self._ring.read, lost=lost)

    def _look(self, over: bool) -> np.ndarray:
        """What is ready for the log: whole ticks, so that a part begins with one."""
        before = self._ring.lost
        frames = self._ring.take()
        whole = len(frames) if over else whole_ticks(frames)
        if lost := self._ring.lost - before:
            t_ns = int(frames["t_ns"][0]) if len(frames) else time.monotonic_ns()
            ready = [self._held, gap(lost, t_ns), frames[:whole]]
        elif whole or over:
            ready = [self._held, frames[:whole]]
        else:
            ready = [frames[:0]]
            frames = np.concatenate((self._held, frames))
        self._held = frames[whole:]
        return np.concatenate(ready)

    def _mark(self, **changed: int) -> None:
        marks = self.marks._replace(**changed)
        if marks != self.marks and self._noted:
            write_marks(self._noted, self._ring.pid, marks)
        self.marks = marks


def record(ring_file: Path, log: Path, noted: Path | None = None, limits: Limits = USUAL) -> Marks:
    """Follow a ring into ``log`` until its host has ended, or is dead.

    Takes up where the recorder before it came to, which ``noted`` tells. Raises InputError
    for what is no ring, and for a log whose format is not known.
    """
    with RingReader(ring_file) as ring:
        recorder = Recorder(ring, log, noted, limits)
        patience_s, longest_s = PATIENCE_S
        told = Marks(read=-1)
        while True:
            try:
                recorder.follow()
                return recorder.marks
            except OSError as error:
                if recorder.marks.read != told.read:  # once, until it has gone on
                    told = recorder.marks
                    print(f"recorder: {log}: {error.strerror}; trying again", file=sys.stderr)
                if ring.is_over():
                    recorder.give_up()
                    return recorder.marks
            time.sleep(patience_s)
            patience_s = min(2.0 * patience_s, longest_s)
            recorder.go_back()


def recorder_command(ring_file: Path, log: Path, limits: Limits = USUAL) -> list[str]:
    """The program that records a ring into a log as a process of its own."""
    program = [sys.executable, "-m", "tianyuan.firmware.recorder"]
    return [*program, str(ring_file), str(log), *map(str, limits)]


def main(ring_file: str, log: str, part_bytes: str, part_s: str, total_bytes: str) -> int:
    """Record as the least of the processes here: the first to wait, the first to be killed."""
    os.nice(10)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    try:
        limits = Limits(int(part_bytes), float(part_s), int(total_bytes))
        record(Path(ring_file), Path(log), marks_file(Path(ring_file)), limits)
    except InputError as error:
        print(f"recorder: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
