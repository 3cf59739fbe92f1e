"""What happened beside the modes: faults, permits, flags, deadlines missed, on one time line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np

from tianyuan.control.records import CHANNEL_NAMES, Flag, Permit
from tianyuan.firmware.host_record import SIGNALS
from tianyuan.hil.analysis.hearing import Rows

TOGETHER_S: Final = 1.0  # a counter that moves on within this is one event


class Event(NamedTuple):
    """``grave`` ones are faults; the others are told for the order of things."""

    t_s: float
    what: str
    grave: bool
    late: int = 0  # deadlines missed, where it is these


class _Watched(NamedTuple):
    field: str
    text: Callable[[int], str]
    grave: Callable[[int], bool]


def _named(enum: type[Flag | Permit], value: int) -> str:
    return enum(value).name.replace("_", " ").lower() if value in set(enum) else str(value)


def _fault(part: str) -> Callable[[int], str]:
    return lambda value: f"{part} reports a fault" if value else f"{part} reports no fault any more"


_SENSORS: Final = (
    _Watched("race_flag", lambda v: f"flag {_named(Flag, v)}", lambda v: v == Flag.RED),
    _Watched("race_go", lambda v: "go" if v else "go released", lambda v: False),
    _Watched("estop", lambda v: "remote stop" if v else "remote stop released", bool),
    _Watched(
        "permit",
        lambda v: f"permit {_named(Permit, v)}",
        lambda v: v not in (Permit.GRANTED, Permit.WAITING),
    ),
    _Watched("steer_fault", _fault("steering"), bool),
    _Watched("brake_fault", _fault("brake"), bool),
    _Watched("powertrain_fault", _fault("powertrain"), bool),
)
_HOST: Final = (
    _Watched("shutdown", lambda v: "asked to stop and end", lambda v: False),
    _Watched("interface_down", lambda v: "interface down" if v else "interface up again", bool),
)
_COUNTERS: Final = {
    "overruns": "deadlines missed: {}",
    "refused": "frames refused: {}",
    "bus_off": "bus-off: {}",
    "no_acknowledge": "not acknowledged: {}",
    "error_passive": "error passive: {}",
    "error_warning": "error warning: {}",
}


def events(rows: Rows, t_s: np.ndarray) -> list[Event]:
    """The events of a log's rows, in order of time; ``t_s`` (n,) are the rows' times."""
    found = list[Event]()
    for watched in _SENSORS:
        found += _changes(watched, rows.sensors[:, CHANNEL_NAMES.index(watched.field)], t_s)
    fields = list(SIGNALS)
    for watched in _HOST:
        found += _changes(watched, rows.host[:, fields.index(watched.field)], t_s)
    for field, text in _COUNTERS.items():
        found += _counted(field, text, rows.host[:, fields.index(field)], t_s)
    return sorted(found, key=lambda event: event.t_s)


def _changes(watched: _Watched, values: np.ndarray, t_s: np.ndarray) -> list[Event]:
    """A change each; the first value counts where it says that something is."""
    known = np.flatnonzero(np.isfinite(values))
    whole = values[known].astype(np.int64)
    changed = np.flatnonzero(np.diff(whole, prepend=0))
    return [
        Event(float(t_s[known[i]]), watched.text(int(whole[i])), watched.grave(int(whole[i])))
        for i in changed
    ]


def _counted(field: str, text: str, values: np.ndarray, t_s: np.ndarray) -> list[Event]:
    """Steps of a counter, those close together as one; what it has at first was before that."""
    known = np.flatnonzero(np.isfinite(values))
    counted = values[known].astype(np.int64)
    if not counted.size:
        return []
    found = list[Event]()
    if counted[0]:
        before = f"{text.format(counted[0])}, all before this"
        found.append(Event(float(t_s[known[0]]), before, False))
    steps = np.diff(counted, prepend=counted[0])
    begun_s, ended_s, count = 0.0, -np.inf, 0

    def tell() -> None:
        late = count if field == "overruns" else 0
        found.append(Event(begun_s, text.format(count), True, late))

    for i in np.flatnonzero(steps > 0):
        at_s = float(t_s[known[i]])
        if at_s - ended_s > TOGETHER_S and count:
            tell()
            count = 0
        begun_s = at_s if count == 0 else begun_s
        ended_s, count = at_s, count + int(steps[i])
    if count:
        tell()
    return found
