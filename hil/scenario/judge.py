"""What happened, by what the bus said and what the car did: words count only with deeds.

Nothing here looks into the host. A stop is a car that came to a stand with its throttle
closed; it is an emergency stop where the permit was withdrawn as well. A car that drove on
was degraded where it drove more slowly than its twin without the fault, and else ignored it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from tianyuan.control.records import Cause, Flag, Mode, Permit
from tianyuan.firmware.guard.records import GuardCause
from tianyuan.hil.scenario.model import Reaction
from tianyuan.hil.scenario.trace import Rows

STANDSTILL_MPS: Final = 0.2
PERMIT_NS: Final = 100_000_000  # a grant older than this permits nothing
SILENT_NS: Final = 200_000_000  # a host unheard for this long is gone
STOPPING: Final = (Mode.CONTROLLED_STOP, Mode.EMERGENCY_STOP)
SLOWER: Final = 0.97  # of its twin's speed: what a cap leaves, and noise does not
CYCLE_NS: Final = 25_000_000  # a heartbeat's, and a little
SLOW_MPS: Final = 1.0
CAPPED_NS: Final = 1_000_000_000  # a cap takes this long to show in the speed
NS_PER_S: Final = 1e9


class Findings(NamedTuple):
    """What became of a run from an instant on."""

    reaction: Reaction
    detected_ns: int | None  # of the first frame that shows the reaction
    cause: str  # that host or guard named for it
    stand: int | None  # row of the trace in which the car came to a stand
    gone_ns: int | None  # the last frame of a host that fell silent
    begin: int  # row of the instant
    end: int  # row after the last one that counts


def rows_from(trace: Rows, t_ns: int) -> tuple[int, int]:
    """The rows from an instant to the chequered flag, or to the end."""
    begin = int(np.searchsorted(trace.t_ns, t_ns))
    flagged = np.flatnonzero(trace.flag[begin:] == Flag.CHEQUERED)
    return begin, begin + int(flagged[0]) if len(flagged) else len(trace)


def find(trace: Rows, t_ns: int, guarded: bool, twin: Rows | None) -> Findings:
    """The reaction that the rows show from ``t_ns`` on; ``twin`` is the run without faults."""
    begin, end = rows_from(trace, t_ns)
    rows = trace[begin:end]
    stand = _stand(rows)
    if not _drove(trace[:end]):
        return Findings("refused", None, _word(trace, end), None, None, begin, end)
    if stand is not None and _closed(rows[: stand + 1]):
        return _stopped(rows, stand, guarded, begin, end)
    if len(rows) and rows.mode[-1] in STOPPING:
        # It says that it stops, and does not: the verdict is the run's.
        return Findings("none", _said_ns(rows), _word(trace, end), None, None, begin, end)
    slower_ns = _slower_ns(rows, twin)
    if slower_ns is not None:
        return Findings("degraded", slower_ns, _degraded_by(rows), None, None, begin, end)
    # Who drives on beside the track has coped with nothing.
    reaction: Reaction = "none" if (rows.edge_margin_m < 0.0).any() else "ignored"
    return Findings(reaction, None, Cause.NONE.name, None, None, begin, end)


def _drove(rows: Rows) -> bool:
    return bool((rows.mode == Mode.DRIVING).any())


def _stand(rows: Rows) -> int | None:
    """The first row of a car that has come to a stand, having moved."""
    moving = np.abs(rows.speed_mps) >= STANDSTILL_MPS
    if not moving.any() or moving[-1]:
        return None
    return int(np.flatnonzero(moving)[-1]) + 1


def _since(condition: np.ndarray) -> int:
    """The row from which on a condition holds to the end; the length where it does not."""
    broken = np.flatnonzero(~condition)
    return int(broken[-1]) + 1 if len(broken) else 0


def _open(rows: Rows) -> np.ndarray:
    """Where somebody who is heard asks for power."""
    fresh = rows.t_ns - rows.throttle_ns <= PERMIT_NS
    return fresh & (rows.throttle_command > 0.0)


def _closed(rows: Rows) -> bool:
    """Whether the car came to its stand without asking for power, if only at the end."""
    return not _open(rows)[-min(len(rows), 50) :].any()


def _granted(rows: Rows) -> np.ndarray:
    return (rows.permit == Permit.GRANTED) & (rows.t_ns - rows.permit_ns <= PERMIT_NS)


def _stopped(rows: Rows, stand: int, guarded: bool, begin: int, end: int) -> Findings:
    way = rows[: stand + 1]
    lost = _since(~_granted(way)) if guarded else len(way)
    # What happens to the permit of a car that all but stands makes no emergency of its stop.
    slow = _since(np.abs(way.speed_mps) < SLOW_MPS)
    emergency = lost < slow if guarded else way.mode[-1] == Mode.EMERGENCY_STOP
    stops = way.mode[-1] in STOPPING
    words = (Mode.EMERGENCY_STOP,) if emergency else STOPPING
    shown = [int(way.t_ns[-1])]
    if way.mode[-1] in words:
        shown.append(_said_ns(way, words))
    if emergency and lost < len(way):
        shown.append(_frame_ns(way, lost, "permit_ns"))
    shown.append(_shut_ns(way, min(shown)))
    reaction: Reaction = "emergency_stop" if emergency else "controlled_stop"
    cause = _word(way, len(way)) if stops else _others_word(way[-1])
    return Findings(reaction, min(shown), cause, begin + stand, _gone_ns(way), begin, end)


def _shut_ns(way: Rows, first_ns: int) -> int:
    """The frame that closes the throttle, where it belongs to the reaction first shown then.

    Commands have cycles of their own, so it may come a little before the word; long before it, a
    bend has closed the throttle.
    """
    shut = _since(~_open(way))
    if shut == 0 or shut >= len(way):
        return first_ns
    shut_ns = _frame_ns(way, shut, "throttle_ns")
    return shut_ns if first_ns - CYCLE_NS <= shut_ns < first_ns else first_ns


def _frame_ns(rows: Rows, row: int, field: str) -> int:
    """The frame that a row is the first to show, or the row's own time where it shows silence."""
    before_ns = rows[field][row - 1] if row > 0 else 0
    return int(rows[field][row] if rows[field][row] != before_ns else rows.t_ns[row])


