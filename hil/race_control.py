"""Race control, as the rig plays it: green, go once the car is ready, chequered after the laps."""

from __future__ import annotations

from typing import Final

import numpy as np

from tianyuan.control.kernels import kernel
from tianyuan.control.records import Flag, Mode

OFF = int(Mode.OFF)
READY = int(Mode.READY)
DRIVING = int(Mode.DRIVING)
GREEN = int(Flag.GREEN)
CHEQUERED = int(Flag.CHEQUERED)

RACE: Final = np.dtype(
    [
        ("laps_wanted", "i8"),
        ("dwell_ns", "i8"),  # Ready must have lasted this long before go
        ("patience_ns", "i8"),  # a car that is not ready by then is sent home
        ("began_ns", "i8"),
        ("ready_ns", "i8"),  # since when the car has said so, 0 when it does not
        ("started", "i8"),
        ("lap", "i8"),  # 0 before the start, 1 is the lap from standstill
        ("station_m", "f8"),  # at the last look
        ("flag", "i8"),
        ("go", "i8"),
        ("finished", "i8"),  # the car has stopped and nothing more will happen
    ]
)

STANDSTILL_MPS: Final = 0.2


@kernel
def count_lap(race, station_m, length_m):
    """Count a crossing of the line's first point, once the car has started."""
    r = race[0]
    before = r.station_m
    r.station_m = station_m
    if r.started == 0:
        return
    if before > 0.75 * length_m and station_m < 0.25 * length_m:
        r.lap += 1
    elif before < 0.25 * length_m and station_m > 0.75 * length_m and r.lap > 0:
        r.lap -= 1


@kernel
def update(race, mode, speed_mps, t_ns):
    """Set flag and go for what the car's heartbeat says; ``finished`` once all is over."""
    r = race[0]
    if r.began_ns == 0:
        r.began_ns = t_ns
        r.flag = GREEN
    standing = speed_mps < STANDSTILL_MPS
    if r.started == 0:
        if mode not in (READY, DRIVING):
            # Go must be released before a car that was not ready any more can be so again.
            r.ready_ns, r.go = 0, 0
        elif r.ready_ns == 0:
            r.ready_ns = t_ns
        elif t_ns - r.ready_ns >= r.dwell_ns:
            r.go = 1
        if mode == DRIVING:
            r.started, r.lap = 1, 1
        elif t_ns - r.began_ns > r.patience_ns:
            r.finished = 1
        return
    if r.lap > r.laps_wanted:
        r.flag = CHEQUERED
    if mode != DRIVING and standing:
        r.go = 0
        r.finished = 1
