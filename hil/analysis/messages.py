"""How often each message was on its bus, and how long it was silent at most."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np

from tianyuan.dbc.frame import ERROR, EXTENDED, EXTENDED_MASK, REMOTE, TX

_CHANNEL: Final = 33  # bits of a key: identifier and its flags, direction, channel
_SENT: Final = 32


class Heard(NamedTuple):
    """One message of a log; times are those of the log."""

    channel: int
    can_id: int  # with EXTENDED, REMOTE and ERROR
    sent: bool  # by the host, whose log it is
    frames: int
    first_ns: int
    last_ns: int
    silent_ns: int  # at most, between two of its frames

    @property
    def mean_ms(self) -> float | None:
        """Between two frames, None for a single one."""
        return (
            (self.last_ns - self.first_ns) / (self.frames - 1) * 1e-6 if self.frames > 1 else None
        )

    def name(self, names: Mapping[tuple[int, int], str]) -> str:
        """By channel and identifier, or the identifier itself."""
        if self.can_id & ERROR:
            return "error frame"
        known = names.get((self.channel, self.can_id & ~REMOTE))
        digits = 8 if self.can_id & EXTENDED else 3
        name = known or f"0x{self.can_id & EXTENDED_MASK:0{digits}X}"
        return f"{name} (remote)" if self.can_id & REMOTE else name


class Census:
    """Counts the messages of blocks of frames, in whatever order they come."""

    def __init__(self) -> None:
        self._heard: dict[int, Heard] = {}

    def add(self, frames: np.ndarray) -> None:
        """Count a block, in the order of the log."""
        if not len(frames):
            return
        keys = frames["can_id"].astype(np.int64)
        keys = np.where(keys & ERROR, ERROR, keys)  # of which the rest says what was wrong
        keys |= (frames["reserved"] == TX).astype(np.int64) << _SENT
        keys |= frames["channel"].astype(np.int64) << _CHANNEL
        order = np.argsort(keys, kind="stable")
        keys, t_ns = keys[order], frames["t_ns"][order]
        begins = np.flatnonzero(np.diff(keys, prepend=keys[0] - 1))
        for begin, end in zip(begins, [*begins[1:], len(keys)], strict=True):
            self._add(int(keys[begin]), t_ns[begin:end])

    def _add(self, key: int, t_ns: np.ndarray) -> None:
        before = self._heard.get(key)
        if before is not None:
            t_ns = np.concatenate([[before.last_ns], t_ns])
        silent_ns = int(np.diff(t_ns).max()) if len(t_ns) > 1 else 0
        self._heard[key] = Heard(
            key >> _CHANNEL,
            key & 0xFFFF_FFFF,
            bool(key >> _SENT & 1),
            len(t_ns) if before is None else before.frames + len(t_ns) - 1,
            int(t_ns[0]) if before is None else before.first_ns,
            int(t_ns[-1]),
            max(silent_ns, 0 if before is None else before.silent_ns),
        )

    def all(self) -> list[Heard]:
        """By bus, then the host's own after what it heard, then by identifier."""
        return [self._heard[key] for key in sorted(self._heard)]
