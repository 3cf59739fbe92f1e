"""Which faults are there now: begun at their instant, ended after their time."""

from __future__ import annotations

import numpy as np

from tianyuan.control.kernels import kernel
from tianyuan.hil.faults.records import Trigger, Where

TIME = int(Trigger.TIME)
STATION = int(Trigger.STATION)
MODELLED = int(Where.MODELLED)
NOT_MODELLED = int(Where.NOT_MODELLED)


@kernel
def _triggered(row, race, speed_mps, t_ns):
    if row.trigger == TIME:
        return row.at_ns == 0 or (race.began_ns > 0 and t_ns - race.began_ns >= row.at_ns)
    if race.started == 0:
        return False
    if row.trigger == STATION:
        return race.lap > row.lap or (race.lap == row.lap and race.station_m >= row.at)
    return speed_mps >= row.at


@kernel
def finish(state, t_ns):
    """End a fault of which enough has been done."""
    state.active = 0
    state.ended_ns = t_ns


@kernel
def update(faults, state, modelled, race, speed_mps, t_ns):
    """Begin and end the faults whose instant has come; each comes once.

    A row for the other kind of bus than ours, ``modelled`` or not, is never active.
    """
    for r in range(faults.size):
        row, s = faults[r], state[r]
        if s.began_ns == 0:
            if _triggered(row, race[0], speed_mps, t_ns):
                s.began_ns = t_ns
                s.active = 0 if row.where == (NOT_MODELLED if modelled != 0 else MODELLED) else 1
        elif s.ended_ns == 0 and row.for_ns > 0 and t_ns - s.began_ns >= row.for_ns:
            finish(s, t_ns)


@kernel
def set_fields(faults, state, effect, records):
    """Set the fields of BUS_FAULTS, or of another record, that active rows name; clear the rest.

    ``records`` has eight bytes a field; ``more`` says whether a row's field is a float.
    """
    if records.size == 0:
        return
    words, reals = records.view(np.int64), records.view(np.float64)
    for k in range(words.size):
        words[k] = 0
    width = words.size // records.size
    for r in range(faults.size):
        row = faults[r]
        if row.effect != effect or state[r].active == 0:
            continue
        for k in range(records.size):
            if row.more != 0.0:
                reals[k * width + row.channel] = row.amount
            else:
                words[k * width + row.channel] = int(row.amount)
