"""What happened beside the modes: told when it happened, and once."""

from __future__ import annotations

import numpy as np

from tianyuan.firmware.host_record import SIGNALS
from tianyuan.hil.analysis.events import Event, events
from tianyuan.hil.analysis.hearing import rows

RATE_HZ = 100


def told(field: str, values: list[int]) -> list[Event]:
    """The events of a log in which one of the host's counters had these values."""
    heard = rows(len(values))
    for each in (heard.sensors, heard.commands, heard.host):
        each[:] = np.nan
    heard.host[:, list(SIGNALS).index(field)] = values
    return events(heard, np.arange(len(values)) / RATE_HZ)


def test_deadlines_missed_together_are_one_event():
    values = [0] * 100 + [1, 3] * 1 + [3] * 200 + [7]

    found = told("overruns", values)

    assert [(event.t_s, event.what, event.late) for event in found] == [
        (1.0, "deadlines missed: 3", 3),
        (3.02, "deadlines missed: 4", 4),
    ]
    assert all(event.grave for event in found)


def test_what_was_counted_before_the_log_began_is_no_fault_in_it():
    found = told("overruns", [10] * 200 + [11])

    assert [(event.t_s, event.what, event.grave) for event in found] == [
        (0.0, "deadlines missed: 10, all before this", False),
        (2.0, "deadlines missed: 1", True),
    ]


def test_other_counters_are_no_deadlines():
    (event,) = told("refused", [0, 2])

    assert event == Event(0.01, "frames refused: 2", True)