def _gone_ns(way: Rows) -> int | None:
    """The newest frame of a host that has been silent for long by the end."""
    newest_ns = max(int(way[field][-1]) for field in ("steer_ns", "brake_ns", "beat_ns"))
    return newest_ns if way.t_ns[-1] - newest_ns > SILENT_NS else None


def _said_ns(rows: Rows, words: tuple[Mode, ...] = STOPPING) -> int:
    """The frame from which on the heartbeat says that the car is being stopped."""
    says = np.isin(rows.mode, words)
    return int(rows.beat_ns[min(_since(says), len(rows) - 1)])


def _word(rows: Rows, end: int) -> str:
    """The cause that the host names last before ``end``."""
    return Cause(int(rows.cause[end - 1])).name if end else Cause.NONE.name


def _others_word(row: np.record) -> str:
    """The cause of a stop that no heartbeat tells: by the host's own bus, or the guard's."""
    if row.host_mode in STOPPING:
        return Cause(int(row.host_cause)).name
    return GuardCause(int(row.guard_cause)).name


def _degraded_by(rows: Rows) -> str:
    named = rows.cause[rows.cause != Cause.NONE]
    return Cause(int(named[0])).name if len(named) else Cause.NONE.name


def _slower_ns(rows: Rows, twin: Rows | None) -> int | None:
    """The first sign of a cap on the speed, where the car drove more slowly than its twin for it.

    Slower alone is none: a car that is wrong about its speed is slow, too. The sign is a cause in
    the heartbeat of a car that drives on, or a target below the twin's at the same place.
    """
    if twin is None or not len(rows):
        return None
    late = rows.t_ns >= rows.t_ns[0] + CAPPED_NS
    twin_mps = at_places(twin, rows, "speed_mps")
    both = late & np.isfinite(twin_mps)
    if not both.any() or rows.speed_mps[both].mean() >= SLOWER * twin_mps[both].mean():
        return None
    signs = [int(rows.beat_ns[k]) for k in np.flatnonzero(rows.cause != Cause.NONE)[:1]]
    target_mps = at_places(twin, rows, "target_mps")
    capped = np.isfinite(target_mps) & (rows.target_mps < SLOWER * target_mps)
    signs += [int(rows.t_ns[k]) for k in np.flatnonzero(capped)[:1]]
    return min(signs, default=None)


def at_places(twin: Rows, rows: Rows, field: str) -> np.ndarray:
    """What the twin had where the car is now, by lap and station; NaN where it never was."""
    lap_m = 1e6  # longer than any lap
    driven = twin[twin.lap > 0]
    if not len(driven):
        return np.full(len(rows), np.nan)
    along_m = driven.lap * lap_m + driven.station_m
    order = np.maximum.accumulate(along_m)
    here_m = rows.lap * lap_m + rows.station_m
    return np.interp(here_m, order, driven[field], np.nan, np.nan)
