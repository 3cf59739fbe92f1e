"""Verdicts and rows that no run has made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tianyuan.control.records import Cause, Mode
from tianyuan.hil.scenario.excerpt import Excerpt, excerpt
from tianyuan.hil.scenario.result import Result
from tianyuan.hil.scenario.trace import TRACE

MADE: dict[str, Any] = {
    "name": "stop", "passed": True, "reaction": "emergency_stop", "cause": "REMOTE_ESTOP",
    "detected_ms": 1.0, "bound_ms": 4.0, "max_cross_track_m": 0.25, "expected": "emergency_stop",
    "known": None, "faults": ["emergency_stop"], "fault_s": 3.0, "reaction_s": 3.001,
    "on_track": True, "min_edge_margin_m": 0.4, "stop_distance_m": 101.5, "laps": [],
    "top_speed_mps": 43.0, "driven_s": 12.5, "twin_passed": True, "failures": [], "seed": 1,
    "car": "tianyuan", "track": "oval", "controller": "stanley",
}  # fmt: skip


@pytest.fixture
def result_of() -> Callable[..., Result]:
    """A result like any other, but for what is given."""
    return lambda **changes: Result(**(MADE | changes))


@pytest.fixture
def drawn() -> Excerpt:
    """Twelve seconds of a car that is stopped in the third."""
    rows = np.zeros(12_000, TRACE).view(np.recarray)
    rows.t_ns = 1_000_000_000 + np.arange(len(rows)) * 1_000_000
    rows.speed_mps = np.maximum(30.0 - np.arange(len(rows)) * 0.004, 0.0)
    rows.mode = np.where(rows.t_ns < 4_000_000_000, Mode.DRIVING, Mode.EMERGENCY_STOP)
    rows.cause = np.where(rows.t_ns < 4_000_000_000, Cause.NONE, Cause.REMOTE_ESTOP)
    return excerpt(rows, 4_000_000_000, 9_000_000_000)
