"""A stretch of a log: its frames, parted into ticks, and what a host said to them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tianyuan.firmware.snapshot import Snapshot


class Stretch(NamedTuple):
    """Frames of whole ticks: those of tick ``k`` end before ``ends[k]``, and begin there too."""

    frames: np.recarray  # (n,) FRAME; those that the host sent have TX in ``reserved``
    ends: np.ndarray  # (ticks,)
    t_ns: np.ndarray  # (ticks,) what each tick was told
    begins_with: Snapshot | None = None  # the host's state, where ticks before it are missing

    def part(self, first: int, last: int) -> Stretch:
        """The ticks from ``first`` up to, but not with, ``last``."""
        begin = int(self.ends[first - 1]) if first else 0
        end = int(self.ends[last - 1]) if last else 0
        return Stretch(
            self.frames[begin:end].view(np.recarray),
            self.ends[first:last] - begin,
            self.t_ns[first:last],
            None if first else self.begins_with,
        )


class Played(NamedTuple):
    """Ticks that were replayed, and what the host said in each; ``ends`` as in Stretch."""

    recorded: Stretch
    made: np.recarray  # (m,) FRAME
    ends: np.ndarray  # (ticks,)
    wrong: np.ndarray  # (ticks,) frames other than recorded
    commands: np.ndarray  # (ticks,) COMMAND
    thoughts: np.ndarray  # (ticks,) HOST
