"""What the results keep of a run: a column for each figure of its verdict."""

from __future__ import annotations

from typing import Any, Final

from tianyuan.hil.laps import best_lap
from tianyuan.hil.scenario.result import Result

# Told elsewhere in the row, or of this machine and not of the run.
_LEFT_OUT: Final = {"name", "about", "seed", "laps", "realtime", "real_time_factor", "buses"}
_MADE: Final = ("verdict", "laps_driven", "lap_time_s", "lap_figures")

FIGURES: Final = (*(name for name in Result.model_fields if name not in _LEFT_OUT), *_MADE)
LAP_TIME: Final = "lap_time_s"
# By which of them the summary ranks parameters, and what it calls them.
RANKED: Final = {
    LAP_TIME: "lap",
    "max_cross_track_m": "off",
    "min_edge_margin_m": "edge",
}


def figures_of(result: Result) -> dict[str, Any]:
    """The figures of a run; its lap time is the best flying lap's, or else the standing one's."""
    best = best_lap(result.laps)
    return {
        **result.model_dump(exclude=_LEFT_OUT),
        "verdict": result.verdict,
        "laps_driven": len(result.laps),
        LAP_TIME: best.time_s if best else None,
        "lap_figures": [lap.model_dump() for lap in result.laps],
    }
