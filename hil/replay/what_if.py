"""What a host would have commanded: two hosts that see the same frames, and how they differ.

The car on the log answered to what was commanded then, so each instant is a question of its
own: what would have been commanded here, not where the car would have gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

import numpy as np

from tianyuan.control.errors import InputError
from tianyuan.control.records import Cause, Mode
from tianyuan.firmware.host import Host
from tianyuan.hil.replay.run import TICKS, Loop
from tianyuan.hil.replay.stretch import Played, Stretch

COMMANDS: Final = ("steer_rad", "throttle", "brake_bar", "gear", "mode", "cause")
THOUGHTS: Final = ("speed_mps", "target_mps", "cross_track_m", "station_m", "laps")
COMPARED: Final = ("steer_rad", "throttle", "brake_bar", "gear", "target_mps", "cross_track_m")
ROW: Final = np.dtype([(name, "f8") for name in (*COMMANDS, *THOUGHTS)])


class WhatIf(NamedTuple):
    """Each tick of both: times (n,), and ROW as it was and as it would have been."""

    t_ns: np.ndarray
    was: np.ndarray
    would: np.ndarray

    @property
    def t_s(self) -> np.ndarray:
        """Seconds since the first tick."""
        return (self.t_ns - self.t_ns[0]) * 1e-9


def rows_of(each: Played) -> np.ndarray:
    """ROW of each tick played."""
    rows = np.empty(each.commands.size, ROW)
    for name in COMMANDS:
        rows[name] = each.commands[name]
    for name in THOUGHTS:
        rows[name] = each.thoughts[name]
    return rows


def what_if(
    stretches: Iterable[Stretch],
    was: Host,
    would: Host,
    own: bool,
    progress: Callable[[int], None] = lambda _: None,
) -> WhatIf:
    """Both hosts, fresh from ``make_host``, through the same frames; InputError without any."""
    loops = Loop(was, own), Loop(would, own)
    found: list[tuple[np.ndarray, ...]] = []
    ticks = 0
    for stretch in stretches:
        for first in range(0, stretch.t_ns.size, TICKS):
            part = stretch.part(first, min(first + TICKS, stretch.t_ns.size))
            found.append((part.t_ns, *(rows_of(looped.play(part)) for looped in loops)))
            ticks += part.t_ns.size
            progress(ticks)
    if not found:
        raise InputError("the log holds no tick to be replayed")
    return WhatIf(*(np.concatenate(column) for column in zip(*found, strict=True)))


def figures_of(both: WhatIf) -> dict[str, Any]:
    """How much the two differ, by column of COMPARED, and where their modes part."""
    other = both.was["mode"] != both.would["mode"]
    columns = {name: _column(both, name) for name in COMPARED}
    first = int(np.flatnonzero(other)[0]) if other.any() else None
    return {
        "ticks": int(both.t_ns.size),
        "columns": columns,
        "mode_differs_ticks": int(other.sum()),
        "mode_differs_first": _modes(both, first) if first is not None else None,
    }


def _column(both: WhatIf, name: str) -> dict[str, float | None]:
    apart = both.would[name] - both.was[name]
    apart = np.where(np.isfinite(apart), apart, 0.0)
    most = int(np.abs(apart).argmax())
    differing = np.flatnonzero(apart)
    return {
        "rms": float(np.sqrt(np.mean(apart**2))),
        "most": float(apart[most]),
        "most_at_s": float(both.t_s[most]),
        "first_at_s": float(both.t_s[differing[0]]) if differing.size else None,
        "ticks": int(differing.size),
    }


def _modes(both: WhatIf, k: int) -> dict[str, Any]:
    def named(row: np.void) -> dict[str, str]:
        return {"mode": Mode(int(row["mode"])).name, "cause": Cause(int(row["cause"])).name}

    return {"t_s": float(both.t_s[k]), "was": named(both.was[k]), "would": named(both.would[k])}
